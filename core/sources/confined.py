"""What a page may make the app open: files below configured folders, and servers on a list.

A dashboard on a laptop opens whatever its user could open, too. One that others reach must not: whoever types a path
or an address would read the server's disk, or its network, by the app's hand. Where folders are configured (see
``core.settings``), a path is followed to what it really is, and that must lie below one of them; it is stored and
opened by that real path, and the process that opens it looks again. Whether a path leads elsewhere or nowhere, the
answer is the same, so nobody learns by asking what lies on the disk.

The command line is free of all this: who has a shell has the files (``free``).
"""

import contextlib
import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from core import settings
from core.errors import InputError, NotFoundError, RemoteError
from core.sources import gencode_releases
from core.sources.releases import read_releases

OWN_FOLDERS = ("uploads", "downloads", "demo")  # of the data folder: what pages themselves put there
_PORTS = {"http": 80, "https": 443}
_TREE_DEPTH = 3  # a label folder: group, label, table
_free = 0


@contextlib.contextmanager
def free() -> Iterator[None]:
    """Nothing is confined within: for the command line alone."""
    global _free
    _free += 1
    try:
        yield
    finally:
        _free -= 1


# -- files -----------------------------------------------------------------------------------------------------------


def is_confined() -> bool:
    """Whether paths are confined to folders, here and now."""
    return not _free and settings.allowed_folders() is not None


def real_path(text: str) -> Path:
    """What a page calls by ``text``: as typed where nothing is confined, else its real path.

    Raises NotFoundError, in the same words for what is not there and for what may not be opened.
    """
    try:
        path = Path(text.strip()).expanduser()
        return _checked(path, text.strip()) if is_confined() else path
    except (RuntimeError, ValueError) as error:  # no such home, a NUL
        raise _nothing(text.strip()) from error


def check_paths(*paths: Path | None) -> None:
    """Looks once more, where paths are confined: each must be the real path of something below an allowed folder,
    and no link in a folder may lead out.

    Raises NotFoundError.
    """
    if not is_confined():
        return
    for path in paths:
        if path is None:
            continue
        if _checked(path, str(path)) != path:  # a link was put there since
            raise _nothing(str(path))
        if path.is_dir():
            _check_links(path)


def _checked(path: Path, text: str) -> Path:
    try:
        real = path.resolve(strict=True)
        if (real.is_file() or real.is_dir()) and os.access(real, os.R_OK) and _is_allowed(real):
            return real
    except (OSError, RuntimeError, ValueError) as error:  # not there, a circle of links, too long, a NUL
        raise _nothing(text) from error
    raise _nothing(text)


def _is_allowed(real: Path) -> bool:
    """Whether a real path is below an allowed folder, is one of the shipped tables, or is what a page put there."""
    data = settings.data_dir()
    if real.parent == settings.SHIPPED_DATA.resolve():
        return True
    inside = [*((data / name).resolve() for name in OWN_FOLDERS), *(settings.allowed_folders() or [])]
    return any(real.is_relative_to(folder) for folder in inside)


def _check_links(folder: Path) -> None:
    for place, folders, files in os.walk(folder):
        if len(Path(place).relative_to(folder).parts) >= _TREE_DEPTH:
            folders.clear()
        for entry in (Path(place) / name for name in (*folders, *files)):
            if entry.is_symlink():
                _checked(entry, str(entry))


def _nothing(text: str) -> NotFoundError:
    shown = text if text.isprintable() and len(text) <= 300 else repr(text[:300])
    return NotFoundError(f"There is no {shown} that may be opened from here: check the path, or ask who runs this.")


# -- servers ---------------------------------------------------------------------------------------------------------


def check_server(address: str) -> None:
    """Raises InputError where pages may read from some servers alone and this address is of another one."""
    allowed = _hosts()
    if allowed is None or _name(address) in allowed:
        return
    some = ", ".join(sorted({name.removesuffix(":443").removesuffix(":80") for name in allowed})) or "none"
    raise InputError(f"{address}: only these servers are read from here: {some}. Ask who runs this to add another.")


def check_peer(address: str, peer: str) -> None:
    """Raises RemoteError where a server of the catalogue turns out to be ``peer`` (an IP address) on an inner network.

    A server that was configured by name may be one: it was listed on purpose.
    """
    if _free or settings.allowed_hosts() != []:
        return
    if not ipaddress.ip_address(peer.partition("%")[0]).is_global:
        raise RemoteError(f"{address}: its name leads to {peer}, which is no address of the internet: not read.")


def _hosts() -> set[str] | None:
    """Servers as name:port; None where every one may be read."""
    if _free:
        return None
    listed = settings.allowed_hosts()
    if listed is None:
        return None
    if listed:
        return {name for text in listed for name in _names(text)}
    ours = {_name(address) for release in read_releases() for address in (release.address, *release.mirrors)}
    return ours | {_name(address) for address in gencode_releases.read_releases()["address"]}


def _names(text: str) -> list[str]:
    """A listed server with its port; with either usual one where it is listed without."""
    host, colon, port = text.lower().rpartition(":")
    if colon and port.isdigit():
        return [f"{host}:{port}"]
    return [f"{text.lower().rstrip('.')}:{usual}" for usual in _PORTS.values()]


def _name(address: str) -> str:
    parts = urlsplit(address)
    host = (parts.hostname or "").rstrip(".")
    return f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS[parts.scheme]}"
