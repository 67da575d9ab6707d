"""What the cases of faults do: start processes, kill them, look at what they left, compare with the undisturbed."""

import contextlib
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from core import workflows
from core.__main__ import main
from core.settings import PROJECT
from core.store.runs import Run
from core.store.workspace import Workspace
from tests.faults.small import Source

INJECT = PROJECT / "tests" / "faults" / "inject"
PATIENCE = 300.0  # seconds that a process may take to get anywhere
NAME = "mine"
STARTED: list[subprocess.Popen[str]] = []  # children of the present test
CHANGING = ("created", "seconds", "finished", "id", "run", "path")  # of JSON: differ between any two attempts
LOOK = "import json, sys; from tests.faults.acting import look_here; print(json.dumps(look_here(*sys.argv[1:])))"


def environment(**faults: Any) -> dict[str, str]:
    """Of a child in which these faults happen (see ``inject/sitecustomize.py``)."""
    found = {**os.environ, "ARCHSCOPE_THREADS": "1"}
    found.pop("ARCHSCOPE_FAULTS", None)
    if faults:
        found |= {"PYTHONPATH": str(INJECT), "ARCHSCOPE_FAULTS": json.dumps(faults)}
    return found


def start(root: Path, *words: str, before: Callable[[], None] | None = None, **faults: Any) -> subprocess.Popen[str]:
    """A command line in a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", "core", "--data-dir", str(root), *words], cwd=PROJECT, env=environment(**faults),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before,
    )  # fmt: skip
    STARTED.append(child)
    return child


def run(root: Path, *words: str, **more: Any) -> tuple[int, str, str]:
    """A command line to its end: status, output, errors."""
    child = start(root, *words, **more)
    out, err = child.communicate(timeout=PATIENCE)
    return child.returncode, out, err


def end_all() -> None:
    """Kills what a test left running."""
    while STARTED:
        child = STARTED.pop()
        if child.poll() is None:
            child.kill()
            child.communicate()


def build_words(source: Source, name: str = NAME) -> list[str]:
    """Arguments that build a dataset."""
    return ["build", str(source.counts), "--name", name, "--labels", str(source.labels), "--lengths",
            str(source.lengths)]  # fmt: skip


def add_words(source: Source, name: str = NAME) -> list[str]:
    """Arguments that add to it."""
    return ["add", name, str(source.more), "--labels", str(source.more_labels)]


def build_parameters(source: Source) -> dict[str, str]:
    """The parameters of a job that builds."""
    return {"counts": str(source.counts), "labels": str(source.labels), "lengths": str(source.lengths)}


def build_here(root: Path, source: Source, name: str = NAME) -> None:
    """Builds in this process."""
    workflows.build(Workspace(root), workflows.BuildRequest(source.counts, name, source.labels, source.lengths))


def worker(run: Run, root: Path, **faults: Any) -> subprocess.Popen[str]:
    """A worker on a run, in a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", "core.jobs.worker", str(run.path), str(root)], cwd=PROJECT, env=environment(**faults),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(run.path / "log.txt").open("w"), text=True,
        start_new_session=True,
    )  # fmt: skip
    STARTED.append(child)
    run.claim(child.pid)
    return child


def wait_for(
    what: Callable[[], object], child: subprocess.Popen[str] | None = None, why: str = "it never came"
) -> None:
    """Waits until something is so; not for a child that ended before."""
    end = time.monotonic() + PATIENCE
    while not what():
        ended = child is not None and child.poll() is not None
        assert time.monotonic() < end and (not ended or what()), why
        time.sleep(0.02)


def kill_at(run: Run, root: Path, stage: str, **faults: Any) -> None:
    """Starts a worker, and ends it with SIGKILL once it said that it is at a stage."""
    child = worker(run, root, hold=stage, **faults)
    wait_for(lambda: any(step.stage == stage for step in run.steps()), child, f"no stage {stage!r}: {run.error}")
    kill(child)


def kill(child: subprocess.Popen[str]) -> None:
    """SIGKILL: no handler runs, nothing is tidied up."""
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(PATIENCE) == -signal.SIGKILL


