#!/usr/bin/env python3
"""Writes docs/licences.md: every package that a deployment installs (requirements.lock), and what it may be used for.

python scripts/licences.py      in an environment that has them; a package's licence is what its metadata say
"""

import re
import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.settings import PROJECT

PAGE = PROJECT / "docs" / "licences.md"
LOCKS = ("requirements.lock", "requirements-torch.lock")
UNKNOWN = "unknown"
# Read in their LICENSE files: their metadata say nothing.
READ = {"skops": "MIT", "hdf5plugin": "MIT; the HDF5 filters in it have their own, see its doc/information.rst"}
LINE = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]*))?")
COPYLEFT = re.compile(r"\b(A?GPL|LGPL|MPL|EPL|EUPL|CDDL|OSL|CC-BY-SA)|Mozilla Public|General Public", re.IGNORECASE)
EXCEPTION = re.compile(r"GPL[\w.-]* WITH GCC-exception", re.IGNORECASE)  # of compilers' own libraries: binds nobody
INTRODUCTION = """# Licences of what a deployment installs

Made by `python scripts/licences.py` from `requirements.lock` and `requirements-torch.lock`, with what each package says
of its own licence in its metadata; libraries that a wheel brings along are covered as far as that names them. It is a
report, no legal advice. Packages under copyleft licences are marked: they are used as they are published, unchanged and
as separate packages, so their terms bind whoever passes on changed copies of them.

| package | version | licence | copyleft |
| --- | --- | --- | --- |
"""


def locked() -> dict[str, str]:
    """Packages that this platform and this Python would get: name to version."""
    found: dict[str, str] = {}
    for lock in LOCKS:
        for line in (PROJECT / lock).read_text(encoding="utf-8").splitlines():
            match = LINE.match(line)
            if match and applies(match[3] or ""):
                found[match[1].lower()] = match[2]
    return dict(sorted(found.items()))


def applies(marker: str) -> bool:
    """Whether a line is for Linux and the Python of the container, 3.11: the table is the same wherever it is made."""
    part = marker.strip()
    if not part:
        return True
    known = {
        "sys_platform == 'linux'": True, "sys_platform != 'darwin'": True, "sys_platform != 'win32'": True,
        "sys_platform == 'darwin'": False, "sys_platform == 'win32'": False, "python_full_version < '3.12'": True,
        "python_full_version >= '3.12'": False, "platform_python_implementation != 'PyPy'": True,
        "implementation_name != 'PyPy' and platform_python_implementation != 'PyPy'": True,
    }  # fmt: skip
    if part not in known:
        raise ValueError(f"scripts/licences.py does not know the marker {part!r}: add it")
    return known[part]


def licence_of(name: str) -> str:
    """What an installed package says: its expression, else a short text, else its classifiers."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN
    text = (about.get("License-Expression") or "").strip()
    lines = (about.get("License") or "").strip().splitlines()
    classified = [
        each.rsplit("::", 1)[-1].strip() for each in about.get_all("Classifier") or [] if each.startswith("License ::")
    ]
    if not text and lines and len(lines) == 1 and len(lines[0]) <= 100:
        text = lines[0]
    text = text or ", ".join(each for each in classified if each != "OSI Approved") or (lines[0][:100] if lines else "")
    return " ".join(text.split()).replace("|", "/") or READ.get(name, UNKNOWN)


def is_copyleft(licence: str) -> bool:
    """Whether a licence asks that changed copies stay under it."""
    return COPYLEFT.search(EXCEPTION.sub("", licence)) is not None


def table() -> str:
    """The page."""
    rows = [(name, version, licence_of(name)) for name, version in locked().items()]
    lines = [f"| {name} | {version} | {text} | {'yes' if is_copyleft(text) else ''} |" for name, version, text in rows]
    marked = [name for name, _, text in rows if is_copyleft(text)]
    end = f"\n{len(rows)} packages; copyleft: {', '.join(marked) or 'none'}.\n"
    return INTRODUCTION + "\n".join(lines) + "\n" + end


if __name__ == "__main__":
    PAGE.write_text(table(), encoding="utf-8")
