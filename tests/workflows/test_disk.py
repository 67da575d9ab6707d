"""What takes how much, cleaning of what can be made again, and deleting a dataset with all that is its."""

import io
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pandas as pd
import pytest

from core import workflows
from core.__main__ import main
from core.errors import InputError, NotFoundError, RecipeError
from core.store.building import alone
from core.store.files import write_json
from core.store.remote_cache import Parts
from core.store.workspace import Workspace
from tests.conftest import train


@pytest.fixture
def mine(demo_root, tmp_path):
    """A copy of the small demo that a test may change."""
    shutil.copytree(demo_root, tmp_path / "data")
    return Workspace(tmp_path / "data")


@pytest.fixture
def run(mine, capsys):
    def command(*arguments):
        status = main(["--data-dir", str(mine.root), *map(str, arguments)])
        streams = capsys.readouterr()
        return status, streams.out, streams.err

    return command


@contextmanager
def at_work(workspace, kind, parameters=None):
    """A run with a process of its own that would go on for long."""
    found = workspace.runs.create(kind, "demo", parameters or {})
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    found.claim(child.pid)
    try:
        yield found
    finally:
        child.kill()
        child.wait()


def littered(workspace):
    """Fills a data folder with one of everything that can be cleaned; the paths that cleaning takes away."""
    root = workspace.root
    workflows.correlated_genes(workspace, "demo", workspace.dataset("demo").rankings["symbol"][0])
    made = workspace.runs.create("projection", "demo", {"method": "pca"})
    made.write_result("done", metrics={})
    paths = {
        "correlation": root / "datasets" / "demo" / "correlation", "analyses": made.path,
        "remote": root / "remote" / "abc", "annotations": root / "annotations", "demo": root / "demo",
        "damaged": root / "archscope.duckdb.damaged-1", "building": root / "datasets" / ".new.building",
        "deleted": root / "runs" / ".deleted" / "x",
        "parts": root / "downloads" / ".parts" / "k", "part": root / "downloads" / "h.h5.part",
        "backup": root / ".backup" / "1-a",
    }  # fmt: skip
    for name, path in paths.items():
        if name in ("damaged", "part"):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x" * 5000)
        elif not path.exists():
            path.mkdir(parents=True)
            (path / "content").write_bytes(b"x" * 5000)
    (paths["backup"] / ".lock").touch()
    return paths


def all_bytes(root):
    """Independent of the code: every inode once, as du counts it."""
    sizes = {}
    for folder, _, names in os.walk(root):
        for name in names:
            found = os.lstat(os.path.join(folder, name))  # noqa: PTH118
            sizes[found.st_ino] = found.st_size
    return sum(sizes.values())


def test_every_byte_is_in_one_piece_and_a_file_of_two_names_counts_once(mine):
    littered(mine)
    block = next((mine.datasets_dir / "demo" / "counts").glob("*.tiles"))
    other = mine.datasets_dir / ".demo.building" / "counts"
    other.mkdir(parents=True)
    os.link(block, other / block.name)  # as an addition does with the blocks that are there
    found = workflows.disk_use(mine)
    assert found.bytes == all_bytes(mine.root)
    pieces = found.pieces.set_index(["kind", "name"])
    assert pieces.loc[("counts", "demo"), "bytes"] == sum(
        path.stat().st_size for path in (mine.datasets_dir / "demo" / "counts").iterdir()
    )
    assert pieces.loc[("leftovers", "build of demo that was stopped"), "bytes"] == 0
    assert found.free == pytest.approx(shutil.disk_usage(mine.root).free, rel=0.2)


def test_kinds_say_whether_and_how_they_are_made_again(mine):
    littered(mine)
    table = workflows.disk_use(mine).kinds.set_index("kind")
    assert table.loc["models", "rebuildable"] == "no"
    assert table.loc["counts", "rebuildable"] == "from its files"
    assert table.loc["correlation", "rebuildable"] == "yes"
    pieces = workflows.disk_use(mine).pieces.set_index("kind")
    assert "as the last time" in pieces.loc["counts", "how"]
    assert table["bytes"].is_monotonic_decreasing
    assert table["bytes"].sum() == all_bytes(mine.root)