def kill_command_at(child: subprocess.Popen[str], stage: str) -> str:
    """SIGKILL for a command once it says on standard error that it is at a stage; what it had said."""
    assert child.stderr is not None
    said = []
    for line in child.stderr:
        said.append(line)
        if stage in line:
            break
    else:
        raise AssertionError(f"no stage {stage!r}: {''.join(said)}")
    kill(child)
    return "".join(said)


def look(root: Path, name: str = NAME, **faults: Any) -> dict[str, Any]:
    """What ``look_here`` gives in a fresh process, in which faults may happen."""
    seen: dict[str, Any] = json.loads(python(LOOK, str(root), name, **faults))
    return seen


def python(code: str, *arguments: str, **faults: Any) -> str:
    """What a piece of Python prints in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=PROJECT, env=environment(**faults), capture_output=True,
        text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def look_here(root: Path | str, name: str = NAME) -> dict[str, Any]:
    """What the commands datasets, jobs, runs and rankings say: exit status, output and errors of each."""
    seen: dict[str, Any] = {}
    for words in (["datasets"], ["jobs", "--all"], ["runs", name], ["rankings", name, "--limit", "3"]):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(["--data-dir", str(root), *words, "--format", "json"])
        found = json.loads(out.getvalue() or "null")
        seen[words[0]] = {"status": status, "found": found, "error": err.getvalue().strip()}
    return seen


def one_line(error: str) -> str:
    """The one line that a command failed with."""
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in error, error
    return lines[0]


def check_whole(seen: dict[str, Any], names: Iterable[str]) -> None:
    """Datasets are those alone, and every look at one succeeds."""
    assert seen["datasets"]["status"] == seen["jobs"]["status"] == 0, seen
    assert [row["name"] for row in seen["datasets"]["found"]] == list(names)
    wanted = 0 if names else 2
    assert seen["rankings"]["status"] == seen["runs"]["status"] == wanted, seen


def content(folder: Path) -> dict[str, str]:
    """A hash of every file below a folder by its name, without what differs between any two attempts."""
    return {
        str(path.relative_to(folder)): hashlib.blake2b(_same(path), digest_size=8).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _same(path: Path) -> bytes:
    if path.suffix == ".json":
        return json.dumps(_without(json.loads(path.read_text())), sort_keys=True).encode()
    if path.suffix == ".jsonl":
        lines = [_without(json.loads(line)) for line in path.read_text().splitlines()]
        return json.dumps(lines, sort_keys=True).encode()
    if path.suffix == ".parquet":
        table = pd.read_parquet(path)
        return table.drop(columns="seconds").to_csv().encode() if "seconds" in table else path.read_bytes()
    if path.suffix == ".skops":
        return _same_archive(path)
    return path.read_bytes()


def _same_archive(path: Path) -> bytes:
    """A skops archive without the times of writing, and with its objects numbered in order, not by where they were."""
    with zipfile.ZipFile(path) as archive:
        schema = archive.read("schema.json").decode()
        order = {found: str(i) for i, found in enumerate(dict.fromkeys(re.findall(r"\d{9,}", schema)))}
        parts = sorted((order.get(Path(name).stem, name), name) for name in archive.namelist() if name != "schema.json")
        same = re.sub(r"\d{9,}", lambda found: order[found[0]], schema)
        return same.encode() + b"".join(number.encode() + archive.read(name) for number, name in parts)


def _without(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {key: _without(value) for key, value in thing.items() if key not in CHANGING}
    return [_without(each) for each in thing] if isinstance(thing, list) else thing


def results_of(run: Run) -> dict[str, str]:
    """The same of what a run made: its model, tables, cards and metrics."""
    left = ("recipe.json", "process.json", "progress.jsonl", "log.txt", "dismissed")
    return {name: value for name, value in content(run.path).items() if name not in left}


def hidden(root: Path) -> list[str]:
    """Files that somebody began to write and nobody finished."""
    names = [path for path in root.rglob("*") if path.name.startswith(".") or path.suffix in (".tmp", ".part")]
    return sorted(str(path.relative_to(root)) for path in names if path.is_file() and path.suffix != ".lock")
