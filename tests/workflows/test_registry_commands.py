"""promote, rollback, delete, card and runs on the command line, and the functions behind them."""

import io
import json
import shutil

import pandas as pd
import pytest

from core import workflows
from core.__main__ import main
from core.errors import RecipeError
from core.store.workspace import Workspace
from tests.store.test_registry import copies


@pytest.fixture
def root(demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def ids(root):
    return copies(root, "bc")


@pytest.fixture
def run(root, capsys):
    def command(*arguments):
        status = main(["--data-dir", str(root), *arguments])
        streams = capsys.readouterr()
        return status, streams.out, streams.err

    return command


def in_use(run):
    rows = pd.read_csv(io.StringIO(run("runs", "demo")[1]))
    return rows.loc[rows["active"] & (rows["kind"] == "classifier"), "id"].tolist()


def test_promote_and_back(run, ids):
    a, b, c = ids
    assert in_use(run) == [a]
    status, out, err = run("promote", b)
    assert (status, err) == (0, "")
    assert out == f"Run {b} is now the classifier in use for 'demo', after {a}.\n"
    assert in_use(run) == [b]
    assert run("promote", b)[1] == f"Run {b} is the classifier in use for 'demo' already.\n"
    run("promote", c)
    assert run("rollback", "demo")[1] == f"Run {b} is now the classifier in use for 'demo', after {c}.\n"
    assert run("rollback", "demo", "--kind", "classifier")[0] == 0
    assert in_use(run) == [a]


def test_delete(run, ids, root):
    _, b, _ = ids
    status, out, _ = run("delete", b)
    assert (status, out) == (0, f"Deleted run {b}, a classifier of 'demo'.\n")
    assert not (root / "runs" / b).exists()
    assert b not in run("runs", "demo")[1]


def test_bad_input_is_two_and_one_line(run, ids):
    for words, says in (
        (("promote", "nope"), "no run 'nope'"),
        (("promote", "../runs"), "no run '../runs'"),
        (("delete", "nope"), "no run 'nope'"),
        (("delete", ids[0]), "in use"),
        (("rollback", "demo"), "No other classifier"),
        (("rollback", "demo", "--kind", "generator"), "No other generator"),
        (("rollback", "nowhere"), "no dataset 'nowhere'"),
        (("card", "nope"), "no run 'nope'"),
    ):
        status, out, err = run(*words)
        assert (status, out) == (2, "")
        assert err.startswith("error: ")
        assert len(err.splitlines()) == 1
        assert says in err
    with pytest.raises(SystemExit) as stopped:
        main(["rollback", "demo", "--kind", "oracle"])
    assert stopped.value.code == 2


def test_a_promotion_that_cannot_be_written_is_one_line(run, ids, root):
    (root / "active").write_text("a file lies where the folder belongs")
    status, out, err = run("promote", ids[1])
    assert (status, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "make the folder writable" in err


def test_cards(run, ids, root):
    status, out, _ = run("card", ids[0])
    assert status == 0
    card = workflows.model_card(Workspace(root), ids[0])
    assert out == workflows.card_markdown(card)
    assert json.loads(run("card", ids[0], "--format", "json")[1]) == card


def test_the_history_says_since_when_and_what_became_of_each(root, ids):
    a, b, c = ids
    mine = Workspace(root)
    first = workflows.promotions(mine, "demo")
    finished = mine.runs.get(a).result["finished"]
    assert first.to_dict("records") == [
        {"run": a, "action": "first", "since": finished, "until": None, "state": "in use"}
    ]
    workflows.promote(mine, b)
    workflows.promote(mine, c)
    assert workflows.rollback_target(mine, "demo").id == b
    workflows.rollback(mine, "demo")
    workflows.delete(mine, c)
    past = workflows.promotions(mine, "demo")
    assert past["run"].tolist() == [b, c, b, a]
    assert past["action"].tolist() == ["rolled back", "promoted", "promoted", "first"]
    assert past["state"].tolist() == ["in use", "deleted", "kept", "kept"]
    assert past["until"].tolist() == [None, *past["since"].tolist()[:-1]]
    assert past["since"].is_monotonic_decreasing
    with pytest.raises(RecipeError, match="oracle"):
        workflows.promotions(mine, "demo", "oracle")


def test_a_dataset_without_models_has_no_history(root, ids):
    mine = Workspace(root)
    shutil.rmtree(root / "runs")
    (root / "runs").mkdir()
    assert workflows.promotions(mine, "demo").empty
    assert list(workflows.promotions(mine, "demo")) == list(workflows.HISTORY_COLUMNS)
    assert workflows.rollback_target(mine, "demo") is None


def test_what_another_process_deleted_leaves_the_database(root, ids):
    mine = Workspace(root)
    workflows.runs(mine, "demo")
    workflows.delete(Workspace(root), ids[1])
    workflows.runs(mine, "demo", "generator")
    with mine.results.cursor() as cursor:
        left = {row[0] for row in cursor.execute("SELECT id FROM runs").fetchall()}
    assert left == {run.id for run in mine.runs.all("demo")}


def test_the_name_of_a_model_is_short_and_tells_runs_apart(root, ids):
    mine = Workspace(root)
    names = {workflows.model_name(mine.runs.get(run_id)) for run_id in ids}
    assert len(names) == 3
    name = workflows.model_name(mine.runs.get(ids[1]))
    assert name.endswith("UTC · 30 trees, 300 genes · bbbb")
    assert workflows.describe({"label": "brain", "model": "smote", "steps": 1500, "seed": 0, "trees": None}) == (
        "brain, smote, 1,500 steps, seed 0"
    )
    kept_away = {"label": "brain", "model": "wgan-gp", "seed": 1, "least_distance": 0.8}
    assert workflows.describe(kept_away) == "brain, wgan-gp, seed 1, 0.8 away"
    assert workflows.describe(kept_away | {"least_distance": 0.0}) == "brain, wgan-gp, seed 1"
