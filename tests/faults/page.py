"""The app as a user meets it: a real ``streamlit run``, and a browser's side of the web socket, for one page."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from tornado.websocket import websocket_connect

from core.settings import PROJECT
from tests.faults.acting import PATIENCE, environment
from tests.serving import free_port, wait_for

TEXTS = ("body", "text", "value", "label")


@contextlib.contextmanager
def app(root: Path, log: Path, **faults: Any) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A running app on a data folder, and its port; killed at the end, where it still lives."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port"]
    command += [str(port), "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"]
    with log.open("ab") as file:
        child = subprocess.Popen(
            command, cwd=PROJECT, env=environment(**faults) | {"ARCHSCOPE_DATA": str(root)}, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", child, log)
        yield child, port
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(PATIENCE)


def visit(port: int, page: str = "", query: str = "") -> list[str]:
    """Opens a page; every text of it, in order. Raises ConnectionError where the app dies meanwhile."""
    with ThreadPoolExecutor(1) as apart:  # this thread may have the loop of a browser already
        return apart.submit(lambda: asyncio.run(asyncio.wait_for(_visit(port, page, query), PATIENCE))).result()


async def _visit(port: int, page: str, query: str) -> list[str]:
    request = BackMsg()
    request.rerun_script.query_string, request.rerun_script.page_name = query, page
    connection = await websocket_connect(f"ws://127.0.0.1:{port}/_stcore/stream")
    await connection.write_message(request.SerializeToString(), binary=True)
    seen: list[str] = []
    while True:
        raw = await connection.read_message()
        if raw is None:
            raise ConnectionError("the app went away")
        message = ForwardMsg.FromString(raw)
        kind = message.WhichOneof("type")
        if kind == "delta":
            seen += _texts(message.delta)
        elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            connection.close()
            return seen


def _texts(message: Any) -> list[str]:
    """Every text in a message, however deep."""
    found: list[str] = []
    for field, value in message.ListFields():
        single = isinstance(value, str | bytes) or not hasattr(value, "__iter__")
        for each in [value] if single else list(value):
            if hasattr(each, "ListFields"):
                found += _texts(each)
            elif isinstance(each, str) and field.name in TEXTS:
                found.append(each)
    return found
