"""The fingerprint follows content and order, never names."""

import hashlib
from pathlib import Path

import pytest

from core.errors import InputError
from core.sources.fingerprint import content_fingerprint


def test_fingerprint(tmp_path: Path) -> None:
    a, b, copy = tmp_path / "a", tmp_path / "b", tmp_path / "copy"
    a.write_bytes(b"x" * 3_000_000)
    b.write_bytes(b"y")
    copy.write_bytes(a.read_bytes())
    size = (3_000_000).to_bytes(8, "big")
    assert content_fingerprint([a]) == hashlib.blake2b(size + a.read_bytes(), digest_size=16).hexdigest()
    assert content_fingerprint([a]) == content_fingerprint([copy])
    assert content_fingerprint([a, b]) != content_fingerprint([b, a])


def test_bytes_moved_between_files_show(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcd"]
    for path, content in zip(paths, [b"12", b"3", b"1", b"23"], strict=True):
        path.write_bytes(content)
    assert content_fingerprint(paths[:2]) != content_fingerprint(paths[2:])


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.h5: cannot be read"):
        content_fingerprint([tmp_path / "none.h5"])