def test_cleaning_takes_away_all_that_can_be_made_again_and_nothing_else(mine, run):
    paths = littered(mine)
    keep = ["uploads/demo/counts.h5", "label_edits/other.parquet", "gene_sets/a.gmt", "downloads/mine.h5", "notes.txt"]
    for name in keep:
        (mine.root / name).parent.mkdir(parents=True, exist_ok=True)
        (mine.root / name).write_bytes(b"y" * 100)
    before = {path for path in mine.root.rglob("*") if path.is_file()}
    status, out, err = run("clean")
    assert status == 0
    assert "Would remove" in err
    assert {path for path in mine.root.rglob("*") if path.is_file()} == before | {mine.root / "audit.jsonl"}
    told = pd.read_csv(io.StringIO(out))["bytes"].sum()
    status, out, err = run("clean", "--yes")
    assert (status, "Removed" in err) == (0, True)
    assert pd.read_csv(io.StringIO(out))["bytes"].sum() == told
    assert [name for name, path in paths.items() if path.exists()] == []
    left = {path for path in mine.root.rglob("*") if path.is_file()}
    allowed = tuple(str(path) for path in paths.values())
    assert [path for path in before - left if not str(path).startswith(allowed)] == []
    assert all((mine.root / name).read_bytes() == b"y" * 100 for name in keep)
    assert not workflows.to_clean(mine).pieces["bytes"].any()
    gene = mine.dataset("demo").rankings["symbol"][0]
    assert len(workflows.correlated_genes(mine, "demo", gene).table)  # made again


def test_what_cannot_be_made_again_is_refused_by_name(mine, run):
    for kind in ("counts", "models", "uploads", "checkpoints", "work", "other", "nonsense"):
        with pytest.raises(RecipeError, match="never cleaned"):
            workflows.clean(mine, [kind])
    status, _, err = run("clean", "models", "--yes")
    assert status == 2
    assert "Trained models and studies are never cleaned" in err


def test_what_a_living_process_uses_stays(mine, tmp_path):
    paths = littered(mine)
    parts = Parts(mine.root / "downloads" / ".parts" / "k")
    from core.sources.remote_records import alone as fetching
    from core.store.staging import staging

    with (
        at_work(mine, "projection") as job, at_work(mine, "fetch"), at_work(mine, "demo"),
        alone(mine.datasets_dir / "new"), fetching(parts.folder), staging(mine.root, "backup") as held,
    ):  # fmt: skip
        done = workflows.clean(mine)
        assert job.path.is_dir()
        assert held.is_dir()
        assert all(paths[name].exists() for name in ("building", "parts", "remote", "demo"))
        assert not paths["analyses"].exists()  # of a job that ended
    assert sum("uses it" in line for line in done.kept) == 6
    workflows.clean(mine)
    assert not any(paths[name].exists() for name in ("building", "parts", "remote", "demo"))


def test_a_download_that_a_build_reads_stays_until_the_build_ends(mine):
    folder = mine.root / "downloads"
    folder.mkdir()
    (folder / "h.h5").write_bytes(b"z" * 1000)
    write_json(folder / "h.h5.json", {"address": "https://example.org/h.h5", "size": 1000, "etag": "", "modified": ""})
    with at_work(mine, "build", {"counts": str(folder / "h.h5")}):
        assert [line for line in workflows.clean(mine, ["downloads"]).kept if line.startswith("h.h5: job ")]
        assert (folder / "h.h5").exists()
    assert workflows.clean(mine).pieces["kind"].eq("downloads").sum() == 0  # only where it is asked for
    assert workflows.clean(mine, ["downloads"]).bytes > 1000
    assert list(folder.iterdir()) == []


def test_older_than_leaves_what_changed_since(mine):
    paths = littered(mine)
    then = time.time() - 10 * 86400
    for path in [paths["remote"], *paths["remote"].iterdir()]:
        os.utime(path, (then, then))
    assert workflows.clean(mine, older_than=9).pieces["kind"].tolist() == ["remote"]
    assert paths["demo"].exists()
    assert not paths["remote"].exists()


def test_results_are_forgotten_in_the_app_and_the_file_goes_where_no_app_runs(mine):
    app = Workspace(mine.root, persistent=True)
    gene = app.dataset("demo").rankings["symbol"][0]
    workflows.overview(app, "demo")
    count = "SELECT count(*) FROM results"
    assert app.results.cursor().execute(count).fetchone()[0] > 0
    command = [sys.executable, "-m", "core", "--data-dir", str(mine.root), "clean", "results", "--yes"]
    other = subprocess.run(command, capture_output=True, text=True, check=True)  # another process has no way in
    assert "a running ARCHScope uses it: clean it on its Data page" in other.stderr
    assert app.results.cursor().execute(count).fetchone()[0] > 0
    workflows.clean(app, ["results"])
    assert app.results.cursor().execute(count).fetchone()[0] == 0
    assert len(workflows.rankings(app, "demo")) == len(workflows.rankings(mine, "demo"))
    assert workflows.gene(app, "demo", gene).row["symbol"] == gene
    app.results.close()
    assert workflows.clean(mine, ["results"]).bytes > 0
    assert not (mine.root / "archscope.duckdb").exists()


