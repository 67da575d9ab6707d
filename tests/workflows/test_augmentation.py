"""Studies in a data folder: resumed, cancelled, asked for by the command line, run as a job."""

import io
import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from core import jobs, workflows
from core.__main__ import main
from core.errors import CancelledError, NotFoundError, RecipeError, StoreError
from core.models.augmentation import ARMS, summarise
from core.settings import PROJECT
from core.store.workspace import Workspace
from core.types import silent

ASKED = {"label": "brain", "seeds": 2, "sizes": (2, 5), "steps": 5, "trees": 10, "genes": 60}
QUICK_ARMS = ("none", "class-weights", "smote")


@pytest.fixture
def mine(demo_root, tmp_path):
    shutil.copytree(demo_root / "datasets", tmp_path / "datasets")
    workspace = Workspace(tmp_path)
    yield workspace
    for run in jobs.active_runs(workspace):
        jobs.cancel(run)


def created(workspace, **more):
    parameters = workflows.study_parameters(workspace, "demo", **(ASKED | more))
    return workspace.runs.create("augmentation", "demo", parameters, workspace.dataset("demo").fingerprint)


def lines(run):
    found = [json.loads(line) for line in (run.path / "replicates.jsonl").read_text().splitlines()]
    for line in found:
        for figures in line["arms"].values():
            figures.pop("seconds")
    return found


def stopping(after, how=CancelledError):
    """Progress that raises once a number of replicates are done."""

    def hear(stage, done, total, **values):
        if done > after:
            raise how("stop")

    return hear


def test_a_study_leaves_lines_tables_and_its_result(mine):
    run = created(mine)
    workflows.perform(mine, run, silent)
    assert run.status == "done"
    found = lines(run)
    assert [(line["seed"], line["size"]) for line in found] == [(1, 2), (1, 5), (2, 2), (2, 5)]
    view = workflows.study(mine, run.id)
    assert view.complete
    assert view.summary["arm"].tolist() == [*ARMS, *ARMS]
    expected = np.mean([line["arms"]["smote"]["average_precision"] for line in found if line["size"] == 5])
    row = view.summary.query("size == '5' and arm == 'smote'").iloc[0]
    assert row["average_precision"] == pytest.approx(expected)
    assert len(view.replicates) == 4 * len(ARMS)
    tables = workflows.run_view(mine, run.id).tables
    assert set(tables) == {"summary", "replicates"}
    metrics = run.result["metrics"]
    assert metrics["verdicts"] == view.verdicts
    assert any("5 steps" in note for note in metrics["notes"])
    assert [each.id for each in workflows.studies(mine, "demo")] == [run.id]
    series = mine.dataset("demo").biosamples.set_index("sample_id")["series_id"]
    assert {name for line in found for name in line["held_out"]} <= set(series)


@pytest.mark.parametrize("torn", ["", '{"seed": 2, "si'])
def test_a_study_that_goes_on_ends_like_one_that_was_never_stopped(mine, torn):
    whole = created(mine)
    workflows.perform(mine, whole, silent)
    run = created(mine)
    with pytest.raises(CancelledError):
        workflows.perform(mine, run, stopping(1.5))
    assert run.status == "cancelled"
    assert len(lines(run)) == 1
    with (run.path / "replicates.jsonl").open("a") as file:
        file.write(torn)
    part = workflows.study(mine, run.id)
    assert not part.complete
    assert set(part.replicates["size"]) == {"2"}
    kept = (run.path / "replicates.jsonl").read_text().splitlines()[0]
    again = workflows.reopen_study(mine, run.id)
    workflows.perform(mine, again, silent)
    assert again.status == "done"
    assert lines(again) == lines(whole)
    assert (run.path / "replicates.jsonl").read_text().splitlines()[0] == kept
    assert summarise(lines(again)) == summarise(lines(whole))
    pd.testing.assert_frame_equal(
        workflows.study(mine, again.id).summary, workflows.study(mine, whole.id).summary, check_exact=True
    )
    with pytest.raises(RecipeError, match="is done"):
        workflows.reopen_study(mine, run.id)


def test_it_does_not_go_on_with_other_labels(mine):
    run = created(mine, arms=QUICK_ARMS)
    with pytest.raises(CancelledError):
        workflows.perform(mine, run, stopping(1.2))
    dataset = mine.dataset("demo")
    sample = dataset.biosamples["sample_id"].iloc[int(dataset.rows_with("brain")[0])]
    workflows.edit_labels(mine, "demo", [sample], "brain", "remove")
    with pytest.raises(StoreError, match="start a new study"):
        workflows.perform(mine, workflows.reopen_study(mine, run.id), silent)
    assert len(lines(run)) == 1


