"""What probes and monitors ask the running app, at the app's own address: /live, /ready and /metrics.

``serve.py`` puts these beside the pages. /ready names checks and says nothing of paths or datasets; /metrics is for who
shows the token of ``ARCHSCOPE_METRICS_TOKEN``, and not there without one.
"""

import asyncio
import secrets
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import settings
from core import workflows as wf
from core.errors import ArchscopeError
from pages.ui import state

T = TypeVar("T")
KEPT_S = 10.0  # that an answer is given again: probes must not keep the disk busy
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class _Kept:
    """An answer that is made at most once in ``KEPT_S``, by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # metrics take in the checks
        self._made: dict[str, tuple[float, object]] = {}

    def get(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            at, answer = self._made.get(name, (float("-inf"), None))
            if time.monotonic() - at > KEPT_S:
                answer = make()
                self._made[name] = (time.monotonic(), answer)
            return answer  # type: ignore[return-value]


_kept = _Kept()


def routes() -> list[Route]:
    """The addresses beside the pages."""
    found = {"/live": _live, "/ready": _ready, "/metrics": _metrics}
    return [Route(path, answer, methods=["GET"]) for path, answer in found.items()]


async def _live(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _ready(request: Request) -> Response:
    checks = await asyncio.to_thread(_checks)
    status = wf.worst(checks)
    content = {"status": status, "checks": {check.name: check.status for check in checks}}
    return JSONResponse(content, status_code=503 if status == "fail" else 200)


async def _metrics(request: Request) -> Response:
    token = settings.metrics_token()
    if not token:
        return PlainTextResponse("Not found", status_code=404)
    shown = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if not secrets.compare_digest(shown.encode(), token.encode()):
        return PlainTextResponse("Unauthorized", status_code=401, headers={"WWW-Authenticate": "Bearer"})
    return PlainTextResponse(await asyncio.to_thread(_told), media_type=TEXT)


def _checks() -> list[wf.Check]:
    def look() -> list[wf.Check]:
        try:
            return wf.health(state.workspace_for_probes())
        except ArchscopeError as error:  # another app has the database, say
            return [wf.Check("data folder", "fail", str(error))]

    return _kept.get("checks", look)


def _told() -> str:
    return _kept.get("metrics", lambda: wf.metrics(state.workspace_for_probes(), _checks()))
