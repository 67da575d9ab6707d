"""Named sets of filters of the Rankings page: ``filters/<dataset>.json`` in the data folder, name to values."""

import json
import threading
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import NotFoundError, RecipeError, StoreError
from core.store.files import write_json

LONGEST_NAME = 60
MOST = 100
Values = dict[str, Any]
_lock = threading.Lock()  # one process, the app, saves filters


class SavedFilters:
    """The saved filters of one dataset."""

    def __init__(self, folder: Path, dataset: str) -> None:
        self.path = folder / f"{dataset}.json"

    def all(self) -> dict[str, Values]:
        """Every set of filters, by name. Raises StoreError where the file is damaged."""
        if not self.path.is_file():
            return {}
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return {str(name): dict(values) for name, values in found.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise StoreError(
                f"The saved filters in {self.path} cannot be read ({error}): mend or delete the file."
            ) from error

    def save(self, name: str, values: Mapping[str, Any]) -> str:
        """Keeps filters under a name, in place of those that had it; the name as it is kept.

        Raises RecipeError for a name that cannot be, or where there are too many; StoreError.
        """
        name = checked_name(name)
        with _lock:
            known = self.all()
            if name not in known and len(known) >= MOST:
                raise RecipeError(f"There are {MOST} saved filters already: delete one first.")
            self._write(known | {name: dict(values)})
        return name

    def delete(self, name: str) -> None:
        """Forgets a set of filters. Raises NotFoundError, StoreError."""
        with _lock:
            known = self.all()
            if name not in known:
                raise NotFoundError(f"There are no saved filters {name!r}: they may have been deleted elsewhere.")
            self._write({other: values for other, values in known.items() if other != name})

    def _write(self, content: dict[str, Values]) -> None:
        try:
            self.path.parent.mkdir(exist_ok=True)
            write_json(self.path, content)
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written ({error}): free some room on the disk.") from error


def checked_name(name: str) -> str:
    """A name without blanks around it. Raises RecipeError where it is empty, too long, or holds control characters."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise RecipeError("Saved filters need a name: type one.")
    if len(name) > LONGEST_NAME:
        raise RecipeError(f"The name has {len(name)} characters: {LONGEST_NAME} at most.")
    if any(unicodedata.category(letter).startswith("C") for letter in name):
        raise RecipeError("The name holds characters that cannot be shown: type it by hand.")
    return name
