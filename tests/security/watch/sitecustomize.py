"""Python imports this at every start where the folder is on its path: notes each name and address that is not local."""

import os
import sys
from pathlib import Path

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")
EVENTS = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")


def _host(event: str, given: tuple[object, ...]) -> str:
    """The host that a call is about; "" for none, and for sockets of this machine's file system."""
    value = given[0] if event.startswith("socket.get") else given[1]
    if isinstance(value, tuple):
        value = value[0]
        return value.decode() if isinstance(value, bytes) else str(value)
    return value if isinstance(value, str) and event.startswith("socket.get") else ""


def _noted(event: str, given: tuple[object, ...]) -> None:
    if event in EVENTS:
        host = _host(event, given)
        if host and not host.startswith(LOCAL):
            with Path(os.environ["WATCHED"]).open("a") as file:
                file.write(f"{os.getpid()} {event} {host}\n")


if os.environ.get("WATCHED"):
    sys.addaudithook(_noted)
    with Path(os.environ["WATCHED"] + ".seen").open("a") as seen:
        seen.write(f"{os.getpid()} {' '.join(sys.argv[:3])}\n")
