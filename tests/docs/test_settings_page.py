"""docs/settings.md names every setting, and none that is gone."""

import re
import tomllib
from pathlib import Path

from core import access
from core.access.quotas import KEYS
from core.access.roles import SIGN_IN, TABLES
from core.settings import PROJECT

PAGE = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
CODE = ("core", "pages", "scripts", "benchmarks", "deploy")
ENDINGS = {".py", ".sh", ".yaml", ".conf", ""}
OURS = re.compile(r"(?<![A-Z_])(ARCHSCOPE_[A-Z0-9_]*[A-Z0-9])(?![A-Z_])")
READ = re.compile(
    r"""(?:environ\.get\(|environ\[|environ\.setdefault\(|environ\.pop\(|getenv\(|_number\()\s*["'](\w+)["']"""
)
NOT_SETTINGS = {"PATH", "HOME"}


def section(title: str) -> str:
    """The part of the page below a heading."""
    return re.split(r"^## ", PAGE, flags=re.M)[
        [part.split("\n")[0] for part in re.split(r"^## ", PAGE, flags=re.M)].index(title)
    ]


def rows(text: str) -> set[str]:
    """Names in the first column of the tables of a part."""
    first = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", text, re.M)
    return {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


def sources() -> list[Path]:
    found = [PROJECT / "Makefile", *PROJECT.glob("*.py"), PROJECT / "tests" / "readers" / "conftest.py"]
    for folder in CODE:
        found += [path for path in (PROJECT / folder).rglob("*") if path.is_file() and path.suffix in ENDINGS]
    return found


def used() -> set[str]:
    """Environment variables that the code reads or tells of."""
    names: set[str] = set()
    for path in sources():
        text = path.read_text(encoding="utf-8")
        names |= set(OURS.findall(text)) | set(READ.findall(text))
        if path.suffix == ".sh":  # those that may be given: ${NAME:-...}, ${NAME:+...}, and what a comment asks for
            names |= set(re.findall(r"\$\{([A-Z][A-Z_]+):?[-+]", text))
        if path.name == "Makefile":
            names |= set(re.findall(r"^([A-Z]+) \?=", text, re.M))
    return names - NOT_SETTINGS


def documented() -> set[str]:
    return rows(section("The app and the command line")) | rows(section("Installing, testing, measuring"))


ELSEWHERE = {
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",  # read by urllib
    "NUMBA_CACHE_DIR",  # read by numba
    "ARCHSCOPE_READER_ANNDATA", "ARCHSCOPE_READER_ARCHS4PY",  # a name that is put together
    "COUNTS", "LABELS", "LENGTHS", "NAME", "DATA",  # of the cluster example, which has no default for them
}  # fmt: skip


def test_every_setting_is_documented() -> None:
    assert used() - documented() == set()
    assert len(used()) > 10


def test_every_documented_setting_is_there() -> None:
    assert documented() - used() - ELSEWHERE == set()
    example = (PROJECT / "scripts" / "cluster_example.sh").read_text(encoding="utf-8")
    assert all(f'"${name}"' in example for name in ("COUNTS", "LABELS", "LENGTHS", "NAME", "DATA"))
    assert "ARCHSCOPE_READER_{name.upper()}" in (PROJECT / "tests/readers/conftest.py").read_text(encoding="utf-8")


def test_every_option_of_streamlit_that_is_set_is_documented_with_its_value() -> None:
    config = tomllib.loads((PROJECT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    told = {
        f"{group}.{name}": value
        for group, values in config.items()
        if group != "theme"
        for name, value in values.items()
    }
    assert rows(section("Streamlit")) == set(told)
    for name, value in told.items():
        words = (
            ", ".join(value)
            if isinstance(value, list)
            else str(value).lower()
            if isinstance(value, bool)
            else str(value)
        )
        assert f"| `{name}` | {words} |" in PAGE, name


def test_options_of_streamlit_that_deployments_set_are_told_of() -> None:
    for path in (PROJECT / "deploy").iterdir():
        for name in re.findall(r"STREAMLIT_[A-Z_]+", path.read_text(encoding="utf-8")):
            assert f"`{name}" in PAGE, name


def test_the_keys_of_the_file_of_roles_are_those_that_are_read() -> None:
    known = {"ask", "default", *(table for table in TABLES if table not in ("sign_in", "quotas"))}
    known |= {f"sign_in.{key}" for key in SIGN_IN} | {f"quotas.*.{key}" for key in KEYS}
    assert rows(section("roles.toml")) == known
    assert access.ENVIRONMENT in documented()


def test_the_secrets_are_those_that_the_page_about_sign_in_asks_for() -> None:
    text = (PROJECT / "docs" / "sign-in.md").read_text(encoding="utf-8")
    example = re.search(r"\[auth\]\n(.*?)```", text, re.DOTALL)
    assert example
    keys = {f"auth.{key}" for key in re.findall(r"^\s*(\w+) =", example[1], re.M)}
    assert rows(section("secrets.toml")) == keys
