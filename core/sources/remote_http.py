"""One file on a web server, by ranges of its bytes; the only module that speaks HTTP.

The standard library's ``http.client`` is used, and nothing on top: it keeps connections open, says what really
arrived (a body that is cut short must be noticed), and costs no dependency. A file is pinned to the content that it
had when it was first asked for: every later answer has to carry the same ETag (or date of change) and size.
"""

import http.client
import random
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from core import __version__
from core.errors import InputError, RemoteError
from core.sources import confined
from core.sources.remote_address import checked_address
from core.sources.remote_connections import PASSING, Connections, PassingError, in_words, retry_after, target, total_of

T = TypeVar("T")

_ALWAYS = {"Accept-Encoding": "identity", "User-Agent": f"ARCHScope/{__version__}"}
_REFUSED = {
    401: "asks for a password",
    403: "does not let it be read",
    404: "has no such file",
    410: "has no such file",
}
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_MOVED = (301, 302, 303, 307, 308)
_MOST_MOVES = 5
_BLOCK = 1 << 18
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Patience:
    """Seconds without a byte until a connection counts as dead; how often one thing is tried; the first pause."""

    timeout: float = 30.0
    tries: int = 6
    pause: float = 0.5


@dataclass(frozen=True)
class RemoteFacts:
    """What a server says of a file: where it is in the end, its size in bytes, and what tells its content apart."""

    address: str
    size: int
    etag: str = ""
    modified: str = ""
    ranges: bool = True

    @property
    def condition(self) -> str:
        """For ``If-Range``: a strong ETag, else the date of change, else "" (a weak ETag may not stand there)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def same_content(self, other: "RemoteFacts") -> bool:
        """Whether both are of one content, as far as the server tells."""
        known = [(a, b) for a, b in ((self.etag, other.etag), (self.modified, other.modified)) if a and b]
        return self.size == other.size and (not known or known[0][0] == known[0][1])


@dataclass
class Traffic:
    """What was asked of a server so far: requests (tries that failed, too), bytes of bodies, tries again."""

    requests: int = 0
    bytes: int = 0
    retries: int = 0

    def copy(self) -> "Traffic":
        """As it is now."""
        return Traffic(self.requests, self.bytes, self.retries)

    def since(self, before: "Traffic") -> "Traffic":
        """What came after."""
        return Traffic(self.requests - before.requests, self.bytes - before.bytes, self.retries - before.retries)


class RemoteSource:
    """A file on a server. Any number of threads may read it at once, each over a connection of its own.

    Raises InputError for an address that is not taken, RemoteError where the server cannot be reached, has no such
    file, or gives what was not asked for.
    """

    def __init__(self, address: str, patience: Patience | None = None, pinned: RemoteFacts | None = None) -> None:
        self.address = checked_address(address)
        confined.check_server(self.address)
        self.traffic = Traffic()
        self._patience = patience or Patience()
        self._at = self.address  # after redirections
        self._connections = Connections(self._patience.timeout)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.facts = self._patiently(self._probe)
        if pinned is not None and not pinned.same_content(self.facts):
            raise self._changed()

    def end(self) -> None:
        """From now on nothing is tried again: whoever waits for another try gives up."""
        self._ended.set()

    def close(self) -> None:
        """Closes the connections that nobody is using."""
        self._connections.close()

    def need_ranges(self) -> None:
        """Raises RemoteError where the server gives whole files alone."""
        if not self.facts.ranges:
            raise RemoteError(
                f"{self.address}: the server gives only the whole file ({self.facts.size / 1e9:,.1f} GB), no parts of "
                f"it. Download it with 'python -m core download {self.address}', then build from the file."
            )

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from ``start`` up to, not including, ``stop``: all of them, or RemoteError."""
        return self._patiently(lambda: self._part(start, stop)) if stop > start else b""

    def stream(self, start: int) -> Iterator[bytes]:
        """Everything from ``start`` on, in blocks, in one try; what fails on the way raises RemoteError or OSError."""
        headers = {"Range": f"bytes={start}-"} | self._if_same() if start else {}
        with self._answer(headers) as answer:
            if start:
                self._check_part(answer, start, self.facts.size)
            elif answer.status != 200:
                raise self._refusal(answer)
            else:
                self._check_same(self._facts_of(answer, int(answer.headers.get("Content-Length") or -1)))
            at = start
            while block := answer.read(_BLOCK):
                at += len(block)
                self._count(len(block))
                yield block
            if at < self.facts.size:
                raise http.client.IncompleteRead(b"", self.facts.size - at)

    def pause(self, attempt: int, error: BaseException) -> None:
        """Waits before the next attempt: twice as long each time, and not all at the same moment."""
        with self._lock:
            self.traffic.retries += 1
        asked = getattr(error, "seconds", 0.0)
        wait = self._patience.pause * 2**attempt * random.uniform(0.5, 1.0)
        self._ended.wait(min(_LONGEST_PAUSE, max(asked, wait)))

    @property
    def tries(self) -> int:
        """How often one thing is tried."""
        return self._patience.tries

    # -- one request -----------------------------------------------------------------------------------------------

    def _probe(self) -> RemoteFacts:
        with self._answer({"Range": "bytes=0-0"}) as answer:
            if answer.status == 206:
                size = total_of(answer.headers.get("Content-Range", ""))
                self._count(len(answer.read()))
                if size is not None:
                    return self._facts_of(answer, size)
            elif answer.status == 200:
                return self._facts_of(answer, int(answer.headers.get("Content-Length") or 0), ranges=False)
            elif answer.status == 416:
                raise RemoteError(f"{self.address}: the file is empty. Check the address.")
            raise self._refusal(answer)

    def _part(self, start: int, stop: int) -> bytes:
        with self._answer({"Range": f"bytes={start}-{stop - 1}"} | self._if_same()) as answer:
            self._check_part(answer, start, stop)
            data = answer.read(stop - start)
            self._count(len(data))
            if len(data) < stop - start:
                raise http.client.IncompleteRead(data, stop - start - len(data))
            return data

    def _if_same(self) -> dict[str, str]:
        return {"If-Range": self.facts.condition} if self.facts.condition else {}

    def _check_part(self, answer: http.client.HTTPResponse, start: int, stop: int) -> None:
        if answer.status == 412:
            raise self._changed()
        if answer.status == 200:  # another content now, or a server that gives whole files alone
            self._check_same(self._facts_of(answer, int(answer.headers.get("Content-Length") or -1)))
            self.facts = RemoteFacts(**{**self.facts.__dict__, "ranges": False})
            self.need_ranges()
        if answer.status == 416:
            raise self._changed()
        if answer.status != 206:
            raise self._refusal(answer)
        given = answer.headers.get("Content-Range", "")
        size = total_of(given)
        if size is not None:
            self._check_same(self._facts_of(answer, size))
        if given.split("/")[0].strip().lower() != f"bytes {start}-{stop - 1}":
            raise RemoteError(f"{self.address}: asked for bytes {start}-{stop - 1}, but the server gave {given!r}.")

    def _check_same(self, found: RemoteFacts) -> None:
        if not self.facts.same_content(found):
            raise self._changed()

    def _changed(self) -> RemoteError:
        return RemoteError(
            f"{self.address}: the file on the server is not the one that was begun with: it was replaced. Parts of "
            "two files are never put together: start again, or name the address of a pinned release."
        )

    def _facts_of(self, answer: http.client.HTTPResponse, size: int, ranges: bool = True) -> RemoteFacts:
        coded = answer.headers.get("Content-Encoding", "identity").lower()
        if coded not in ("", "identity"):
            raise RemoteError(
                f"{self.address}: the server sends the file encoded ({coded}), so its bytes have no place."
            )
        etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        return RemoteFacts(self._at, size, etag, modified, ranges)

    def _refusal(self, answer: http.client.HTTPResponse) -> Exception:
        if answer.status in _PASSING:
            return PassingError(f"the server answered {answer.status} {answer.reason}", retry_after(answer))
        if answer.status in (401, 403) and self._at != self.address:
            self._at = self.address  # a redirection that holds for a while only: ask anew where it goes
            return PassingError(f"the server answered {answer.status} {answer.reason}")
        what = _REFUSED.get(answer.status, f"answered {answer.status} {answer.reason}")
        return RemoteError(f"{self.address}: the server {what}. Check the address.")

    # -- connections -----------------------------------------------------------------------------------------------

    @contextmanager
    def _answer(self, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
        """The answer to a GET after redirections; a connection whose answer was read to its end is used again."""
        address = self._at
        for _ in range(_MOST_MOVES + 1):
            connection, answer = self._connections.take(address), None
            try:
                connection.request("GET", target(address, connection), headers={**_ALWAYS, **headers})
                with self._lock:
                    self.traffic.requests += 1
                answer = connection.getresponse()
                if answer.status not in _MOVED or "Location" not in answer.headers:
                    self._at = address
                    yield answer
                    return
                answer.read(_BLOCK)
                address = self._moved(address, answer.headers["Location"])
            finally:
                self._connections.put_back(address, connection, answer)
        raise RemoteError(f"{self.address}: the server sends on and on ({_MOST_MOVES} times). Check the address.")

    def _moved(self, address: str, to: str) -> str:
        try:
            target = checked_address(urljoin(address, to))
            confined.check_server(target)
        except InputError as error:
            raise RemoteError(f"{self.address}: the server sends on to where nothing is read ({error})") from error
        if urlsplit(address).scheme == "https" and urlsplit(target).scheme != "https":
            raise RemoteError(f"{self.address}: the server sends on to {target}, which is not encrypted: not followed.")
        return target

    def _count(self, n: int) -> None:
        with self._lock:
            self.traffic.bytes += n

    def _patiently(self, act: Callable[[], T]) -> T:
        problem: BaseException | None = None
        for attempt in range(self.tries):
            try:
                return act()
            except ssl.SSLCertVerificationError as error:
                raise RemoteError(f"{self.address}: the server's certificate is not valid ({error.reason}).") from error
            except PASSING as error:
                problem = error
                if self._ended.is_set():
                    break
                if attempt + 1 < self.tries:
                    self.pause(attempt, error)
        raise RemoteError(
            f"{self.address}: {in_words(problem)}, {self.tries} times in a row. Try again: what was fetched is kept."
        ) from problem
