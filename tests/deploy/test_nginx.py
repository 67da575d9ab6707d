"""deploy/nginx.conf, but for ports and paths as it is: nginx runs with it, the app behind it, Chromium before it."""

import base64
import contextlib
import hashlib
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import streamlit
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from core.settings import PROJECT
from tests.browser.conftest import FLAGS, NAMES, PROBES
from tests.browser.driving import settle
from tests.serving import free_port, running, stop

CONF = PROJECT / "deploy" / "nginx.conf"
NAME = "archscope.example.org"
PAGES = (
    "",
    "rankings",
    "gene?gene=GFAP",
    "neighbourhood?gene=GFAP",
    "samples",
    "classify",
    "train",
    "synthetic",
    "data",
)


@dataclass(frozen=True)
class Front:
    """A running nginx."""

    http: int
    https: int
    app: int
    tls: ssl.SSLContext
    log: Path

    def ask(self, path: str, host: str = NAME, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case) and body of a GET over TLS."""
        with closing(socket.create_connection(("127.0.0.1", self.https), 30)) as plain:
            connection = http.client.HTTPConnection("127.0.0.1", self.https, timeout=30)
            connection.sock = self.tls.wrap_socket(plain, server_hostname=host)
            connection.request("GET", path, headers={"Host": host, **headers})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


@pytest.fixture(scope="module")
def front(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """nginx with a certificate of its own, and the app behind it."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    openssl = shutil.which("openssl")
    if nginx is None or openssl is None:
        pytest.skip("needs nginx and openssl: install the packages nginx-light and openssl")
    folder = tmp_path_factory.mktemp("front")
    shutil.copytree(demo_root, folder / "data")
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    command = [openssl, "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-keyout", str(key), "-out", str(certificate)]
    command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run(command, check=True, capture_output=True)
    settings = {"STREAMLIT_SERVER_ALLOWED_HOSTS": NAME, "STREAMLIT_BROWSER_SERVER_ADDRESS": NAME}
    with running(folder / "data", folder / "app.log", settings=settings) as (app, _):
        plain, secure = free_port(), free_port()
        conf = adapted(folder, plain, secure, app)
        checked = subprocess.run([nginx, "-t", "-c", str(conf), "-p", str(folder)], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        log = folder / "nginx.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [nginx, "-c", str(conf), "-p", str(folder), "-g", "daemon off;"], stdout=file, stderr=file,
                start_new_session=True,
            )  # fmt: skip
        try:
            _until_open(secure, process, log)
            yield Front(plain, secure, app, ssl.create_default_context(cafile=str(certificate)), log)
        finally:
            stop(process)


def adapted(folder: Path, plain: int, secure: int, app: int) -> Path:
    """The example with ports and paths of this test; everything else as it is."""
    text = CONF.read_text(encoding="utf-8")
    folder.chmod(0o755)
    for old, new, times in (
        ("listen 80", f"listen 127.0.0.1:{plain}", 2), ("listen 443", f"listen 127.0.0.1:{secure}", 2),
        ("127.0.0.1:8501", f"127.0.0.1:{app}", 1), ("/etc/nginx/certs", str(folder), 2),
        ("/tmp/nginx", f"{folder}/nginx", 6),
        (f"https://{NAME}$", f"https://{NAME}:{secure}$", 1), ("/dev/stderr", f"{folder}/error.log", 1),
        ("/dev/stdout", f"{folder}/access.log", 1),
    ):  # fmt: skip
        assert text.count(old) == times, old
        text = text.replace(old, new)
    if os.geteuid() == 0:
        text = "user root;\n" + text  # the folder of the test is root's alone
    conf = folder / "nginx.conf"
    conf.write_text(text, encoding="utf-8")
    return conf


def _until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 20
    while True:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < end, "nginx did not start"
        time.sleep(0.1)


HEADERS = {
    "strict-transport-security": "max-age=31536000", "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer", "x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin",
}  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/rankings", "/_stcore/health", "/no/such/file.js", "/_stcore/metrics"])
def test_every_answer_has_the_security_headers(front: Front, path: str) -> None:
    _, headers, _ = front.ask(path)
    assert {name: headers.get(name) for name in HEADERS} == HEADERS
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == f"'self' 'sha256-{inline_script()}'"
    assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert "unsafe-eval" not in headers["content-security-policy"]
    assert "http:" not in headers["content-security-policy"]
    assert not re.search(r"nginx/|uvicorn|[Ss]treamlit/", headers.get("server", ""))


