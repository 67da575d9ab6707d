"""``python -m tests.load``: many sessions at once on a real app, and a table of what was expected and observed.

First a few sessions open everything once, and memory is measured; then one session works alone; then all at once, of
which some upload and some train; then all close, and memory is measured again. The app is started for it, on a copy
of a data folder. The exit status is 1 where something was not as expected.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from core.jobs.queue import gigabytes
from core.settings import job_memory, job_slots
from core.store.workspace import Workspace
from tests.load import crowd, report
from tests.load.behaviour import BACK, FIRST, UPLOAD, Log
from tests.load.cast import Cast, cast_of
from tests.load.report import Case
from tests.load.sampling import Sampler
from tests.load.served import Served, copy_of, served, small_demo

READING = (5.0, 30.0)  # seconds; a chart or a table is read before the next click
ALONE_PAUSE = (0.3, 0.8)  # seconds; how long one session thinks does not change how fast it is served
TIMES_SLOWER, TIMES_MEMORY = 5.0, 1.1
SETTLES = 90.0  # seconds that memory has to come back
TRAINED = 600.0  # seconds that trainings may take


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs everything, prints the table; the exit status."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="archscope-load-") as folder:
        place = Path(folder)
        root = copy_of(options.data.resolve(), place / "data") if options.data else small_demo(place / "data")
        cast = cast_of(Workspace(root))
        with served(root, place / "app.log") as app:
            cases, details = _play(app, cast, options)
            if app.tracebacks():
                print(app.log.read_text()[-6000:])
    print(f"{report.table(cases)}\n\n{details}")
    return int(any(case.ok is False for case in cases))


def _play(app: Served, cast: Cast, options: argparse.Namespace) -> tuple[list[Case], str]:
    sizes = {each.name: each.manifest for each in cast.datasets.values()}
    _say("; ".join(f"{name}: {of['n_biosamples']} biosamples x {of['n_genes']} genes" for name, of in sizes.items()))
    _say("warming up")
    warm = crowd.warm_up(app, cast, 900, people=6)
    crowd.forget(app)
    start = app.memory()
    _say(f"  {start:.0f} MB; one session for {options.alone:.0f} s")
    alone = crowd.play(app, cast, crowd.Plan(1, options.alone, ALONE_PAUSE, first=0, uploads=1))
    _say(f"{options.sessions} sessions for {options.seconds:.0f} s")
    pause = (options.pause[0], options.pause[1])
    plan = crowd.Plan(options.sessions, options.seconds, pause, 10, options.uploads, crowd.TRAININGS)
    before = app.cpu()
    with Sampler(app) as sampler:
        many = crowd.play(app, cast, plan)
        busy = (app.cpu() - before) / options.seconds
        _say("  waiting for the trainings")
        trained = _trained(Workspace(app.root), {cast.person(plan.first + each).seed for each in range(plan.people)})
    _say("  waiting for memory to come back")
    end = _settled(app, start)
    logs = (warm, alone, many)
    problems = [text for log in logs for text in log.problems] + ["a traceback in the log"] * app.tracebacks()
    looks = f"in {sum(log.actions for log in logs):,} actions"
    cases = [
        _crowd(plan, many),
        report.none_of("errors", problems, looks),
        report.none_of("what was somebody else's", [text for log in logs for text in log.foreign], looks),
        report.just("uploads classified and found again", str(plan.uploads), _uploads(many)),
        report.just("trainings", ", ".join(["done"] * len(plan.trainings)), ", ".join(trained)),
        _jobs(sampler),
        _slower(alone, many, busy),
        report.at_most("memory of the app afterwards", TIMES_MEMORY, end / start, "x",
                       f"{end:.0f} MB after {start:.0f} MB, at most {sampler.most:.0f} MB meanwhile"),
    ]  # fmt: skip
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    note = f"{os.cpu_count()} cores, load averages {load}. The app, its jobs and these sessions share them."
    return cases, f"{report.by_kind(alone, many)}\n\n{note}"


def _crowd(plan: crowd.Plan, log: Log) -> Case:
    reading = f"{plan.pause[0]:g} to {plan.pause[1]:g} s of reading before each action"
    done = f"{log.actions:,} actions, {log.received / 1e6:.0f} MB received"
    came = len(log.times.get(FIRST, []))
    observed = f"{came} for {plan.seconds:.0f} s with {reading}; {done}"
    return Case("web socket sessions at once", str(plan.people), observed, came == plan.people)


def _slower(alone: Log, many: Log, busy: float) -> Case:
    one, all_of_them = report.p95(report.browsing(alone)), report.p95(report.browsing(many))
    more = f"{all_of_them:.2f} s, alone {one:.2f} s (the app used {busy:.0%} of a core)"
    return report.at_most("p95 of interactions, times that of one session", TIMES_SLOWER, all_of_them / one, "x", more)


def _uploads(log: Log) -> str:
    return str(min(len(log.times.get(UPLOAD, [])), len(log.times.get(BACK, []))))


def _trained(workspace: Workspace, seeds: set[int]) -> list[str]:
    """How the trainings ended that persons of these seeds started."""
    end = time.monotonic() + TRAINED
    while time.monotonic() < end:
        mine = [run for run in workspace.runs.all() if run.recipe["parameters"].get("seed") in seeds]
        found = [run.status for run in mine]
        if not {"queued", "running"} & set(found):
            break
        time.sleep(1)
    return found


def _settled(app: Served, start: float) -> float:
    """Memory after all sessions closed, once it is back near the start, or when it had its time."""
    end = time.monotonic() + SETTLES
    while True:
        crowd.forget(app)
        if app.memory() <= start * (1 + (TIMES_MEMORY - 1) / 2) or time.monotonic() > end:
            return app.memory()


def _jobs(sampler: Sampler) -> Case:
    expected = f"at most {job_slots()} with {gigabytes(job_memory())} GB"
    observed = f"{sampler.jobs} with {gigabytes(sampler.promised)} GB"
    fine = 0 < sampler.jobs <= job_slots() and sampler.promised <= job_memory()
    return Case("jobs of one kind at once", expected, observed, fine)


def _say(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--data", type=Path, help="a data folder to work on a copy of (default: a small simulated one)")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--uploads", type=int, default=5, help="sessions that upload a file")
    parser.add_argument("--seconds", type=float, default=180, help="how long all sessions are at work")
    parser.add_argument("--alone", type=float, default=90, help="how long one session is at work before")
    parser.add_argument("--pause", type=float, nargs=2, default=READING, help="seconds before each action, from to")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
