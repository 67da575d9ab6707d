"""Lists of biosample ids that a choice starts from: read from text, and kept where an address cannot hold them."""

import re
from collections.abc import Sequence

from core.access import Role
from core.errors import InputError
from core.store.guard import guarded
from core.store.remote_cache import IdLists
from core.store.workspace import Workspace

ADDRESS_IDS = 60  # that still fit into an address
MOST_IDS = 200_000
_KEPT = "list-"
_GSM = re.compile(r"\bGSM\d+\b", re.IGNORECASE)


def ids_in(text: str) -> tuple[str, ...]:
    """The ids in a text, each once, in order: every GSM accession, wherever it stands.

    In a text without any: the first word of each line that has a digit; lines with # are passed over. Raises
    InputError for more than ``MOST_IDS``.
    """
    found = [match.upper() for match in _GSM.findall(text)]
    if not found:
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        words = [re.split(r"[\s,;]+", line.strip(), maxsplit=1)[0].strip("\"'") for line in lines]
        found = [word for word in words if any(mark.isdigit() for mark in word)]
    ids = tuple(dict.fromkeys(found))
    if len(ids) > MOST_IDS:
        raise InputError(f"The list names {len(ids):,} ids, but at most {MOST_IDS:,} are taken: give a shorter one.")
    return ids


@guarded(Role.TRAINER, "keep ids", recorded=False)
def address_of_ids(workspace: Workspace, ids: Sequence[str]) -> str:
    """What stands for ids in an address: themselves while they are few, else the name of a list that is kept."""
    if len(ids) <= ADDRESS_IDS and not any("," in name for name in ids):
        return ",".join(ids)
    return _KEPT + IdLists(workspace.root / "remote").keep(ids)


def ids_of_address(workspace: Workspace, text: str) -> tuple[str, ...]:
    """The ids that ``address_of_ids`` made such a text of. Raises InputError where the list is not here any more."""
    if not text.startswith(_KEPT):
        return tuple(name for name in text.split(",") if name)
    kept = IdLists(workspace.root / "remote").get(text.removeprefix(_KEPT))
    if kept is None:
        raise InputError("The list of ids that this address names is not in this data folder: paste the ids again.")
    return kept
