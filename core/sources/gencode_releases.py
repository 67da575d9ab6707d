"""The catalogue of GENCODE releases that the product ships: which annotation goes with which Ensembl version."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.errors import InputError, NotFoundError
from core.settings import SHIPPED_DATA

RELEASES_FILE = SHIPPED_DATA / "gencode_releases.toml"
RELEASE_COLUMNS = ("release", "organism", "assembly", "ensembl", "date", "address")
_TEXT = ("release", "organism", "assembly", "address")
PREFIX = "gencode:"  # before a release's name where a file could stand, too: gencode:v41
OF_ARCHS4_V2 = {"human": "41", "mouse": "M30"}  # Ensembl 107


@dataclass(frozen=True)
class GencodeRelease:
    """One release; ``md5``: what GENCODE publishes of the file, "" where the catalogue does not say."""

    release: str
    organism: str
    address: str
    md5: str = ""

    @property
    def name(self) -> str:
        """As it is written where a file could stand, too."""
        return f"{PREFIX}v{self.release}"


def read_releases(path: Path | None = None) -> pd.DataFrame:
    """RELEASE_COLUMNS, newest first of each organism; ``date`` (year-month) is that of the Ensembl version."""
    return pd.DataFrame(_entries(path), columns=list(RELEASE_COLUMNS))


def named_release(text: str, path: Path | None = None) -> GencodeRelease | None:
    """The release that ``gencode:v41`` or ``gencode:vM30`` names ("v" and capitals may be left out); None for a file.

    Raises NotFoundError for a release that the catalogue does not have.
    """
    if not text.lower().startswith(PREFIX):
        return None
    wanted = re.sub(r"^v", "", text[len(PREFIX) :].strip().lower())
    entries = _entries(path)
    for entry in entries:
        if str(entry["release"]).lower() == wanted:
            return GencodeRelease(entry["release"], entry["organism"], entry["address"], entry.get("md5", ""))
    some = ", ".join(dict.fromkeys(f"{PREFIX}v{entry['release']}" for entry in (*entries[:1], *entries[-1:])))
    raise NotFoundError(f"The list has no GENCODE release {text!r} ({some}, ...): see 'python -m core gencode'.")


def _entries(path: Path | None) -> list[dict[str, str]]:
    path = path or RELEASES_FILE
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("release")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: the list of releases cannot be read ({error}). Correct the file.") from error
    sound = isinstance(entries, list) and bool(entries) and all(isinstance(entry, dict) for entry in entries)
    found: list[dict[str, str]] = entries if sound and entries else []
    if not found or any(not isinstance(entry.get(name), str) for entry in found for name in _TEXT):
        raise InputError(f"{path}: each [[release]] needs {', '.join(_TEXT)} as text. Correct the file.")
    return found
