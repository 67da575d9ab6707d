"""What identifies a dataset: a hash over the bytes of the files that it was built from."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError

_BLOCK = 2**20


def content_fingerprint(paths: Sequence[Path]) -> str:
    """BLAKE2b-128 (32 hex digits) over the files' sizes and bytes, in the order given; names do not count.

    Raises InputError where a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        try:
            with path.open("rb") as file:
                # The size first: otherwise bytes moved from one file to the next would not show.
                digest.update(path.stat().st_size.to_bytes(8, "big"))
                while block := file.read(_BLOCK):
                    digest.update(block)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}): check the path and permissions.") from error
    return digest.hexdigest()
