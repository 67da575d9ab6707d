"""Whole downloads: whole, checked, taken up where they stopped, and never of two contents."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError, RemoteError
from core.sources import remote_download
from core.sources.remote_download import download
from core.sources.remote_http import Patience
from core.sources.remote_records import alone
from tests.sources.range_server import RangeServer

QUICK = Patience(timeout=2.0, tries=3, pause=0.001)
DATA = np.random.default_rng(1).bytes(3_000_000)
SHA1 = hashlib.sha1(DATA).hexdigest()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "file.h5").write_bytes(DATA)
    with RangeServer(folder) as running:
        yield running


class StoppedError(Exception):
    """Stands for a killed process."""


def test_a_download_is_whole_and_the_second_time_costs_nothing(server: RangeServer, tmp_path: Path) -> None:
    path, said = tmp_path / "new" / "file.h5", []
    assert download(
        server.url("file.h5"), path, SHA1, lambda stage, done, total: said.append((stage, done / total)), QUICK
    )
    assert path.read_bytes() == DATA and said[-1] == ("checking", 1.0)
    assert sorted(each.name for each in path.parent.glob("[!.]*")) == ["file.h5", "file.h5.json"]
    server.forget()
    assert not download(server.url("file.h5"), path, SHA1, patience=QUICK)
    assert server.seen.bytes <= 1


def test_a_download_that_was_killed_goes_on_from_the_bytes_that_are_there(server: RangeServer, tmp_path: Path) -> None:
    path = tmp_path / "file.h5"

    def stop(stage: str, done: float, total: float) -> None:
        raise StoppedError

    server.manners.cut = lambda number: number == 1
    with pytest.raises(StoppedError):
        download(server.url("file.h5"), path, progress=stop, patience=QUICK)
    part = path.with_name("file.h5.part")
    have = part.stat().st_size
    assert 0 < have < len(DATA) and part.read_bytes() == DATA[:have] and not path.exists()
    server.manners.cut = lambda number: False
    server.forget()
    assert download(server.url("file.h5"), path, SHA1, patience=QUICK)
    assert path.read_bytes() == DATA
    assert server.seen.ranges == ["bytes=0-0", f"bytes={have}-"]


def test_connections_that_end_are_taken_up_as_long_as_bytes_come(server: RangeServer, tmp_path: Path) -> None:
    server.manners.cut = lambda number: 0 < number < 9  # more often than the tries for one thing
    assert download(server.url("file.h5"), tmp_path / "file.h5", SHA1, patience=QUICK)
    assert (tmp_path / "file.h5").read_bytes() == DATA and server.seen.requests == 10


def test_a_file_that_was_replaced_is_not_put_together_with_the_old_one(server: RangeServer, tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    server.manners.cut = lambda number: number > 0
    server.manners.status = 0
    with pytest.raises(RemoteError):
        server.manners.busy = lambda number: number > 1
        download(server.url("file.h5"), path, patience=QUICK)
    server.manners.cut = server.manners.busy = lambda number: False
    server.manners.etag = '"second"'
    with pytest.raises(RemoteError, match=r"was replaced since its download began. Delete .*file.h5.part"):
        download(server.url("file.h5"), path, patience=QUICK)
    path.with_name("file.h5.part").unlink()
    assert download(server.url("file.h5"), path, SHA1, patience=QUICK)


def test_a_server_without_ranges_serves_for_a_whole_download(server: RangeServer, tmp_path: Path) -> None:
    server.manners.ranges = False
    server.manners.cut = lambda number: number == 1
    assert download(server.url("file.h5"), tmp_path / "file.h5", SHA1, patience=QUICK)
    assert (tmp_path / "file.h5").read_bytes() == DATA


def test_a_wrong_checksum_leaves_nothing_behind(server: RangeServer, tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with pytest.raises(RemoteError, match=rf"SHA-1 {SHA1}, not 0{{40}}"):
        download(server.url("file.h5"), path, "0" * 40, patience=QUICK)
    assert not path.exists() and not path.with_name("file.h5.part").exists()


def test_a_full_disk_is_told_before_anything_is_fetched(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_download, "_SPARE", 10**18)
    with pytest.raises(InputError, match=r"GB are free\. Make room"):
        download(server.url("file.h5"), tmp_path / "file.h5", patience=QUICK)
    assert server.seen.bytes <= 1


def test_another_file_of_that_name_is_left_alone(server: RangeServer, tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    path.write_bytes(b"mine")
    with pytest.raises(InputError, match="with another content"):
        download(server.url("file.h5"), path, patience=QUICK)
    assert path.read_bytes() == b"mine"


def test_one_process_at_a_time_fetches_a_file(server: RangeServer, tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with alone(path.with_name("file.h5.part")), pytest.raises(InputError, match="another process"):
        download(server.url("file.h5"), path, patience=QUICK)
    assert download(server.url("file.h5"), path, patience=QUICK)
