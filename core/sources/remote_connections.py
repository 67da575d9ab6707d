"""Connections to web servers that are kept open between requests, and what may go wrong on them."""

import http.client
import threading
import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from core.sources import confined


class PassingError(Exception):
    """An answer that a server gives now and then; ``seconds``: how long it asks to be left alone."""

    def __init__(self, text: str, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.seconds = seconds


PASSING = (OSError, http.client.HTTPException, PassingError)  # worth another try


class Connections:
    """Idle connections by server. Any number of threads may take them and put them back."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connections that nobody is using."""
        with self._lock:
            for idle in self._idle.values():
                while idle:
                    idle.pop().close()

    def take(self, address: str) -> http.client.HTTPConnection:
        """A connection to the server of an address, through the proxy that the environment names."""
        parts = urlsplit(address)
        with self._lock:
            idle = self._idle.get((parts.scheme, parts.netloc))
            if idle:
                return idle.pop()
        connection, direct = _connect(parts.scheme, parts.netloc, self._timeout)
        if direct:  # a proxy looks up names by itself
            connection.connect()
            try:
                confined.check_peer(address, str(connection.sock.getpeername()[0]))
            except BaseException:
                connection.close()
                raise
        return connection

    def put_back(
        self, address: str, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse | None
    ) -> None:
        """For the next request, where the answer was read to its end; else it is closed."""
        if answer is None or not answer.isclosed() or answer.will_close:
            connection.close()  # whatever is left of the answer would be taken for the next one's
            return
        parts = urlsplit(address)
        with self._lock:
            self._idle.setdefault((parts.scheme, parts.netloc), []).append(connection)


def in_words(error: BaseException | None) -> str:
    """What went wrong on the way, in a few words."""
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended before all bytes had come"
    if isinstance(error, TimeoutError):
        return "the server sent nothing for too long"
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, PassingError) else f"the server cannot be reached ({text})"


def target(address: str, connection: http.client.HTTPConnection) -> str:
    """What stands in the request: the path, or the whole address where a proxy passes it on."""
    parts = urlsplit(address)
    own = urlsplit(f"//{parts.netloc}").hostname in (connection.host, getattr(connection, "_tunnel_host", None))
    return urlunsplit(("", "", parts.path or "/", parts.query, "")) if own else address


def total_of(content_range: str) -> int | None:
    """The size of the whole file in "bytes 0-0/1234"."""
    last = content_range.rpartition("/")[2].strip()
    return int(last) if last.isdigit() else None


def retry_after(answer: http.client.HTTPResponse) -> float:
    """Seconds that a server asks to be left alone; 0 where it does not say."""
    told = answer.headers.get("Retry-After", "").strip()
    if told.isdigit():
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time()) if told else 0.0
    except ValueError:
        return 0.0


def _connect(scheme: str, netloc: str, timeout: float) -> tuple[http.client.HTTPConnection, bool]:
    """A connection that is not made yet, and whether it leads to the server itself or to a proxy."""
    host = urlsplit(f"//{netloc}").hostname or ""
    proxy = getproxies().get(scheme)
    through = urlsplit(proxy if proxy and "//" in proxy else f"//{proxy}") if proxy else None
    if through is None or _is_loopback(host) or proxy_bypass(host):
        kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
        return kind(netloc, timeout=timeout), True
    if scheme == "http":
        return http.client.HTTPConnection(through.netloc, timeout=timeout), False
    tunnel = http.client.HTTPSConnection(through.netloc, timeout=timeout)
    tunnel.set_tunnel(netloc)
    return tunnel, False


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
