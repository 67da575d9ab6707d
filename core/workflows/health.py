"""Is this ARCHScope ready for work? Checks for people (``python -m core health``), probes and monitors.

Liveness (does the process answer?) is Streamlit's own ``/_stcore/health``; readiness is whether what it needs is there.
"""

import platform
import shutil
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.error import URLError

from core import __version__, logs, settings
from core.errors import ArchscopeError
from core.store.disk import refusal, room
from core.store.probing import database_state, dataset_trouble
from core.store.runs import Run
from core.store.usage import DATABASE, LIVE
from core.store.workspace import Workspace
from core.workflows.disk import disk_use

OK, WARN, FAIL = "ok", "warn", "fail"
LEVELS = (OK, WARN, FAIL)
DATABASE_STATES = {
    "none": (OK, "not made yet: the app makes it"), "free": (OK, "can be opened; no app has it open"),
    "held": (OK, "a running app has it open"), "damaged": (WARN, "damaged: the app makes it anew when it starts"),
    "newer": (FAIL, "a newer version wrote it: update ARCHScope, or move the file away"),
    "refused": (FAIL, "may not be read: check who owns the data folder"),
}  # fmt: skip
QUIET_HOURS = 6.0  # without a word from a job at work
AHEAD = timedelta(minutes=5)
ANSWER_S = 5.0


@dataclass(frozen=True)
class Check:
    """One check: its name, "ok", "warn" or "fail", and what was found, in words."""

    name: str
    status: str
    found: str


def health(workspace: Workspace, url: str | None = None) -> list[Check]:
    """Every check in a fixed order; ``url`` of a running app adds whether it answers. Changes nothing."""
    checks: list[tuple[str, Callable[[], tuple[str, str]]]] = [
        ("data folder", lambda: _folder(workspace)), ("disk", lambda: _disk(workspace)),
        ("database", lambda: _database(workspace)), ("datasets", lambda: _datasets(workspace)),
        ("runs", lambda: _runs(workspace)), ("jobs", lambda: _jobs(workspace)), ("clock", lambda: _clock(workspace)),
        ("versions", _versions),
    ]  # fmt: skip
    if url:
        checks.append(("app", lambda: _app(url)))
    return [_done(name, look) for name, look in checks]


def worst(checks: Sequence[Check]) -> str:
    """The status of all of them together."""
    return max((check.status for check in checks), key=LEVELS.index, default=OK)


def _done(name: str, look: Callable[[], tuple[str, str]]) -> Check:
    try:
        return Check(name, *look())
    except (ArchscopeError, OSError) as error:
        return Check(name, FAIL, str(error))


def _folder(workspace: Workspace) -> tuple[str, str]:
    why = refusal(workspace.root)
    return (FAIL, why) if why else (OK, f"{workspace.root} can be written")


def _disk(workspace: Workspace) -> tuple[str, str]:
    free, least = shutil.disk_usage(workspace.root).free, settings.least_free()
    told = f"{room(workspace.root)}; at least {least / 1e9:,.1f} GB are wanted"
    if free < least:
        return FAIL, f"{told}: free some (python -m core disk, python -m core clean)"
    return (WARN, f"{told}: it will soon be full") if free < 3 * least else (OK, told)


def _database(workspace: Workspace) -> tuple[str, str]:
    if workspace.results.persistent:
        workspace.results.cursor().execute("SELECT 1").fetchall()
        notices = workspace.results.notices
        return (WARN, " ".join(notices)) if notices else (OK, "open")
    return DATABASE_STATES[database_state(workspace.root / DATABASE)]


def _datasets(workspace: Workspace) -> tuple[str, str]:
    paths = sorted(path.parent for path in workspace.datasets_dir.glob("[!.]*/manifest.json"))
    wrong = [f"{path.name}: {why}" for path in paths if (why := dataset_trouble(path))]
    if wrong:
        return FAIL if len(wrong) == len(paths) else WARN, "; ".join(wrong)
    return OK, f"{len(paths)} with every file in place"


