"""Which pages may open a session of a running app: those of its own address, and no other site's, by any name."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.serving import running

STREAM = "/_stcore/stream"


@pytest.fixture(scope="module")
def port(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The app as `make run` starts it."""
    log = tmp_path_factory.mktemp("served") / "log"
    with running(demo_root, log, settings={"STREAMLIT_SERVER_ADDRESS": "127.0.0.1"}) as (found, _):
        yield found


def opens(port: int, host: str, origin: str | None) -> bool:
    """Whether a session opens for a page of ``origin`` that reached the app by the name ``host``."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as inner:
        try:
            with connect(f"ws://{host}{STREAM}", sock=inner, origin=origin, subprotocols=["streamlit"], proxy=None):
                return True
        except InvalidStatus as refused:
            assert refused.response.status_code == 403
            return False


def test_the_apps_own_page_opens_a_session(port: int) -> None:
    for name in ("localhost", "127.0.0.1"):
        assert opens(port, f"{name}:{port}", f"http://{name}:{port}")


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://localhost.evil.example", "null", "http://evil.example:8501"]
)
def test_a_page_of_another_site_opens_none(port: int, origin: str) -> None:
    assert not opens(port, f"localhost:{port}", origin)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "169.254.169.254"]
)
def test_a_name_that_was_made_to_lead_here_opens_none(port: int, host: str) -> None:
    """DNS rebinding: to the browser it is one site, so host and origin agree."""
    assert not opens(port, f"{host}:{port}", f"http://{host}:{port}")
    assert not opens(port, f"{host}:{port}", None)


def test_an_upload_without_the_token_of_the_page_is_refused(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        for headers in ({}, {"X-Xsrftoken": "made-up"}, {"Cookie": "_streamlit_xsrf=a", "X-Xsrftoken": "b"}):
            connection.request("PUT", "/_stcore/upload_file/session/file", body=b"x", headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 403


def test_another_site_may_not_read_what_the_app_answers(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        for path in ("/", "/_stcore/health", "/_stcore/host-config"):
            connection.request("GET", path, headers={"Origin": "http://evil.example"})
            answer = connection.getresponse()
            answer.read()
            assert answer.getheader("Access-Control-Allow-Origin") in (None, "")


def test_what_is_not_used_is_off(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", "/_stcore/agent/openapi.json")
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 404 or json.loads(content).get("info", {}).get("x-enabled") in (False, None)
        connection.request("POST", "/_stcore/agent/interact", body=b"{}", headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status in (403, 404, 405, 503)
        for path in (
            "/app/static/x",
            "/static/../../core/settings.py",
            "/%2e%2e/core/settings.py",
            "/..%2f.streamlit%2fconfig.toml",
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert b"enableXsrfProtection" not in answer.read()


def test_the_app_listens_on_this_machine_alone(port: int) -> None:
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1", "127.0.1.1"}:
        with (
            pytest.raises(OSError, match=r"refused|timed out|unreachable"),
            socket.create_connection((address, port), 3),
        ):
            pass
