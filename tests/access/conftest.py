"""A file of roles, and people who act under it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.access import Person, Role

ROLES = """
ask = "Ada, ada@lab.org"

[people]
"ada@lab.org" = "admin"
"tom@lab.org" = "trainer"
"tess@lab.org" = "trainer"

[domains]
"lab.org" = "viewer"
"""
VIEWER = Person("vera@lab.org", "Vera", Role.VIEWER)
TRAINER = Person("tom@lab.org", "Tom", Role.TRAINER)
OTHER = Person("tess@lab.org", "Tess", Role.TRAINER)
ADMIN = Person("ada@lab.org", "Ada", Role.ADMIN)


@pytest.fixture
def write_roles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes the file of roles, and switches roles on."""

    def write(text: str = ROLES) -> Path:
        path = tmp_path / "roles.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("ARCHSCOPE_ROLES", str(path))
        return path

    return write
