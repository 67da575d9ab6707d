"""The app as a process of its own on a port of this machine, for the tests that meet it from outside."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.settings import PROJECT


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def running(
    root: Path, log: Path, *options: str, settings: Mapping[str, str] | None = None, port: int | None = None,
    script: str = "app.py", folder: Path = PROJECT,
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:  # fmt: skip
    """The app on a data folder: its port and its process. ``options`` of Streamlit; ``settings``: environment."""
    port = port or free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(PROJECT / script), "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.fileWatcherType", "none", *options]
    environment = {**os.environ, "ARCHSCOPE_DATA": str(root), **(settings or {})}
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        yield port, process
    finally:
        stop(process)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the address answers. Fails where the process ended."""
    end = time.monotonic() + 90
    while True:
        assert process.poll() is None, f"it stopped: {log.read_text()}"
        assert time.monotonic() < end, f"it did not start: {log.read_text()}"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.2)


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
