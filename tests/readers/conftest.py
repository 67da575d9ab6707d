"""Readers of the field, each in a virtual environment of its own; `make test-readers` sets them up."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.settings import PROJECT

Reader = Callable[..., Any]
HERE = Path(__file__).parent


def _python(name: str) -> Path:
    given = os.environ.get(f"ARCHSCOPE_READER_{name.upper()}")
    return Path(given) if given else PROJECT / ".venv-readers" / name / "bin" / "python"


def _reader(name: str) -> Reader:
    python = _python(name)
    if not python.exists():
        pytest.skip(f"needs {name} in an environment of its own ({python}): run make test-readers")

    def read(task: str, *arguments: object) -> Any:
        """What the script of that reader finds in a file, as JSON."""
        command = [str(python), str(HERE / f"read_{name}.py"), task, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    return read


@pytest.fixture
def by_anndata() -> Reader:
    return _reader("anndata")


@pytest.fixture
def by_archs4py() -> Reader:
    return _reader("archs4py")
