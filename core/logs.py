"""What an operator reads: one line an event, as text or as JSON, from the app, the command line and the workers.

    {"time": "2026-01-31T09:00:00.123Z", "level": "info", "part": "worker", "event": "job.ended", "run": "...", ...}

An event has a name and facts: ids, kinds, numbers. No message of an error, no name of a file, no path, no value of a
sample is a fact, so none gets into a log that leaves the machine. Of an error that nobody foresaw the log has its
class, where it was raised, and its message without what stands in quotes.
"""

import contextlib
import json
import logging
import re
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler

from core import settings

NAME = "archscope"
LONGEST = 300  # characters of a fact
Fact = str | int | float | bool | None
log = logging.getLogger(NAME)
_counts: Counter[str] = Counter()
_lock = threading.Lock()
_QUOTED = re.compile(r"(['\"`“]).*?(['\"`”])|(?<!\w)(?:/[^\s/:,]+){2,}")


def set_up(part: str, least: int = logging.INFO) -> None:
    """Sends events to standard error, or to the file that the settings name; once a process, again is harmless.

    ``least``: level where the settings name none. A file is opened anew after it was moved away (logrotate), and
    several processes may write to it.
    """
    old = [handler for handler in log.handlers if isinstance(handler, _OURS)]
    if old:
        return
    path = settings.log_file()
    handler: logging.Handler = _ToFile(path, delay=True, encoding="utf-8") if path else _ToStream()
    handler.setFormatter(_Json(part) if settings.log_format() == "json" else _Text(part))
    log.addHandler(handler)
    log.setLevel(settings.log_level() or least)


def event(name: str, level: int = logging.INFO, **facts: Fact) -> None:
    """Logs an event. Facts are ids, kinds and numbers: no content, no path, no message of an error."""
    with _lock:
        _counts[name] += 1
    log.log(level, name, extra={"facts": {key: _short(value) for key, value in facts.items() if value is not None}})


def counts() -> dict[str, int]:
    """How many events of each name this process logged since it began."""
    with _lock:
        return dict(_counts)


@contextlib.contextmanager
def slow(what: str) -> Iterator[None]:
    """Logs the event "interaction.slow" where the block takes longer than the settings allow."""
    begun = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - begun
        if seconds > settings.slow_seconds():
            event("interaction.slow", logging.WARNING, page=what, seconds=round(seconds, 3))


class _ToStream(logging.StreamHandler):  # type: ignore[type-arg]
    """To whatever standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _ToFile(WatchedFileHandler):
    """To the file; where that cannot be written (a full disk, a folder that went) a line goes to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name that logging gives it
        with contextlib.suppress(OSError, ValueError):
            print(self.format(record), file=sys.stderr)


_OURS = (_ToStream, _ToFile)


class _Json(logging.Formatter):
    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        line = {"time": _moment(record), "level": record.levelname.lower(), "part": self._part}
        line |= {"event": record.getMessage(), **getattr(record, "facts", {})}
        if record.exc_info and record.exc_info[1]:
            line["error"] = described(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


class _Text(logging.Formatter):
    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{key}={value}" for key, value in getattr(record, "facts", {}).items())
        line = f"{_moment(record)} {record.levelname.lower()} {self._part} {record.getMessage()} {facts}".rstrip()
        if record.exc_info and record.exc_info[1]:
            line += f"\n{described(record.exc_info[1])}"
        return line


def described(error: BaseException) -> str:
    """An error's class, where it was raised and how it came there, and its message without what stands in quotes."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return "\n".join([*places, f"{type(error).__name__}: {_QUOTED.sub('…', str(error))[:LONGEST]}"])


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _short(value: Fact) -> Fact:
    return value[:LONGEST] if isinstance(value, str) else value