def inline_script() -> str:
    """SHA-256 of the one script that stands within Streamlit's page."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    found = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(found) == 1, "Streamlit's page has other scripts now: look at them, then name their hashes in nginx.conf"
    return base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()


def test_the_app_answers_through_it(front: Front) -> None:
    assert front.ask("/_stcore/health")[::2] == (200, b"ok")
    status, headers, body = front.ask("/", **{"Accept-Encoding": "gzip"})
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert body


def test_plain_http_is_sent_to_https_of_the_one_name(front: Front) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", front.http, timeout=10)) as connection:
        connection.request("GET", "/gene?gene=GFAP", headers={"Host": NAME})
        answer = connection.getresponse()
        assert answer.status == 301
        assert answer.getheader("Location") == f"https://{NAME}:{front.https}/gene?gene=GFAP"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost", f"{NAME}.evil.example", f"x.{NAME}"])
def test_another_name_gets_nothing(front: Front, host: str) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", front.http, timeout=10)) as connection:
        connection.request("GET", "/", headers={"Host": host})
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", front.https), 10) as plain, pytest.raises(ssl.SSLError):
        unchecked.wrap_socket(plain, server_hostname=host)
    with closing(
        socket.create_connection(("127.0.0.1", front.https), 10)
    ) as plain:  # the right name first, another then
        connection = http.client.HTTPConnection("127.0.0.1", front.https, timeout=10)
        connection.sock = front.tls.wrap_socket(plain, server_hostname=NAME)
        connection.request("GET", "/", headers={"Host": host})
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_of_tls_are_refused(front: Front, version: ssl.TLSVersion) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        old.minimum_version = old.maximum_version = version
    with socket.create_connection(("127.0.0.1", front.https), 10) as plain, pytest.raises(OSError):
        old.wrap_socket(plain, server_hostname=NAME)


def session(front: Front, origin: str) -> bool:
    with socket.create_connection(("127.0.0.1", front.https), 20) as plain:
        secure = front.tls.wrap_socket(plain, server_hostname=NAME)
        try:
            uri = f"ws://{NAME}/_stcore/stream"  # over the socket that speaks TLS already
            with connect(uri, sock=secure, origin=origin, subprotocols=["streamlit"], proxy=None):
                return True
        except InvalidStatus as refused:
            assert refused.response.status_code == 403
            return False


def test_a_session_opens_for_its_own_page_alone(front: Front) -> None:
    assert session(front, f"https://{NAME}")
    assert not session(front, "https://evil.example")
    assert not session(front, f"https://{NAME}.evil.example")


def test_an_upload_over_the_limit_is_refused_before_it_is_read(front: Front) -> None:
    with closing(socket.create_connection(("127.0.0.1", front.https), 20)) as plain:
        secure = front.tls.wrap_socket(plain, server_hostname=NAME)
        size = 2049 * 2**20
        secure.sendall(
            f"PUT /_stcore/upload_file/a/b HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        assert secure.recv(64).startswith(b"HTTP/1.1 413")


def test_what_is_for_whoever_runs_it_is_not_for_the_public(front: Front) -> None:
    for path in ("/_stcore/metrics", "/metrics", "/ready"):
        status, headers, body = front.ask(path)
        assert status == 404
        assert b"nginx" in body  # it was not even asked for
        assert headers["content-security-policy"]


def test_the_log_has_no_parameters_of_addresses(front: Front) -> None:
    front.ask("/gene?gene=SECRETGENE")
    lines = (front.log.parent / "access.log").read_text()
    assert '"GET /gene"' in lines
    assert "SECRETGENE" not in lines


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser to which the name leads here."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    rules = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=found, args=[*FLAGS, rules]) as opened,
    ):
        yield opened


@pytest.mark.browser
def test_every_page_works_under_the_content_security_policy(front: Front, chromium: Browser) -> None:
    context = chromium.new_context(ignore_https_errors=True, viewport={"width": 1400, "height": 1000})
    problems: list[str] = []
    drawn = 0

    def told(message: ConsoleMessage) -> None:
        probe = urlsplit(message.location["url"]).path.endswith(PROBES)
        if (message.type == "error" and not probe) or "Content Security Policy" in message.text:
            problems.append(f"{message.text} ({message.location['url']})")

    for path in PAGES:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", told)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"https://{NAME}:{front.https}/{path}")
        settle(page)
        assert page.get_by_test_id("stException").count() == 0
        drawn += charts(page)
        page.close()
    context.close()
    assert problems == [], "\n".join(problems)
    assert drawn >= 4


def charts(page: Page) -> int:
    """Plotly charts that stand on a page."""
    return page.locator(".js-plotly-plot .main-svg").count()


@pytest.mark.browser
def test_the_page_cannot_be_framed_by_another_site(front: Front, chromium: Browser) -> None:
    context = chromium.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.set_content(f'<iframe src="https://{NAME}:{front.https}/" width=800 height=600></iframe>')
    page.wait_for_timeout(3000)
    frame = page.frames[-1]
    assert frame.locator("[data-testid=stApp]").count() == 0
    context.close()
