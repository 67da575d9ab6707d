"""Jobs that ended lately: listed newest first, dismissed for every tab, their log a line a stage."""

from pathlib import Path

from core import jobs
from core.store.runs import Run
from core.store.workspace import Workspace


def ended(workspace: Workspace, kind: str, status: str = "done") -> Run:
    run = workspace.runs.create(kind, "demo", {})
    run.write_result(status, error="out of memory")
    return run


def test_ended_jobs_are_listed_until_they_are_dismissed_also_by_another_process(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    done, failed = ended(workspace, "generator"), ended(workspace, "classifier", "failed")
    assert {run.id for run in jobs.recent(workspace)} == {done.id, failed.id}
    jobs.dismiss([failed])
    assert [run.id for run in jobs.recent(Workspace(tmp_path))] == [done.id]


def test_a_log_has_a_line_a_stage_and_none_where_nothing_began(tmp_path: Path) -> None:
    run = Workspace(tmp_path).runs.create("classifier", "demo", {})
    assert jobs.log_lines(run) == []
    progress = jobs.FileProgress(run)
    for stage, done in (("reading", 1), ("growing", 2), ("growing", 4)):
        progress(stage, done, 4, trees=done)
    assert [(line.stage, line.fraction) for line in jobs.log_lines(run)] == [("reading", 0.25), ("growing", 1.0)]
