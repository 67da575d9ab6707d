"""Servers that misbehave: what is tried again, what is refused, and what the user is told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import InputError, RemoteError
from core.sources.remote_address import checked_address, file_name
from core.sources.remote_http import Patience, RemoteFacts, RemoteSource
from tests.sources.range_server import RangeServer

QUICK = Patience(timeout=1.0, tries=4, pause=0.001)
DATA = bytes(range(256)) * 400


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    (tmp_path / "file.h5").write_bytes(DATA)
    with RangeServer(tmp_path) as running:
        yield running


@pytest.fixture
def source(server: RangeServer) -> Iterator[RemoteSource]:
    opened = RemoteSource(server.url("file.h5"), QUICK)
    yield opened
    opened.close()


def test_ranges_are_the_bytes_of_the_file_from_many_threads_at_once(source: RemoteSource) -> None:
    assert source.facts.size == len(DATA) and source.facts.etag == '"first"' and source.facts.ranges
    places = [(i * 997 % 90_000, i * 997 % 90_000 + 1 + i * 31) for i in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda place: source.read(*place), places))
    assert found == [DATA[start:stop] for start, stop in places]


def test_a_server_without_ranges_is_refused_with_what_to_do(server: RangeServer) -> None:
    server.manners.ranges = False
    source = RemoteSource(server.url("file.h5"), QUICK)
    with pytest.raises(RemoteError, match=r"gives only the whole file.*python -m core download"):
        source.need_ranges()


def test_a_server_that_stops_giving_ranges_is_refused_without_taking_the_whole_file(
    server: RangeServer, source: RemoteSource
) -> None:
    server.manners.ranges = False
    with pytest.raises(RemoteError, match="gives only the whole file"):
        source.read(10, 20)


def test_bodies_that_are_cut_short_are_noticed_and_fetched_again(server: RangeServer, source: RemoteSource) -> None:
    server.manners.cut = lambda number: number % 2 == 1
    for start in range(0, 50_000, 5_000):
        assert source.read(start, start + 4_000) == DATA[start : start + 4_000]
    assert source.traffic.retries >= 4


def test_a_server_that_always_cuts_is_given_up_with_a_message(server: RangeServer, source: RemoteSource) -> None:
    server.manners.cut = lambda number: True
    server.forget()
    with pytest.raises(RemoteError, match="ended before all bytes had come, 4 times in a row"):
        source.read(0, 1000)
    assert server.seen.requests == 4


def test_busy_answers_now_and_then_are_tried_again_within_bounds(server: RangeServer, source: RemoteSource) -> None:
    server.manners.busy = lambda number: number % 3 != 0
    assert source.read(5, 500) == DATA[5:500]
    server.manners.busy = lambda number: True
    server.forget()
    with pytest.raises(RemoteError, match="answered 503"):
        source.read(5, 500)
    assert server.seen.requests == 4


def test_a_server_that_says_nothing_is_left_after_the_timeout(server: RangeServer, source: RemoteSource) -> None:
    first = server.seen.requests
    server.manners.stall = lambda number: number == first
    patient = Patience(timeout=0.3, tries=3, pause=0.001)
    quick = RemoteSource(server.url("file.h5"), patient)  # its first request stalls
    assert quick.read(0, 9) == DATA[:9] and quick.traffic.retries == 1


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_that_is_replaced_in_between_stops_the_reading(
    server: RangeServer, source: RemoteSource, if_range: bool
) -> None:
    source.read(0, 10)
    server.manners.etag, server.manners.if_range = '"second"', if_range
    server.forget()
    with pytest.raises(RemoteError, match="it was replaced"):
        source.read(10, 20)
    assert server.seen.requests == 1  # never tried again


def test_a_source_pinned_to_another_content_is_refused(server: RangeServer, source: RemoteSource) -> None:
    address = server.url("file.h5")
    RemoteSource(address, QUICK, source.facts).close()
    for other in (RemoteFacts(address, len(DATA), '"other"'), RemoteFacts(address, 5, '"first"')):
        with pytest.raises(RemoteError, match="it was replaced"):
            RemoteSource(address, QUICK, other)


def test_bytes_of_another_place_are_not_taken_for_those_asked_for(server: RangeServer, source: RemoteSource) -> None:
    server.manners.shift = 3
    with pytest.raises(RemoteError, match="asked for bytes 10-19, but the server gave 'bytes 13-"):
        source.read(10, 20)


def test_redirections_are_followed_and_remembered(server: RangeServer) -> None:
    server.manners.redirect = "/moved/file.h5"
    source = RemoteSource(server.url("file.h5"), QUICK)
    server.forget()
    assert source.read(100, 200) == DATA[100:200]
    assert server.seen.requests == 1 and source.address == server.url("file.h5")


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/file.h5"])
def test_a_redirection_to_anything_but_the_web_is_refused(server: RangeServer, to: str) -> None:
    server.manners.redirect = to
    with pytest.raises(RemoteError, match="sends on to where nothing is read"):
        RemoteSource(server.url("file.h5"), QUICK)


def test_a_circle_of_redirections_ends(server: RangeServer) -> None:
    server.manners.redirect = "/again/file.h5"
    with pytest.raises(RemoteError, match="sends on and on"):
        RemoteSource(server.url("file.h5"), QUICK)


@pytest.mark.parametrize(
    ("status", "words"), [(404, "has no such file"), (403, "does not let it be read"), (418, "418")]
)
def test_refusals_are_final_and_say_why(server: RangeServer, status: int, words: str) -> None:
    server.manners.status = status
    with pytest.raises(RemoteError, match=words):
        RemoteSource(server.url("file.h5"), QUICK)
    assert server.seen.requests == 1


def test_a_server_that_is_not_there_is_one_message() -> None:
    with pytest.raises(RemoteError, match=r"http://127.0.0.1:9/file.h5: the server cannot be reached .* 2 times"):
        RemoteSource("http://127.0.0.1:9/file.h5", Patience(0.5, 2, 0.001))


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("https://server.org/a/b.h5", "https://server.org/a/b.h5"),
        (" HTTP://server.org:8080/a b.h5 ".replace(" b", "%20b"), "http://server.org:8080/a%20b.h5"),
        ("https://server.org/x.h5?version=3#part", "https://server.org/x.h5?version=3"),
        ("s3://mssm-seq-matrix/human_matrix_v11.h5", "https://s3.amazonaws.com/mssm-seq-matrix/human_matrix_v11.h5"),
    ],
)
def test_addresses_that_are_taken(given: str, asked: str) -> None:
    assert checked_address(given) == asked


@pytest.mark.parametrize(
    "given",
    [
        "file:///etc/passwd", "/etc/passwd", "ftp://server.org/x", "data:text/plain,x", "javascript:alert(1)", "https://",
        "https:///x.h5", "https://me:secret@server.org/x.h5", "https://server.org/a b.h5", "https://server.org/a\nb",
        "s3://", "s3://bucket", "s3://bucket/", "s3://user@host/key", "http://[::1", "http://server.org:99999/x", "",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(given: str) -> None:
    with pytest.raises(InputError) as error:
        checked_address(given)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("address", "name"),
    [("https://a.org/x/y%20z.h5", "y_z.h5"), ("https://a.org/..%2F..%2Fetc%2Fpasswd", "_.._etc_passwd"),
     ("https://a.org/", "remote.h5"), ("https://a.org/..", "remote.h5")],
)  # fmt: skip
def test_file_names_stay_in_their_folder(address: str, name: str) -> None:
    assert file_name(address) == name
