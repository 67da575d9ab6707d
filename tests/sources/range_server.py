"""A small web server on this machine that gives files by ranges, counts what it gave, and misbehaves on demand."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit


@dataclass
class Manners:
    """How the server behaves from now on."""

    ranges: bool = True  # False: whole files alone, status 200
    etag: str = '"first"'
    if_range: bool = True  # False: takes no notice of it
    busy: Callable[[int], bool] = lambda number: False  # request number -> answer 503
    cut: Callable[[int], bool] = lambda number: False  # request number -> close half way through the body
    shift: int = 0  # gives bytes so far off, and says so
    delay: float = 0.0  # seconds before each answer
    stall: Callable[[int], bool] = lambda number: False  # request number -> say nothing for 5 seconds
    status: int = 0  # this one for every file
    redirect: str = ""  # where every file is said to be
    length: bool = True


@dataclass
class Seen:
    """What was asked and given so far."""

    requests: int = 0
    bytes: int = 0
    at_once: int = 0
    most_at_once: int = 0
    ranges: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


class RangeServer:
    """Serves the files of a folder on 127.0.0.1; use it in a ``with`` statement."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.manners, self.seen = folder, Manners(), Seen()
        self.lock = threading.Lock()
        self._server = _Quiet(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, name: str) -> str:
        """The address of a file."""
        return f"{self.root}/{name}"

    def forget(self) -> None:
        """Counts from 0 again."""
        self.seen = Seen()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *arguments: object) -> None:
        """A client that went away is nothing to tell of."""


def _handler(server: RangeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            manners = server.manners
            with server.lock:
                number = server.seen.requests
                server.seen.requests += 1
                server.seen.at_once += 1
                server.seen.most_at_once = max(server.seen.most_at_once, server.seen.at_once)
                server.seen.ranges.append(self.headers.get("Range", ""))
            try:
                time.sleep(manners.delay + (5.0 if manners.stall(number) else 0.0))
                self._give(manners, number)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with server.lock:
                    server.seen.at_once -= 1

        def _give(self, manners: Manners, number: int) -> None:
            path = server.folder / unquote(urlsplit(self.path).path).lstrip("/")
            if manners.redirect and not self.path.startswith("/moved/"):
                return self._short(302, {"Location": manners.redirect})
            if manners.redirect:
                path = server.folder / path.name
            if manners.status or not path.is_file():
                return self._short(manners.status or 404, {})
            if manners.busy(number):
                return self._short(503, {"Retry-After": "0"})
            size, wanted = path.stat().st_size, self.headers.get("Range", "")
            condition = self.headers.get("If-Range")
            stale = manners.if_range and condition is not None and condition != manners.etag
            if not wanted or not manners.ranges or stale:
                return self._body(path, 200, 0, size, {}, manners, number)
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, stop = int(first) + manners.shift, min(int(last) + 1 if last else size, size)
            if start >= size:
                return self._short(416, {"Content-Range": f"bytes */{size}"})
            place = {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
            return self._body(path, 206, start, stop, place, manners, number)

        def _body(
            self, path: Path, status: int, start: int, stop: int, more: dict[str, str], manners: Manners, number: int
        ) -> None:
            self.send_response(status)
            length = {"Content-Length": str(stop - start)} if manners.length else {"Connection": "close"}
            for name, value in {"ETag": manners.etag, **length, **more}.items():
                self.send_header(name, value)
            self.end_headers()
            cut = manners.cut(number)
            end = start + (stop - start) // 2 if cut else stop
            with path.open("rb") as file:
                file.seek(start)
                at = start
                while at < end:
                    block = file.read(min(1 << 16, end - at))
                    self.wfile.write(block)
                    at += len(block)
                    with server.lock:
                        server.seen.bytes += len(block)
            with server.lock:
                server.seen.starts.append(start)
            self.close_connection = self.close_connection or cut or not manners.length

        def _short(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler
