"""Backup and restore of a data folder: the same answers afterwards, all or nothing, and what is left out is said."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time

import pandas as pd
import pytest

from core import workflows
from core.__main__ import main
from core.errors import InputError, StoreError
from core.store.datasets import StoredDataset
from core.store.files import write_json
from core.store.workspace import Workspace
from tests.conftest import train

restoring = sys.modules["core.workflows.restoring"]
backing = sys.modules["core.workflows.backup"]


@pytest.fixture(scope="module")
def lived_in(demo_root, tmp_path_factory):
    """A data folder in which people worked: label edits, promotions, filters, gene sets, maps, ended runs."""
    root = tmp_path_factory.mktemp("lived") / "data"
    shutil.copytree(demo_root, root, ignore=shutil.ignore_patterns("archscope.duckdb*", "slots"))
    mine = Workspace(root)
    second = train(mine, "classifier", trees=10, genes=100)
    workflows.promote(mine, second.id)
    ids = mine.dataset("demo").biosamples["sample_id"].tolist()
    workflows.edit_labels(mine, "demo", ids[:3], "my label", "add", "looked at")
    workflows.keep_gene_sets(mine, "Hallmark.gmt", b"SET\tabout\tGFAP\tALB\n")
    workflows.save_filters(mine, "demo", "mine", {"sort": "tau"})
    failed = mine.runs.create("build", "demo", {})
    failed.write_result("failed", error="No such file: x.h5.")
    workflows.projection(mine, "demo", "pca")
    workflows.correlated_genes(mine, "demo", mine.dataset("demo").rankings["symbol"][0])
    return root


@pytest.fixture
def mine(lived_in, tmp_path):
    """A copy of it that a test may change."""
    shutil.copytree(lived_in, tmp_path / "data")
    return Workspace(tmp_path / "data")


@pytest.fixture(scope="module")
def archive(lived_in, tmp_path_factory):
    out = tmp_path_factory.mktemp("backups") / "b.tar"
    workflows.backup(Workspace(lived_in), out)
    return out


def said(root, capsys, *arguments):
    status = main(["--data-dir", str(root), *map(str, arguments)])
    streams = capsys.readouterr()
    return status, streams.out, streams.err


def tree(root):
    """Every file that is kept, with its content; not the audit log, which tells of refused restores, too."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    names = {path: str(path.relative_to(root)) for path in files}
    return {
        name: path.read_bytes()
        for path, name in names.items()
        if not name.startswith(("audit", "slots")) and not name.endswith(".lock")
    }


def test_everything_that_can_be_asked_is_the_same_after_a_restore(lived_in, archive, tmp_path, capsys):
    new = tmp_path / "elsewhere" / "data"
    status, out, _ = said(new, capsys, "restore", archive)
    assert (status, "Restored 1 dataset (demo) and 4 runs" in out) == (0, True)
    sample = tmp_path / "sample.csv"
    stored = StoredDataset(lived_in / "datasets" / "demo")
    table = pd.DataFrame({"gene": stored.genes["symbol"], "S1": stored.counts([5])[0]})
    table.drop_duplicates("gene").to_csv(sample, index=False)
    generator = next(run.id for run in Workspace(lived_in).runs.all("demo", "generator"))
    gene = stored.rankings["symbol"][0]
    for command in (
        ["rankings", "demo", "--format", "json"], ["neighbourhood", "demo", gene], ["runs", "demo", "--format", "json"],
        ["classify", "demo", sample, "--format", "json"], ["labels", "demo"], ["datasets"],
        ["evaluate", generator, "--format", "json"], ["jobs", "--all"],
    ):  # fmt: skip
        before, after = (said(root, capsys, *command) for root in (lived_in, new))
        assert before[0] == 0, before
        assert after == before, command
        assert before[1]
    drawn = []
    for root in (lived_in, new):
        path = tmp_path / f"{root.parent.name}.csv"
        assert said(root, capsys, "synthesize", generator, "-n", 7, "--out", path)[0] == 0
        drawn.append(path.read_bytes())
    assert drawn[0] == drawn[1]
    old, restored = Workspace(lived_in), Workspace(new)
    assert workflows.promotions(restored, "demo").equals(workflows.promotions(old, "demo"))
    assert workflows.label_edits(restored, "demo").equals(workflows.label_edits(old, "demo"))
    assert workflows.saved_filters(restored, "demo") == {"mine": {"sort": "tau"}}
    assert workflows.gene_set_files(restored) == ["Hallmark"]
    kept = tree(new)
    was = {name: data for name, data in tree(lived_in).items() if name in kept}
    assert kept == was
    missing = {name.split("/")[0] for name in tree(lived_in).keys() - kept.keys()}
    assert missing <= {"demo", "annotations", "datasets", "runs"}  # the simulated file, caches, process.json


def test_a_backup_leaves_nothing_in_the_data_folder_and_names_what_it_left_out(mine, tmp_path, capsys):
    (mine.root / "uploads" / "demo").mkdir(parents=True)
    (mine.root / "uploads" / "demo" / "counts.h5").write_bytes(b"counts")
    before = tree(mine.root)
    status, out, err = said(mine.root, capsys, "backup", tmp_path)
    assert status == 0
    assert tree(mine.root) == before
    assert "note: left out: uploads: the files that datasets were built from" in err
    path = next(tmp_path.glob("archscope-*.tar"))
    with tarfile.open(path) as tar:
        names = tar.getnames()
    assert f"to {path} (" in out
    assert "audit.jsonl" in names
    wrong = ("uploads", "slots", "demo/", "archscope.duckdb", "remote", "datasets/demo/correlation")
    assert [name for name in names if name.startswith(wrong) or name.endswith("process.json")] == []


def test_a_live_training_is_taken_as_far_as_its_checkpoint_or_left_out_by_name(mine, tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        runs = {}
        for kind in ("generator", "classifier", "augmentation"):
            runs[kind] = mine.runs.create(kind, "demo", {}, mine.dataset("demo").fingerprint)
            runs[kind].claim(child.pid)
        (runs["generator"].path / "checkpoint").mkdir()
        (runs["generator"].path / "checkpoint" / "checkpoint.safetensors").write_bytes(b"weights")
        (runs["augmentation"].path / "replicates.jsonl").write_text('{"seed": 1}\n{"se')
        done = workflows.backup(mine, tmp_path / "live.tar")
    finally:
        child.kill()
        child.wait()
    assert {runs["generator"].id, runs["augmentation"].id} < set(done.runs)
    assert runs["classifier"].id not in done.runs
    assert [note for note in done.left_out if runs["classifier"].id in note and "nothing yet to go on from" in note]
    new = Workspace(tmp_path / "new")
    workflows.restore(new, tmp_path / "live.tar")
    went_on = new.runs.get(runs["generator"].id)
    assert went_on.process() is None
    assert (went_on.path / "checkpoint" / "checkpoint.safetensors").read_bytes() == b"weights"
    assert (new.runs.get(runs["augmentation"].id).path / "replicates.jsonl").read_text() == '{"seed": 1}\n'


def test_without_counts_the_rankings_come_back_and_a_build_completes_the_dataset(lived_in, tmp_path, capsys):
    small = tmp_path / "small.tar.gz"
    done = workflows.backup(Workspace(lived_in), small, counts=False)
    assert any(note.startswith("dataset demo: the counts") for note in done.left_out)
    new = Workspace(tmp_path / "new")
    assert "demo came without its counts: build it again from the same files." in workflows.restore(new, small).notes
    assert workflows.rankings(new, "demo").equals(workflows.rankings(Workspace(lived_in), "demo"))
    with pytest.raises(StoreError, match="build the dataset again"):
        new.dataset("demo").profiles([0])
    outcome = workflows.create_demo(new, n_biosamples=320, n_genes=1000)
    assert not outcome.cached
    assert (new.dataset("demo").profiles([0]) == Workspace(lived_in).dataset("demo").profiles([0])).all()


def test_a_backup_of_one_dataset_takes_what_belongs_to_it_alone(mine, tmp_path):
    shutil.copytree(mine.datasets_dir / "demo", mine.datasets_dir / "other")
    manifest = mine.datasets_dir / "other" / "manifest.json"
    write_json(manifest, json.loads(manifest.read_text()) | {"name": "other"})
    workflows.edit_labels(mine, "other", mine.dataset("other").biosamples["sample_id"][:1].tolist(), "x", "add")
    done = workflows.backup(mine, tmp_path / "one.tar", ["other"])
    assert (done.datasets, done.runs) == (["other"], [])
    with tarfile.open(tmp_path / "one.tar") as tar:
        names = tar.getnames()
    assert [name for name in names if "demo" in name] == []
    assert {"label_edits/other.parquet", "gene_sets/Hallmark.gmt"} < set(names)
    with pytest.raises(InputError, match="There is no dataset 'none'"):
        workflows.backup(mine, tmp_path / "none.tar", ["none"])


def test_a_dataset_that_is_replaced_during_a_backup_is_whole_in_it(mine, tmp_path, monkeypatch):
    """The build of the same name is put in place between two files that are held: the newer one is taken, whole."""
    newer = mine.datasets_dir / ".newer"
    shutil.copytree(mine.datasets_dir / "demo", newer)
    write_json(newer / "manifest.json", json.loads((newer / "manifest.json").read_text()) | {"seconds": 99.5})
    (newer / "norms.npy").write_bytes((newer / "norms.npy").read_bytes())
    hold, seen = backing.hold, []

    def replacing(name, source, folder):
        found = hold(name, source, folder)
        seen.append(name)
        if seen.count("datasets/demo/genes.parquet") == 1 and newer.exists():
            (mine.datasets_dir / "demo").rename(mine.datasets_dir / ".old")
            newer.rename(mine.datasets_dir / "demo")
            shutil.rmtree(mine.datasets_dir / ".old")
        return found

    monkeypatch.setattr(backing, "hold", replacing)
    workflows.backup(mine, tmp_path / "b.tar")
    assert seen.count("datasets/demo/manifest.json") == 2  # the first attempt met both
    new = Workspace(tmp_path / "new")
    workflows.restore(new, tmp_path / "b.tar")
    assert new.dataset("demo").manifest["seconds"] == 99.5
    assert len(new.dataset("demo").profiles(slice(None))) == 320


def test_files_that_are_deleted_while_the_archive_is_written_are_in_it_all_the_same(mine, tmp_path, monkeypatch):
    write = backing.write_archive

    def deleting(*arguments, **named):
        shutil.rmtree(mine.datasets_dir / "demo")
        shutil.rmtree(mine.runs_dir)
        return write(*arguments, **named)

    monkeypatch.setattr(backing, "write_archive", deleting)
    before = tree(mine.root)
    workflows.backup(mine, tmp_path / "b.tar")
    workflows.restore(Workspace(tmp_path / "new"), tmp_path / "b.tar")
    after = tree(tmp_path / "new")
    assert after["datasets/demo/counts/000000.tiles"] == before["datasets/demo/counts/000000.tiles"]
    assert sum(name.endswith("result.json") for name in after) == sum(name.endswith("result.json") for name in before)


def test_a_taken_name_is_refused_and_nothing_changes_unless_told(mine, archive, capsys):
    before = tree(mine.root)
    status, out, err = said(mine.root, capsys, "restore", archive)
    assert (status, out) == (2, "")
    assert "has datasets/demo" in err.splitlines()[-1]
    assert "--name-taken" in err
    assert tree(mine.root) == before


def test_skip_keeps_what_is_there_and_replace_puts_the_backup_in_its_place(mine, archive, lived_in):
    workflows.edit_labels(mine, "demo", mine.dataset("demo").biosamples["sample_id"][:2].tolist(), "later", "add")
    (mine.root / "gene_sets" / "Hallmark.gmt").write_bytes(b"OTHER\tx\tALB\n")
    gone = mine.runs.all("demo", "generator")[0]
    shutil.rmtree(gone.path)
    before = tree(mine.root)
    skipped = workflows.restore(mine, archive, "skip")
    assert tree(mine.root) == before
    assert (skipped.datasets, skipped.runs) == ([], [])
    assert {"datasets/demo", "gene_sets/Hallmark.gmt"} <= set(skipped.kept)
    replaced = workflows.restore(mine, archive, "replace")
    assert replaced.datasets == ["demo"]
    assert mine.runs.get(gone.id).status == "done"
    expected = tree(lived_in)
    ours = tree(mine.root)
    assert ours["gene_sets/Hallmark.gmt"] == expected["gene_sets/Hallmark.gmt"]
    assert ours["label_edits/demo.parquet"] == expected["label_edits/demo.parquet"]
    assert [note for note in replaced.notes if "audit.jsonl goes on" in note]


def test_replace_takes_away_edits_that_the_backup_does_not_have(demo_root, mine, tmp_path):
    plain = tmp_path / "plain.tar"
    workflows.backup(Workspace(demo_root), plain)
    workflows.restore(mine, plain, "replace")
    assert workflows.label_edits(mine, "demo").empty
    assert not (mine.root / "label_edits" / "demo.parquet").exists()


def test_nothing_is_replaced_while_a_job_works_on_it(mine, archive):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    try:
        mine.runs.create("classifier", "demo", {}).claim(child.pid)
        before = tree(mine.root)
        with pytest.raises(InputError, match="is at work on 'demo'"):
            workflows.restore(mine, archive, "replace")
        assert tree(mine.root) == before
    finally:
        child.kill()
        child.wait()


def test_a_damaged_archive_changes_nothing(archive, tmp_path, capsys):
    raw = bytearray(archive.read_bytes())
    raw[len(raw) // 2] ^= 1
    bad = tmp_path / "bad.tar"
    bad.write_bytes(raw)
    status, out, err = said(tmp_path / "new", capsys, "restore", bad)
    assert (status, out) == (2, "")
    assert "Nothing was changed" in err
    assert tree(tmp_path / "new") == {}


def rewritten(archive, out, change):
    """The archive with one file's content changed and its checksum made right again."""
    import hashlib

    with tarfile.open(archive) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    change(files)
    files.pop("SHA256SUMS")
    listed = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    with tarfile.open(out, "w") as tar:
        for name, data in [*files.items(), ("SHA256SUMS", listed.encode())]:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out


def test_a_dataset_under_another_name_than_its_own_and_one_of_a_newer_version_are_refused(archive, tmp_path):
    manifest = "datasets/demo/manifest.json"

    def named(files):
        files[manifest] = json.dumps(json.loads(files[manifest]) | {"name": "../../evil"}).encode()

    def newer(files):
        files[manifest] = json.dumps(json.loads(files[manifest]) | {"format": 99}).encode()

    def database(files):
        files["archscope.duckdb"] = b"evil"

    new = Workspace(tmp_path / "new")
    for change, error in ((named, (InputError, StoreError)), (newer, StoreError), (database, InputError)):
        with pytest.raises(error):
            workflows.restore(new, rewritten(archive, tmp_path / f"{change.__name__}.tar", change))
        assert tree(new.root) == {}


LOOP = """
import sys
from pathlib import Path
from core import workflows
from core.store.workspace import Workspace
print("begin", flush=True)
if sys.argv[1] == "restore":
    workflows.restore(Workspace(Path(sys.argv[2])), Path(sys.argv[3]), "replace")
else:
    workflows.backup(Workspace(Path(sys.argv[2])), Path(sys.argv[3]))
"""


def killed(what, root, path, ready):
    """Starts a backup or restore and kills it as soon as ``ready`` finds that it is at work."""
    child = subprocess.Popen([sys.executable, "-c", LOOP, what, str(root), str(path)], stdout=subprocess.PIPE)
    child.stdout.readline()
    while child.poll() is None and not ready():
        time.sleep(0.001)
    os.kill(child.pid, signal.SIGKILL)
    return child.wait()


def test_a_restore_that_is_killed_while_it_unpacks_leaves_the_old_state(mine, archive):
    before = tree(mine.root)
    unpacking = lambda: any(mine.root.glob(".restore/*/new/runs/*"))  # noqa: E731  datasets are still to come
    assert killed("restore", mine.root, archive, unpacking) == -signal.SIGKILL
    left = tree(mine.root)
    assert {name: data for name, data in left.items() if not name.startswith(".restore")} == before
    assert restoring.finish_interrupted(mine.root) == 1
    assert tree(mine.root) == before


def test_a_backup_that_is_killed_leaves_no_archive_and_the_next_one_clears_up(mine, tmp_path):
    before, out = tree(mine.root), tmp_path / "b.tar"
    writing = lambda: any(tmp_path.glob(".b.tar.*.part"))  # noqa: E731
    assert killed("backup", mine.root, out, writing) == -signal.SIGKILL
    assert not out.exists()
    assert list(tmp_path.glob(".b.tar.*.part"))
    workflows.backup(mine, out)
    assert not list(tmp_path.glob(".b.tar.*.part"))
    assert out.exists()
    assert not (mine.root / ".backup").exists()
    assert tree(mine.root) == before


@pytest.mark.parametrize("done", [0, 1, 3, 6, 8])
def test_a_restore_that_dies_amid_its_renames_is_finished_by_the_next(mine, archive, lived_in, monkeypatch, done):
    workflows.edit_labels(mine, "demo", mine.dataset("demo").biosamples["sample_id"][:2].tolist(), "later", "add")
    put, count = restoring._put, []

    def dying(source, place):
        if len(count) == done:
            raise KeyboardInterrupt
        count.append(place)
        put(source, place)

    monkeypatch.setattr(restoring, "_put", dying)
    with pytest.raises(KeyboardInterrupt):
        workflows.restore(mine, archive, "replace")
    monkeypatch.setattr(restoring, "_put", put)
    restoring.finish_interrupted(mine.root)
    fresh, expected = tree(mine.root), tree(lived_in)
    for name in ("label_edits/demo.parquet", "active/demo.json", "datasets/demo/manifest.json"):
        assert fresh[name] == expected[name]
    assert not [name for name in fresh if name.startswith(".")]
    assert workflows.rankings(Workspace(mine.root), "demo").equals(workflows.rankings(Workspace(lived_in), "demo"))
