"""The published ARCHS4 files: which releases there are, where they lie, and what is known of them.

The list is data (``data/archs4_releases.toml``), so that a new release needs no new code.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError, NotFoundError
from core.settings import SHIPPED_DATA
from core.sources.remote_address import checked_address, file_name

SHIPPED = SHIPPED_DATA / "archs4_releases.toml"
ORGANISMS, LEVELS = ("human", "mouse"), ("gene", "transcript")
_TEXT = ("id", "organism", "level", "version", "address")
_OPTIONAL = {"mirrors": list, "bytes": int, "biosamples": int, "sha1": str, "date": str}
_PATTERNS = {"id": r"[\w.-]+", "version": r"\d+(\.\d+)*", "sha1": r"[0-9a-f]{40}", "date": r"\d{4}-\d\d-\d\d"}


@dataclass(frozen=True)
class Release:
    """One published file; 0, "" or () where something is not known. ``mirrors``: other addresses of the same file."""

    id: str
    organism: str
    level: str
    version: str
    address: str
    mirrors: tuple[str, ...] = ()
    bytes: int = 0
    biosamples: int = 0
    sha1: str = ""
    date: str = ""

    @property
    def words(self) -> str:
        """The release as a user would say it: "Human, genes, v2.5"."""
        return f"{self.organism.capitalize()}, {self.level}s, v{self.version}"


def read_releases(path: Path = SHIPPED) -> list[Release]:
    """Every release of the catalogue, in its order. Raises InputError: no TOML, or an entry that cannot be (which)."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("release", [])
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: the list of releases cannot be read ({error}). Correct the file.") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries) or not entries:
        raise InputError(f"{path}: names no releases. Each begins with [[release]].")
    found = [_release(path, number, entry) for number, entry in enumerate(entries, start=1)]
    repeated = {release.id for release in found if sum(other.id == release.id for other in found) > 1}
    if repeated:
        raise InputError(f"{path}: {', '.join(sorted(repeated))} stands there more than once. Give each its own id.")
    return found


def resolve(text: str, path: Path = SHIPPED) -> tuple[str, Release | None]:
    """The address that an id of the catalogue or an address means, and its release where it is in the catalogue.

    Raises NotFoundError for an id that is not there, InputError for an address that is not taken, or of no pinned
    version: the file behind "latest" is replaced by every release.
    """
    releases = read_releases(path)
    wanted = text.strip()
    if "/" not in wanted and ":" not in wanted:
        release = next((release for release in releases if release.id == wanted), None)
        if release is None:
            some = ", ".join(release.id for release in releases[:4])
            raise NotFoundError(f"There is no release {wanted!r} ({some}, ...): see 'python -m core releases'.")
        return release.address, release
    address = checked_address(wanted)
    if "latest" in file_name(address).lower():
        raise InputError(f"{address}: 'latest' is replaced by every release. Give the address of a pinned version.")
    known = (release for release in releases if address in (release.address, *release.mirrors))
    return address, next(known, None)


def _release(path: Path, number: int, entry: dict[str, Any]) -> Release:
    where = f"{path}: release {number} ({entry.get('id', 'without id')})"
    unknown = sorted(set(entry) - {*_TEXT, *_OPTIONAL})
    missing = [name for name in _TEXT if not isinstance(entry.get(name), str) or not entry[name]]
    if unknown or missing:
        raise InputError(f"{where}: " + (f"has no {missing[0]}." if missing else f"{unknown[0]} means nothing here."))
    for name, kind in _OPTIONAL.items():
        value = entry.get(name)
        if value is not None and (
            not isinstance(value, kind) or isinstance(value, bool) or not value or _below_1(value)
        ):
            raise InputError(f"{where}: {name} is {value!r}. Give the right one, or leave it out where it is unknown.")
    for name, pattern in _PATTERNS.items():
        if name in entry and not re.fullmatch(pattern, entry[name]):
            raise InputError(f"{where}: {name} is {entry[name]!r}, which it cannot be.")
    if entry["organism"] not in ORGANISMS or entry["level"] not in LEVELS:
        raise InputError(f"{where}: organism must be one of {ORGANISMS}, level one of {LEVELS}.")
    for address in (entry["address"], *entry.get("mirrors", ())):
        if not isinstance(address, str) or checked_address(address) != address or "latest" in address:
            raise InputError(f"{where}: {address!r} is no address of a pinned version.")
    return Release(**{**entry, "mirrors": tuple(entry.get("mirrors", ()))})


def _below_1(value: object) -> bool:
    return isinstance(value, int) and value < 1
