import pytest

from core.errors import CancelledError
from core.jobs.progress import FileProgress, progress_of, remaining_seconds
from core.store.runs import RunStore, Step


@pytest.fixture
def run(tmp_path):
    return RunStore(tmp_path).create("generator", "demo", {})


def test_lines_with_figures_are_all_kept_others_thinned(run):
    progress = FileProgress(run)
    for step in range(5):
        progress("training", step, 10, loss=float(step))
    assert [step.values["loss"] for step in run.steps()] == [0, 1, 2, 3, 4]
    for step in range(5):
        progress("saving", step, 10)
    assert [step.stage for step in run.steps()].count("saving") == 1
    progress("saving", 10, 10)
    assert run.steps()[-1].fraction == 1.0


def test_a_cancelled_run_is_told(run):
    progress = FileProgress(run)
    (run.path / "cancelled").touch()
    with pytest.raises(CancelledError, match="was cancelled"):
        progress("training", 1, 2)


def test_remaining_time_leaves_the_queue_out():
    steps = [Step(0.0, "queued", 0.0, {}), Step(100.0, "training", 0.0, {}), Step(110.0, "training", 0.25, {})]
    assert remaining_seconds(steps) == pytest.approx(30.0)
    assert remaining_seconds(steps[:2]) is None
    assert remaining_seconds(steps[:1]) is None


def test_progress_of_each_status(run):
    assert progress_of(run).status == "queued"
    assert progress_of(run).fraction == 0.0
    FileProgress(run)("training", 1, 4)
    assert (progress_of(run).stage, progress_of(run).fraction) == ("training", 0.25)
    run.write_result("failed", error="no label")
    assert (progress_of(run).status, progress_of(run).error) == ("failed", "no label")
    run.write_result("done", metrics={})
    assert progress_of(run).fraction == 1.0
