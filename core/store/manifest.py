"""The manifest of a dataset, read without trust: what is of a wrong type is refused before anything relies on it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import StoreError
from core.sources.plain_names import is_plain
from core.store.files import read_json

_TYPES = {"format": int, "name": str, "fingerprint": str, "recipe": dict, "simulated": bool, "blocks": list}


def read_manifest(path: Path, current: int) -> dict[str, Any]:
    """The manifest in a dataset's folder. One of another format than ``current`` is for its own version to check.

    Raises StoreError: no manifest, a value of a wrong type, a name that is none, blocks that are no blocks.
    """
    found = read_json(path / "manifest.json")
    if not isinstance(found, dict) or type(found.get("format")) is not int:
        raise _damaged(path, "says no format")
    if found["format"] != current:
        return found
    wrong = next((name for name, kind in _TYPES.items() if type(found.get(name)) is not kind), None)
    if wrong is not None:
        raise _damaged(path, wrong)
    if not is_plain(found["name"]):  # files are called by it
        raise StoreError(f"Dataset {path.name!r} says it is {found['name'][:100]!r}, which is no name: build it again.")
    blocks = found["blocks"]
    if len(blocks) < 2 or any(type(each) is not int for each in blocks) or blocks != sorted({0, *blocks}):
        raise _damaged(path, "blocks")
    return found


def _damaged(path: Path, what: str) -> StoreError:
    return StoreError(f"Dataset {path.name!r} is damaged (manifest.json: {what}): build it again.")


def is_built(path: Path, what: Mapping[str, Any]) -> bool:
    """Whether a finished dataset lies there that was made of the same content (format, fingerprint, recipe).

    One that came out of a backup without its counts is not finished.
    """
    manifest = path / "manifest.json"
    if not manifest.is_file() or not (path / "counts").is_dir():
        return False
    return all(read_json(manifest).get(key) == value for key, value in what.items())