def test_deleting_a_dataset_takes_all_that_is_its_and_nothing_of_another(mine, tmp_path, run):
    shutil.copytree(mine.datasets_dir / "demo", mine.datasets_dir / "demo2")
    manifest = mine.datasets_dir / "demo2" / "manifest.json"
    write_json(manifest, json.loads(manifest.read_text()) | {"name": "demo2", "fingerprint": "f2"})
    app = Workspace(mine.root, persistent=True)
    for name in ("demo", "demo2"):
        ids = app.dataset(name).biosamples["sample_id"][:2].tolist()
        workflows.edit_labels(app, name, ids, "mine", "add")
        workflows.save_filters(app, name, "one", {"sort": "tau"})
        (mine.root / "uploads" / name).mkdir(parents=True)
        (mine.root / "uploads" / name / "counts.h5").write_bytes(b"c")
        workflows.overview(app, name)
        workflows.rankings(app, name)
    workflows.promote(app, app.runs.all("demo", "classifier")[0].id)
    kept = workflows.rankings(app, "demo2")
    assert set(workflows.belongings(app, "demo")["kind"]) >= {"counts", "models", "uploads"}
    workflows.delete_dataset(app, "demo")
    left = [str(path.relative_to(mine.root)) for path in mine.root.rglob("*") if path.is_file()]
    mentioned = ("datasets/demo/", "uploads/demo/", "label_edits/demo.parquet", "active/demo.json", "filters/demo.json")
    assert [name for name in left if name.startswith(mentioned) or name.startswith("runs/")] == []
    for table, column in (
        ("datasets", "name"),
        ("rankings", "dataset"),
        ("biosamples", "dataset"),
        ("runs", "dataset"),
    ):
        found = app.results.cursor().execute(f"SELECT DISTINCT {column} FROM {table}").fetchall()
        assert found in ([("demo2",)], [])
    assert app.results.cursor().execute("SELECT DISTINCT fingerprint FROM results").fetchall() == [("f2",)]
    assert workflows.rankings(app, "demo2").equals(kept)
    assert len(workflows.label_edits(app, "demo2")) == 2
    with pytest.raises(NotFoundError):
        workflows.delete_dataset(app, "demo")
    app.results.close()


def test_a_dataset_that_a_job_works_on_is_not_deleted(mine):
    with at_work(mine, "classifier"), pytest.raises(InputError, match="is at work on 'demo'"):
        workflows.delete_dataset(mine, "demo")
    with alone(mine.datasets_dir / "demo"), pytest.raises(InputError, match="being built right now"):
        workflows.delete_dataset(mine, "demo")
    assert len(mine.datasets()) == 1
    assert len(mine.runs.all("demo", "classifier")) == 2


def test_a_deletion_that_was_killed_after_its_first_rename_is_finished_by_the_next(mine, monkeypatch):
    from core.workflows import delete_dataset

    module = sys.modules["core.workflows.disk"]
    done = []

    def once(root, paths):
        if done:
            raise KeyboardInterrupt
        done.append(paths)
        module_remove(root, paths)

    module_remove = module.remove
    monkeypatch.setattr(module, "remove", once)
    with pytest.raises(KeyboardInterrupt):
        delete_dataset(mine, "demo")
    monkeypatch.setattr(module, "remove", module_remove)
    assert mine.datasets() == []
    assert mine.runs.all("demo")
    delete_dataset(mine, "demo")
    assert mine.runs.all("demo") == []


def test_the_command_line_lists_the_disk_and_deletes_only_when_told(mine, run):
    status, out, err = run("disk", "--format", "json")
    told = json.loads(out)
    assert (status, err) == (0, "")
    assert sum(piece["bytes"] for piece in told["pieces"]) == told["bytes"]
    assert told["bytes"] == all_bytes(mine.root)
    status, out, err = run("delete-dataset", "demo")
    assert status == 2
    assert "add --yes" in err
    assert {"counts", "models"} <= set(pd.read_csv(io.StringIO(out))["kind"])
    assert run("delete-dataset", "demo", "--yes")[0] == 0
    assert mine.datasets() == []
    status, _, err = run("delete-dataset", "../x", "--yes")
    assert status == 2


def test_a_deleted_dataset_can_be_built_again_under_its_name(mine):
    before = workflows.rankings(mine, "demo")
    workflows.delete_dataset(mine, "demo")
    workflows.create_demo(mine, n_biosamples=320, n_genes=1000)
    assert workflows.rankings(mine, "demo").equals(before)
    assert train(mine, "classifier", trees=5, genes=50).status == "done"
