"""Names that become names of files: which are taken as they are, and what is made of those that come from elsewhere."""

import re

LONGEST = 200  # bytes; file systems take 255, and endings and marks of unfinished files are added
_LONGEST_KEPT = 120
_ENDINGS = re.compile(r"(\.[^.]{1,12}){1,2}$")


def is_plain(name: str) -> bool:
    """Whether a name is that of one visible file or folder and no way to another: no separator, no leading dot, no
    control or invisible characters, not too long."""
    if not name or name[0] == "." or not name.isprintable() or any(mark in name for mark in "/\\"):
        return False
    return len(name.encode()) <= LONGEST


def kept_name(name: str, otherwise: str) -> str:
    """A file's name as somebody else gave it, fit for a folder of this machine; ``otherwise`` where nothing is left.

    The last part of a path (of either kind of separator), with letters, digits, -, _ and dots; a long one is cut
    short before its endings.
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(mark if mark.isalnum() or mark in "-_." else "_" for mark in last).strip(".")
    found = _ENDINGS.search(kept)
    ending = found[0] if found and found.start() else ""
    stem = kept.removesuffix(ending)
    most = _LONGEST_KEPT - len(ending.encode())
    return (stem.encode()[:most].decode(errors="ignore") + ending) or otherwise