def _runs(workspace: Workspace) -> tuple[str, str]:
    """Runs that died without a word lately: whose process is gone and left no result."""
    since = datetime.now(UTC) - timedelta(days=1)
    runs = workspace.runs.all()
    late = [run for run in runs if _when(run) > since]
    dead = [run.id for run in late if run.result is None and run.status == "failed"]
    if dead:
        return WARN, f"{len(dead)} died within a day without a result ({', '.join(dead[:3])}): see their log.txt"
    return OK, f"{len(runs)}, none died within a day"


def _jobs(workspace: Workspace) -> tuple[str, str]:
    live = [run for run in workspace.runs.all() if run.status in LIVE]
    before = datetime.now(UTC).timestamp() - QUIET_HOURS * 3600
    stuck = [run.id for run in live if run.status == "running" and (steps := run.steps()) and steps[-1].time < before]
    if stuck:
        return WARN, f"{', '.join(stuck)}: at work, but without a word for {QUIET_HOURS:.0f} hours"
    return OK, f"{len(live)} at work or waiting"


def _clock(workspace: Workspace) -> tuple[str, str]:
    times = [_when(run) for run in workspace.runs.all()]
    newest = max(times, default=datetime.now(UTC))
    ahead = newest - datetime.now(UTC)
    if ahead > AHEAD:
        return WARN, f"the newest run was asked for {ahead.total_seconds() / 60:,.0f} min from now: the clock went back"
    return OK, f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _when(run: Run) -> datetime:
    return datetime.fromisoformat(run.recipe["created"])


def _versions() -> tuple[str, str]:
    told = f"ARCHScope {__version__}, Python {platform.python_version()}"
    return (OK, told) if sys.version_info >= (3, 11) else (FAIL, f"{told}: Python 3.11 or newer is needed")


def _app(url: str) -> tuple[str, str]:
    if not url.startswith(("http://", "https://")):
        return FAIL, f"{url} is no address: give one like http://127.0.0.1:8501"
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/_stcore/health", timeout=ANSWER_S) as answer:
            return (OK, f"{url} answers") if answer.status == 200 else (FAIL, f"{url} answers {answer.status}")
    except (URLError, OSError, ValueError) as error:
        return FAIL, f"{url} does not answer ({getattr(error, 'reason', error)}): is it running?"


# -- for monitors ------------------------------------------------------------------------------------------------------


def metrics(workspace: Workspace, checks: Sequence[Check]) -> str:
    """The state in the text format of Prometheus: ids and numbers, no path and no content."""
    return "".join(f"{line}\n" for line in _metrics(workspace, checks))


def _metrics(workspace: Workspace, checks: Sequence[Check]) -> Iterator[str]:
    yield from _family("archscope_info", "gauge", "Version.", [({"version": __version__}, 1)])
    state = [({"check": check.name}, LEVELS.index(check.status)) for check in checks]
    yield from _family("archscope_check", "gauge", "0 ok, 1 warning, 2 failure.", state)
    runs = Counter((run.kind, run.status) for run in workspace.runs.all())
    states = [({"kind": kind, "status": status}, number) for (kind, status), number in runs.items()]
    yield from _family("archscope_runs", "gauge", "Runs of the data folder.", states)
    sizes = [({"dataset": found.name}, found.blocks[-1]) for found in workspace.datasets()]
    yield from _family("archscope_dataset_biosamples", "gauge", "Biosamples of each dataset.", sizes)
    use = disk_use(workspace)
    kinds = [({"kind": str(kind)}, int(size)) for kind, size in use.pieces.groupby("kind")["bytes"].sum().items()]
    yield from _family("archscope_disk_bytes", "gauge", "Bytes of the data folder.", kinds)
    yield from _family("archscope_disk_free_bytes", "gauge", "Bytes free on its disk.", [({}, use.free)])
    events = [({"event": name}, number) for name, number in sorted(logs.counts().items())]
    yield from _family("archscope_events_total", "counter", "Events of this process by name.", events)


def _family(name: str, kind: str, text: str, values: Sequence[tuple[Mapping[str, str], int]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in values:
        inside = ",".join(f'{key}="{_escaped(told)}"' for key, told in labels.items())
        yield f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
