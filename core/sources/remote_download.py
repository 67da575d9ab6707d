"""A whole remote file, brought here so that a stop loses nothing: what is there already is not fetched again.

human_gene_v2.5.h5.part        the bytes so far
human_gene_v2.5.h5.part.json   of which content they are
human_gene_v2.5.h5.json        the same, once the file is complete and checked
"""

import hashlib
import shutil
from dataclasses import asdict
from io import RawIOBase
from pathlib import Path

from core.errors import InputError, RemoteError, StoreError
from core.sources.remote_connections import PASSING, in_words
from core.sources.remote_http import Patience, RemoteFacts, RemoteSource
from core.sources.remote_records import alone, read_record, write_record
from core.types import Progress, silent

_SPARE = 2**28  # bytes that are left free on the disk
_TOLD = 2**23  # bytes between two words of progress, at least
_HASHED = 2**22


def download(
    address: str, path: Path, checksum: str = "", progress: Progress = silent, patience: Patience | None = None
) -> bool:
    """Brings the file at ``address`` to ``path``, where it appears whole and checked, or not at all.

    False where it was there already. ``checksum``: what the publisher says of it, an SHA-1 or MD5 in hexadecimal; ""
    where nothing was published. Raises InputError where something else stands at ``path`` or the disk is too small,
    RemoteError, StoreError.
    """
    source = RemoteSource(address, patience)
    try:
        facts = source.facts
        if path.exists():
            _check_same(path, facts)
            return False
        part = path.with_name(f"{path.name}.part")
        with alone(part):
            have = _begun(part, source)
            check_disk(path.parent, facts.size - have)
            _fetch(source, part, have, progress)
            _check_sum(source.address, part, checksum, progress)
            write_record(_record(path), asdict(facts) | {"address": source.address, "checksum": checksum})
            part.replace(path)
            _record(part).unlink(missing_ok=True)
        return True
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error}). What came so far is kept.") from error
    finally:
        source.close()


def check_disk(folder: Path, wanted: int) -> None:
    """Raises InputError where the disk of a folder has no room for so many bytes."""
    free = shutil.disk_usage(folder).free
    if wanted + _SPARE > free:
        raise InputError(
            f"{folder}: {wanted / 1e9:,.1f} GB are needed, but only {free / 1e9:,.1f} GB are free. Make room, or "
            "choose another disk (--data-dir, --out)."
        )


def is_complete(address: str, path: Path) -> bool:
    """Whether the file of an address is there, whole and checked, as far as can be told without asking its server."""
    known = read_record(_record(path))
    if known is None or not path.is_file():
        return False
    return known.get("address") == address and known.get("size") == path.stat().st_size


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _check_same(path: Path, facts: RemoteFacts) -> None:
    known = read_record(_record(path))
    if known is None or path.stat().st_size != facts.size or not _facts(known).same_content(facts):
        raise InputError(f"{path}: there is a file of that name with another content. Move it, or give another --out.")


def _facts(record: dict[str, object]) -> RemoteFacts:
    return RemoteFacts(
        str(record["address"]), int(str(record["size"])), str(record["etag"]), str(record["modified"])
    )  # fmt: skip


def _begun(part: Path, source: RemoteSource) -> int:
    """How many bytes are there of this very content; raises RemoteError where they are of another."""
    part.parent.mkdir(parents=True, exist_ok=True)
    known = read_record(_record(part))
    have = part.stat().st_size if part.exists() else 0
    if known is not None and have:
        if not _facts(known).same_content(source.facts) or have > source.facts.size:
            raise RemoteError(
                f"{source.address}: the file on the server was replaced since its download began. "
                f"Delete {part} to begin anew."
            )
        if source.facts.ranges:
            return have
    part.unlink(missing_ok=True)
    write_record(_record(part), asdict(source.facts))
    return 0


def _fetch(source: RemoteSource, part: Path, have: int, progress: Progress) -> None:
    """Appends what is missing; a connection that ends is taken up where it was, as long as bytes come."""
    size, failed = source.facts.size, 0
    step = max(_TOLD, size // 500)
    told = -step
    while have < size:
        before = have
        try:
            with part.open("r+b" if part.exists() else "wb", buffering=0) as file:
                file.seek(have)
                file.truncate()
                for block in source.stream(have):
                    _write(file, block, part)
                    have += len(block)
                    if have - told >= step or have == size:
                        told = have
                        progress(f"downloading, {_of(have, size)}", have, size)
        except PASSING as error:
            failed = 0 if have > before else failed + 1
            if failed >= source.tries:
                raise RemoteError(
                    f"{source.address}: {in_words(error)}, {failed} times in a row. What came so far is kept: "
                    "the same command goes on from there."
                ) from error
            source.pause(failed, error)
            if not source.facts.ranges:
                have = 0


def _write(file: RawIOBase, block: bytes, part: Path) -> None:
    """All of a block; a full disk must not pass for a broken connection."""
    left = memoryview(block)
    try:
        while left:
            left = left[file.write(left) or 0 :]
    except OSError as error:
        raise StoreError(f"{part}: cannot be written ({error.strerror}). What came so far is kept.") from error


def _check_sum(address: str, part: Path, checksum: str, progress: Progress) -> None:
    name = "MD5" if len(checksum) == 32 else "SHA-1"
    found = _digest(part, name, progress) if checksum else ""
    if found != checksum.lower():
        part.unlink()
        raise RemoteError(
            f"{address}: the bytes that came are not those that were published ({name} {found}, not {checksum}). "
            "They were deleted: download again, from a mirror if it happens twice."
        )


def _digest(part: Path, name: str, progress: Progress) -> str:
    # what is published; not for secrecy
    digest = hashlib.new(name.replace("-", ""), usedforsecurity=False)
    size, done = part.stat().st_size, 0
    with part.open("rb") as file:
        while block := file.read(_HASHED):
            digest.update(block)
            done += len(block)
            progress("checking", done, size)
    return digest.hexdigest()


def _of(have: int, size: int) -> str:
    """How much is there, in units that fit."""
    unit, word = (1e9, "GB") if size >= 1e9 else (1e6, "MB")
    return f"{have / unit:,.2f} of {size / unit:,.2f} {word}"
