"""One browser session without a browser: it opens pages, sets widgets, uploads files, and follows what the app sends.

It keeps what a browser keeps: the address, the states of the widgets that its user set, the elements of the page, the
large messages that the server need not send again, and the timers of the fragments that run by themselves.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import websockets
from streamlit.proto.Common_pb2 import FileURLsResponse
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.load import protocol
from tests.load.tree import Node, Tree

PATIENCE = 180.0  # seconds that a run may take
GRACE = 1.0  # seconds in which a run that nobody of this session asked for shows itself
KEPT = 2  # runs for which a large message is kept that was not used again (the browser's cache of messages)


class Session:
    """One tab. ``problems`` collects what a user would call an error; ``received`` counts bytes."""

    def __init__(self, address: str) -> None:
        self.tree = Tree()
        self.query: list[tuple[str, str]] = []
        self.problems: list[str] = []
        self.received = 0
        self.id = ""
        self._address = address
        self._pages: dict[str, str] = {}
        self._page = ""
        self._states: dict[str, WidgetState] = {}
        self._kept: dict[str, tuple[int, Delta]] = {}
        self._runs = itertools.count(1)
        self._number = 0  # of the last run of the whole script
        self._run, self._fragments = "", frozenset[str]()
        self._awaited = ""  # "": a run of the whole script; else the fragment that its user set something in
        self._begun = False  # a run of the whole script began since one was asked for
        self._shown = ""  # hash of the page that the elements are of
        self._settled = asyncio.Event()
        self._ticking: set[str] = set()  # fragments that were asked to run by themselves and have not ended
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._files: dict[str, asyncio.Future[FileURLsResponse]] = {}
        self._socket: Any = None
        self._http: Any = None
        self._xsrf = ""

    # -- what a user does ------------------------------------------------------------------------------------------

    async def open(self, path: str, **params: str) -> float:
        """The first page of the session, by its path; the seconds until the script had run."""
        self.query = list(params.items())
        return await self._asked(name=path)

    async def go(self, title: str, **params: str) -> float:
        """Another page through the sidebar or a link, by its title."""
        self._page = self._pages[title]
        self.query = list(params.items())
        return await self._asked()

    async def set(self, values: Mapping[str, Any]) -> float:
        """Sets widgets by their keys (several: those of a form, with its button last)."""
        return await self.set_nodes([(self.tree.keyed(key), value) for key, value in values.items()])

    async def set_nodes(self, pairs: list[tuple[Node, Any]]) -> float:
        """Sets widgets; the last one runs the script, or the fragment that it stands in."""
        for node, value in pairs:
            state = protocol.state_of(node.kind, node.content, value)
            self._states[state.id] = state
            self._into_address(node, value)
        return await self._asked(fragment=pairs[-1][0].fragment)

    async def upload(self, key: str, name: str, data: bytes) -> float:
        """Sends a file to the uploader of that key, as the browser does: asks where to, puts it there, says so."""
        begun = time.perf_counter()
        node, request = self.tree.keyed(key), f"{self.id}-{name}"
        self._files[request] = asyncio.get_running_loop().create_future()
        await self._socket.send(protocol.file_addresses(request, self.id, [name]))
        answer = await asyncio.wait_for(self._files[request], PATIENCE)
        urls = protocol.addresses_by_name([name], answer.file_urls)[name]
        sent = await self._http.put(
            urls.upload_url, files={"file": (name, data)}, headers={"X-Xsrftoken": self._xsrf}, timeout=PATIENCE
        )
        sent.raise_for_status()
        await self.set_nodes([(node, (name, len(data), urls))])
        return time.perf_counter() - begun

    def param(self, name: str) -> str:
        """A parameter of the address; "" where there is none."""
        return dict(self.query).get(name, "")

    # -- the connection --------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator["Session"]:
        """Opens the page's connection with the cookie against forged requests, and closes it at the end."""
        async with httpx.AsyncClient(base_url=self._address, timeout=PATIENCE) as self._http:
            await self._http.get("/_stcore/host-config")
            first = await self._http.get("/_stcore/health")
            first.raise_for_status()
            self._xsrf = self._http.cookies.get(protocol.XSRF_COOKIE, "")
            headers = {"Cookie": f"{protocol.XSRF_COOKIE}={self._xsrf}"}
            async with websockets.connect(
                self._address.replace("http", "ws", 1) + protocol.PATH, additional_headers=headers, max_size=None,
                origin=self._address, subprotocols=["streamlit", self._xsrf or "none"], ping_interval=None,
                open_timeout=PATIENCE,
            ) as self._socket:  # fmt: skip
                reader = asyncio.create_task(self._read())
                try:
                    yield self
                finally:
                    self._stop_timers()
                    reader.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await reader

    async def _asked(self, name: str = "", fragment: str = "") -> float:
        """Asks for a run and waits until it ended; its seconds."""
        begun, others = time.perf_counter(), bool(self._ticking) or (bool(self._run) and not self._settled.is_set())
        self._settled.clear()
        self._awaited, self._begun = fragment, False
        await self._send(name=name, fragment=fragment)
        await self._wait()
        seconds = time.perf_counter() - begun
        if others:  # something else was at work: what ended may have been a run of its own, before the one asked for
            await asyncio.sleep(GRACE)
            await self._wait()
        return seconds

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._settled.wait(), PATIENCE)
        except TimeoutError:
            what = "a part of a page" if self._awaited else "a page"
            self.problems.append(f"{what} did not end within {PATIENCE:.0f} s")

    async def _send(self, name: str = "", fragment: str = "", auto: bool = False) -> None:
        states = list(self._states.values())
        self._states = {key: state for key, state in self._states.items() if not protocol.is_trigger(state)}
        url = f"{self._address}/{name}"
        query = urlencode(self.query)
        await self._socket.send(protocol.rerun(query, self._page, states, self._kept, name, fragment, auto, url))

    # -- what the app sends ----------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            async for data in self._socket:
                self.received += len(data)
                self._take(ForwardMsg.FromString(data))
        except Exception as error:
            self.problems.append(f"the connection broke: {error!r}")
            self._settled.set()
            raise

    def _take(self, message: ForwardMsg) -> None:
        what = message.WhichOneof("type")
        if what == "delta":
            self._draw(message, message.delta)
        elif what == "ref_hash":
            self._draw(message, self._kept[message.ref_hash][1])
        elif what == "new_session":
            self._begin(message)
        elif what == "script_finished":
            self._end(message)
        elif what == "navigation":
            shown = [page for page in message.navigation.app_pages if not page.is_hidden]
            self._pages = {page.page_name: page.page_script_hash for page in shown}
            self._page = message.navigation.page_script_hash
        elif what == "page_info_changed":
            self.query = parse_qsl(message.page_info_changed.query_string)
        elif what == "file_urls_response":
            self._files.pop(message.file_urls_response.response_id).set_result(message.file_urls_response)
        elif what == "auto_rerun":
            self._repeat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif what == "stop_auto_rerun":
            self._stop_timers(message.stop_auto_rerun.fragment_ids)

    def _begin(self, message: ForwardMsg) -> None:
        run = message.metadata.run
        self._run, self._fragments = run.script_run_id, frozenset(run.fragment_ids)
        self.id = message.new_session.initialize.session_id
        if self._fragments:
            return
        self._settled.clear()
        self._begun = True
        self._ticking.clear()
        if message.new_session.page_script_hash != self._shown:
            self._shown = message.new_session.page_script_hash
            self.tree.nodes.clear()
        self._number = next(self._runs)
        self._stop_timers()

    def _end(self, message: ForwardMsg) -> None:
        if message.script_finished == protocol.RERUNS:
            return
        if message.script_finished not in (protocol.DONE, protocol.DONE_FRAGMENT):
            self.problems.append("the script could not be compiled")
        self.tree.settle(self._run, self._fragments)
        there = {getattr(node.content, "id", "") for node in self.tree.all()}
        self._states = {key: state for key, state in self._states.items() if key in there}
        old = [key for key, (number, _) in self._kept.items() if self._number - number > KEPT]
        for key in old:
            del self._kept[key]
        self._ticking -= self._fragments
        # What had begun before it was asked for is not it. And a server that is busy can lose the end of a whole run
        # when a fragment's timer comes in just then: to the browser the page rests when anything after it ended.
        if self._begun if not (self._fragments and self._awaited) else self._awaited in self._fragments:
            self._settled.set()
        self.problems += [text for text in self.tree.errors() if text not in self.problems]

    def _draw(self, message: ForwardMsg, delta: Delta) -> None:
        if message.metadata.cacheable:
            self._kept[message.hash] = (self._number, delta)
        elif message.HasField("ref_hash"):
            self._kept[message.ref_hash] = (self._number, delta)
        node = self.tree.put(tuple(message.metadata.delta_path), delta, self._run)
        if node is not None and getattr(node.content, "set_value", False):
            self._states.pop(node.content.id, None)  # type: ignore[attr-defined]

    # -- fragments that run by themselves --------------------------------------------------------------------------

    def _repeat(self, fragment: str, seconds: float) -> None:
        self._stop_timers([fragment])
        self._timers[fragment] = asyncio.create_task(self._tick(fragment, seconds))

    async def _tick(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self._ticking.add(fragment)
            await self._send(fragment=fragment, auto=True)

    def _stop_timers(self, fragments: Any = None) -> None:
        for fragment in list(self._timers) if fragments is None else fragments:
            task = self._timers.pop(fragment, None)
            if task is not None:
                task.cancel()

    def _into_address(self, node: Node, value: Any) -> None:
        bound = protocol.address_value(node.content, value)
        if bound is not None:
            key, texts = bound
            self.query = [pair for pair in self.query if pair[0] != key] + [(key, text) for text in texts]