def test_what_cannot_be_studied_is_refused_before_there_is_a_run(mine):
    with pytest.raises(RecipeError, match="no label 'unicorn'"):
        workflows.study_parameters(mine, "demo", label="unicorn")
    with pytest.raises(RecipeError, match="size is 1"):
        workflows.study_parameters(mine, "demo", label="brain", sizes=(1,))
    with pytest.raises(NotFoundError):
        workflows.study(mine, "nope")
    classifier = mine.runs.create("classifier", "demo", {})
    with pytest.raises(NotFoundError, match="not an augmentation study"):
        workflows.study(mine, classifier.id)
    with pytest.raises(NotFoundError):
        workflows.reopen_study(mine, classifier.id)
    assert workflows.studies(mine, "demo") == []


def command(mine, *words):
    return main(["--data-dir", str(mine.root), "augment", "demo", *words])


def test_the_command_prints_the_table_or_json(mine, capsys):
    words = ("--label", "brain", "--seeds", "1", "--sizes", "2,5", "--arms", "none,smote", "--seed", "3")
    assert command(mine, *words) == 0
    out, err = capsys.readouterr()
    table = pd.read_csv(io.StringIO(out))
    assert table["arm"].tolist() == ["none", "class-weights", "smote"] * 2
    assert table.query("size == 2 and arm == 'smote'")["status"].tolist() == ["too few"]
    assert "seed 1 of 1, n = 5: smote" in err
    assert "at least 5 seeds" in err
    assert command(mine, *words, "--format", "json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["metrics"]["summary"][0]["arm"] == "none"
    assert content["status"] == "done"


def test_the_command_resumes(mine, capsys):
    run = created(mine, arms=QUICK_ARMS)
    with pytest.raises(KeyboardInterrupt):
        workflows.perform(mine, run, stopping(1.2, KeyboardInterrupt))
    assert run.status == "failed"
    assert command(mine, "--resume", run.id) == 0
    assert len(pd.read_csv(io.StringIO(capsys.readouterr().out))) == 6
    assert command(mine, "--resume", run.id) == 2
    assert "is done" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--label", "unicorn"), "no label 'unicorn'"),
        (("--label", "brain", "--sizes", "two"), "Sizes 'two'"),
        (("--label", "brain", "--sizes", "1"), "size is 1"),
        (("--label", "brain", "--sizes", "9000"), "fewer than any"),
        (("--label", "brain", "--arms", "magic"), "magic"),
        (("--label", "brain", "--seeds", "0"), "seeds is 0"),
        (("--label", "brain", "--steps", "0"), "steps is 0"),
        (("--resume", "nope"), "no run 'nope'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(mine, capsys, words, says):
    assert command(mine, *words) == 2
    message = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(message) == 1
    assert says in message[0]


def test_neither_label_nor_run_is_a_mistake_of_usage(mine):
    with pytest.raises(SystemExit) as stopped:
        command(mine)
    assert stopped.value.code == 2


def wait_for(what, seconds=90.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def test_a_job_is_cancelled_and_goes_on(mine):
    parameters = workflows.study_parameters(mine, "demo", **(ASKED | {"arms": QUICK_ARMS, "trees": 150}))
    run = jobs.start(mine, "augmentation", "demo", parameters)
    wait_for(lambda: (run.path / "replicates.jsonl").exists() or run.error)
    jobs.cancel(run)
    assert run.status in ("cancelled", "done")
    if run.status == "cancelled":
        run = jobs.launch(mine, workflows.reopen_study(mine, run.id))
    wait_for(lambda: run.status == "done" or run.error)
    assert run.error == ""
    assert len(lines(run)) == 4


def test_the_script_fills_the_table_of_the_docs(mine, tmp_path):
    run = created(mine, arms=QUICK_ARMS)
    workflows.perform(mine, run, silent)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- augmentation:begin -->\nold\n<!-- augmentation:end -->\nafter\n")
    script = [sys.executable, "scripts/augmentation_table.py", str(run.path), "--page", str(page)]
    subprocess.run(script, cwd=PROJECT, check=True)
    text = page.read_text()
    assert text.startswith("before\n<!-- augmentation:begin -->\n")
    assert text.endswith("<!-- augmentation:end -->\nafter\n")
    assert "old" not in text
    value = workflows.study(mine, run.id).summary.query("size == '5' and arm == 'smote'").iloc[0]["average_precision"]
    smote = next(line for line in text.splitlines() if line.startswith("| brain | 5") and "SMOTE" in line)
    assert f"{value:.3f}" in smote
    failed = subprocess.run([*script[:2], "nowhere"], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert failed.returncode == 2
    assert "nowhere" in failed.stderr
