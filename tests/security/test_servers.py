"""Where people sign in, pages read from listed servers alone: not from the inner network, and not by a redirection."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

from core import access
from core import workflows as wf
from core.__main__ import main
from core.errors import InputError, RemoteError
from core.sources import confined, gencode_releases
from core.sources.releases import read_releases
from core.sources.remote_http import Patience, RemoteSource
from core.store.workspace import Workspace
from core.types import silent
from tests.pages.opening import errors, open_page
from tests.sources.range_server import RangeServer

HURRIED = Patience(timeout=2, tries=1, pause=0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RangeServer]:
    (tmp_path / "file.h5").write_bytes(b"0123456789")
    with RangeServer(tmp_path) as running:
        yield running


@pytest.fixture
def _shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "roles.toml").write_text("[people]\n")
    monkeypatch.setenv("ARCHSCOPE_ROLES", str(tmp_path / "roles.toml"))
    monkeypatch.delenv("ARCHSCOPE_HOSTS", raising=False)
    with access.acting_as(access.operator()):  # of any role: servers are the same for all
        yield


INNER = [
    "http://127.0.0.1/x.h5", "http://localhost:8501/x.h5", "http://[::1]/x.h5", "http://0.0.0.0/x.h5",
    "http://169.254.169.254/latest-not/meta-data.h5", "http://2130706433/x.h5", "http://0x7f000001/x.h5",
    "http://127.1/x.h5", "http://[::ffff:127.0.0.1]/x.h5", "http://10.0.0.1/x.h5", "https://example.org/x.h5",
    "http://s3.dev.maayanlab.cloud.example.org/x.h5", "https://s3.dev.maayanlab.cloud:22/x.h5",
    "https://example.org/s3.dev.maayanlab.cloud/x.h5", "https://example.org#@s3.dev.maayanlab.cloud/x.h5",
]  # fmt: skip


@pytest.mark.usefixtures("_shared")
@pytest.mark.parametrize("address", INNER)
def test_where_people_sign_in_only_the_catalogue_is_read(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="only these servers are read from here"):
        RemoteSource(address, HURRIED)
    with pytest.raises(InputError, match="only these servers are read from here"):
        wf.listing_key(Workspace(tmp_path), address)
    with pytest.raises(InputError, match="only these servers are read from here"):
        wf.download_file(Workspace(tmp_path), address)


@pytest.mark.usefixtures("_shared")
def test_every_release_of_the_catalogue_may_be_read(tmp_path: Path) -> None:
    for release in read_releases():
        for address in (release.address, *release.mirrors):
            confined.check_server(address)
            confined.check_server(address.upper().replace("HTTPS://", "https://"))
    for address in gencode_releases.read_releases()["address"]:
        confined.check_server(address)


@pytest.mark.usefixtures("_shared")
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1%eth0",
                                  "fd00::1", "::ffff:10.0.0.1", "0.0.0.0", "100.64.0.1"])  # fmt: skip
def test_a_name_of_the_catalogue_that_leads_to_an_inner_address_is_refused(peer: str) -> None:
    with pytest.raises(RemoteError, match="no address of the internet"):
        confined.check_peer("https://s3.dev.maayanlab.cloud/x.h5", peer)
    confined.check_peer("https://s3.dev.maayanlab.cloud/x.h5", "93.184.216.34")


@pytest.mark.usefixtures("_shared")
def test_the_address_that_was_really_connected_to_counts_and_nothing_is_asked_of_it(
    server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS that answers with an inner address, as in a rebinding attack."""
    port = int(server.root.rsplit(":", 1)[1])
    real = socket.create_connection

    def rebound(address: tuple[str, int], *rest: Any, **more: Any) -> socket.socket:
        return real(("127.0.0.1", port), *rest, **more)

    monkeypatch.setattr(socket, "create_connection", rebound)
    monkeypatch.setattr(confined, "_hosts", lambda: {"catalogue.example.org:80"})
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RemoteError, match=r"leads to 127\.0\.0\.1, which is no address of the internet"):
        RemoteSource("http://catalogue.example.org/file.h5", HURRIED)
    assert server.seen.requests == 0


def test_a_listed_server_may_be_read_even_on_an_inner_network(
    server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHSCOPE_HOSTS", server.root.removeprefix("http://"))
    assert RemoteSource(server.url("file.h5"), HURRIED).read(2, 5) == b"234"


@pytest.mark.parametrize(
    "to", ["http://127.0.0.1:1/x.h5", "http://localhost/x.h5", "//127.0.0.1:1/x", "file:///etc/passwd"]
)
def test_a_redirection_to_another_server_is_not_followed(
    server: RangeServer, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    monkeypatch.setenv("ARCHSCOPE_HOSTS", server.root.removeprefix("http://"))
    server.manners.redirect = to
    with pytest.raises(RemoteError, match="sends on to where nothing is read"):
        RemoteSource(server.url("file.h5"), HURRIED)


@pytest.mark.parametrize(
    ("listed", "address", "fine"),
    [
        ("a.org", "https://a.org/x", True),
        ("a.org", "http://a.org/x", True),
        ("a.org", "https://a.org:444/x", False),
        ("a.org:444", "https://a.org:444/x", True),
        ("a.org:444", "https://a.org/x", False),
        ("A.org.", "https://a.ORG/x", True),
        ("a.org", "https://a.org./x", True),
        ("b.org, a.org ,", "https://a.org/x", True),
        ("a.org", "https://xa.org/x", False),
        ("a.org", "https://x.a.org/x", False),
        ("[::1]:80", "http://[::1]/x", True),
        ("[::1]", "http://[::1]/x", True),
    ],
)
def test_listed_servers_are_told_apart_exactly(
    monkeypatch: pytest.MonkeyPatch, listed: str, address: str, fine: bool
) -> None:
    monkeypatch.setenv("ARCHSCOPE_HOSTS", listed)
    if fine:
        confined.check_server(address)
    else:
        with pytest.raises(InputError):
            confined.check_server(address)


@pytest.mark.usefixtures("_shared")
def test_a_job_about_another_server_fails_in_the_same_words(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for kind in ("metadata", "estimate", "fetch", "download"):
        run = workspace.runs.create(kind, "x", {"source": "http://127.0.0.1:1/x.h5", "out": "/tmp/evil.h5"})
        with pytest.raises(InputError, match="only these servers"):
            wf.perform(workspace, run, silent)


def test_where_a_page_fetches_to_is_not_the_users_choice(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, evil = Workspace(tmp_path / "data"), tmp_path / "evil.h5"
    run = workspace.runs.create("download", "x", {"source": server.url("file.h5"), "out": str(evil), "path": str(evil)})
    wf.perform(workspace, run, silent)
    assert run.result is not None
    assert run.result["metrics"]["path"] == str(workspace.root / "downloads" / "file.h5")
    assert not evil.exists()


def test_the_data_page_says_which_servers_are_read(demo_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARCHSCOPE_DATA", str(demo_root))
    monkeypatch.setenv("ARCHSCOPE_HOSTS", "files.example.org")
    st.cache_resource.clear()
    app = open_page("data", dataset="demo", remote="http://169.254.169.254/x.h5")
    assert [text for text in errors(app) if "only these servers are read from here: files.example.org." in text]


def test_the_command_line_reads_from_every_server(
    server: RangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHSCOPE_HOSTS", "files.example.org")
    assert main(["--data-dir", str(tmp_path / "data"), "download", server.url("file.h5")]) == 0
