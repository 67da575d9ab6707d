"""Edits of labels: laid over the sources, never lost, never in the dataset's folder."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest

from core.errors import LabelsError, StoreError
from core.settings import PROJECT
from core.store.label_edits import LabelEdits, appended, checked_label, checked_note, lay_over, no_edits, short_hash

LABELS = pd.DataFrame(
    [("S1", "liver", "a.tsv"), ("S1", "fetal", "a.tsv"), ("S2", "brain", "b.tsv"), ("S4", "liver", "a.tsv")],
    columns=["sample_id", "label", "source"],
)
KNOWN = pd.Series(["S1", "S2", "S3", "S4"])


@pytest.fixture
def store(tmp_path):
    return LabelEdits(tmp_path / "label_edits", "demo")


def edits(*rows):
    table = no_edits()
    for sample, label, action in rows:
        table = appended(table, [sample], label, action)
    return table


def by_hand(labels, rows, known):
    """The same, one edit after another on sets of bits."""
    bits = set(zip(labels["sample_id"], labels["label"], strict=True))
    for sample, label, action in rows:
        if sample in known:
            (bits.add if action == "add" else bits.discard)((sample, label))
    return bits


def bits(labels):
    pairs = list(zip(labels["sample_id"], labels["label"], strict=True))
    assert len(pairs) == len(set(pairs))
    return set(pairs)


def test_the_last_edit_wins():
    found = lay_over(
        LABELS,
        edits(("S1", "liver", "remove"), ("S3", "brain", "add"), ("S3", "brain", "remove"), ("S1", "liver", "add"),
              ("S4", "liver", "remove"), ("S9", "brain", "add"), ("S2", "cerebellum", "add")),
        KNOWN,
    )  # fmt: skip
    assert found.to_numpy().tolist() == [
        ["S1", "liver", "a.tsv"], ["S1", "fetal", "a.tsv"], ["S2", "brain", "b.tsv"], ["S2", "cerebellum", "edited"],
    ]  # fmt: skip
    assert lay_over(LABELS, no_edits(), KNOWN) is LABELS


def test_any_edits_amount_to_what_they_do_one_by_one():
    rng = np.random.default_rng(1)
    for _ in range(60):
        rows = [
            (f"S{rng.integers(1, 7)}", str(rng.choice(["liver", "brain", "fetal", "x"])),
             str(rng.choice(["add", "remove"]))) for _ in range(rng.integers(1, 30))
        ]  # fmt: skip
        assert bits(lay_over(LABELS, edits(*rows), KNOWN)) == by_hand(LABELS, rows, set(KNOWN))


def test_columns_of_the_sources_stay_and_are_blank_for_edited_bits():
    labels = LABELS.assign(field=["title", "", "", ""], words=["hepatic", "", "", ""])
    found = lay_over(labels, edits(("S1", "fetal", "remove"), ("S3", "liver", "add")), KNOWN)
    assert list(found) == ["sample_id", "label", "source", "field", "words"]
    assert found.iloc[0].tolist() == ["S1", "liver", "a.tsv", "title", "hepatic"]
    assert found.iloc[-1].tolist() == ["S3", "liver", "edited", "", ""]


def test_labels_where_the_sources_have_none():
    nothing = LABELS.iloc[:0]
    assert bits(lay_over(nothing, edits(("S1", "liver", "add")), KNOWN)) == {("S1", "liver")}
    assert lay_over(LABELS, edits(*[(s, lb, "remove") for s, lb in bits(LABELS)]), KNOWN).empty


def test_what_is_written_is_read(store):
    assert store.read().empty
    assert store.stamp == (0, 0, 0)
    written = store.change(lambda old: appended(old, ["S1", "S2"], "brain", "add", "why, “so”"))
    pd.testing.assert_frame_equal(store.read(), written)
    assert written["id"].is_unique
    assert written["note"].tolist() == ["why, “so”"] * 2
    assert [path.name for path in store.path.parent.glob("demo.*")] != []
    assert not list(store.path.parent.glob(".*"))


def test_every_change_changes_the_stamp_and_no_change_does_not(store):
    stamps = []
    for number in range(30):  # same size again and again, faster than a clock's tick
        store.change(lambda old, n=number: appended(no_edits(), [f"S{n % 10}"], "brain", "add"))
        stamps.append(store.stamp)
    assert len(set(stamps)) == 30
    assert [stamp[0] for stamp in stamps] == sorted({stamp[0] for stamp in stamps})
    store.change(lambda old: old)
    assert store.stamp == stamps[-1]


def test_a_clock_set_back_is_no_matter(store):
    store.change(lambda old: appended(old, ["S1"], "brain", "add"))
    later = store.stamp[0] + 10**12
    os.utime(store.path, ns=(later, later))
    store.change(lambda old: appended(old, ["S2"], "brain", "add"))
    assert store.stamp[0] > later


def test_two_stores_interleaved_lose_nothing(store):
    other = LabelEdits(store.path.parent, "demo")
    inside, done = threading.Event(), []

    def slow(old):
        inside.set()
        done.append(waiting.is_alive())
        threading.Event().wait(0.3)
        done.append("first")
        return appended(old, ["S1"], "brain", "add")

    def quick():
        inside.wait()
        other.change(lambda old: appended(old, ["S2"], "brain", "add"))
        done.append("second")

    waiting = threading.Thread(target=quick)
    waiting.start()
    store.change(slow)
    waiting.join()
    assert done == [True, "first", "second"]
    assert store.read()["sample_id"].tolist() == ["S1", "S2"]


WRITER = """
import sys, pathlib
from core.store.label_edits import LabelEdits, appended
store = LabelEdits(pathlib.Path(sys.argv[1]), "demo")
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    store.change(lambda old: appended(old, [f"{sys.argv[2]}{number}"], "brain", "add"))
"""


def test_two_processes_lose_nothing(store):
    def start(name):
        command = [sys.executable, "-c", WRITER, str(store.path.parent), name]
        return subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    writers = [start(name) for name in "AB"]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # both are let go at once
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    found = store.read()["sample_id"]
    assert sorted(found) == sorted(f"{name}{number}" for name in "AB" for number in range(25))
    for name in "AB":
        assert [one for one in found if one[0] == name] == [f"{name}{number}" for number in range(25)]


def test_a_change_that_fails_leaves_the_edits_and_the_lock(store):
    store.change(lambda old: appended(old, ["S1"], "brain", "add"))

    def fail(old):
        raise LabelsError("no")

    with pytest.raises(LabelsError):
        store.change(fail)
    store.change(lambda old: appended(old, ["S2"], "brain", "add"))
    assert store.read()["sample_id"].tolist() == ["S1", "S2"]


def test_a_damaged_file_is_named_and_not_overwritten(store):
    store.change(lambda old: appended(old, ["S1"], "brain", "add"))
    for content in (b"junk", b"PAR1" * 9):
        store.path.write_bytes(content)
        with pytest.raises(StoreError, match=r"demo\.parquet cannot be read"):
            store.change(lambda old: appended(old, ["S2"], "brain", "add"))
        assert store.path.read_bytes() == content


def test_a_file_of_other_columns_is_damaged(store):
    store.path.parent.mkdir()
    pd.DataFrame({"x": [1]}).to_parquet(store.path)
    with pytest.raises(StoreError, match="cannot be read"):
        store.read()


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "label_edits").write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="cannot be written"):
        LabelEdits(tmp_path / "label_edits", "demo").change(lambda old: old)


@pytest.mark.parametrize(
    ("label", "said"),
    [("", "blank"), (" \t ", "blank"), ("a|b", "separates"), ("x" * 81, "81 characters"), ("a\tb", "control"),
     ("a\nb", "control"), ("a\u2028b", "control")],
)  # fmt: skip
def test_labels_that_cannot_be(label, said):
    with pytest.raises(LabelsError, match=said):
        checked_label(label)


def test_labels_that_can_be():
    assert checked_label("  cerebellum ") == "cerebellum"
    assert checked_label("x" * 80) == "x" * 80
    assert checked_label("T-cell, CD4+ (naïve)") == "T-cell, CD4+ (naïve)"


def test_notes():
    assert checked_note(" seen\n in the  title ") == "seen in the title"
    with pytest.raises(LabelsError, match="501 characters"):
        checked_note("x" * 501)


# -- a dataset with its edits ----------------------------------------------------------------------------------------


def test_a_dataset_shows_its_edits_at_once(workspace, tmp_path):
    dataset = workspace.dataset("demo")
    ids = dataset.biosamples["sample_id"]
    bare = ids[(dataset.biosamples["labels"] == "").idxmax()]
    several = ids[dataset.biosamples["labels"].str.contains("|", regex=False).idxmax()]
    first = dataset.biosamples.set_index("sample_id").loc[several, "labels"].split("|")[0]
    edited = dataset.with_edits(
        edits((bare, "pineal gland", "add"), (several, first, "remove"), ("GSM0", "brain", "add"))
    )
    assert edited.edits_applied == 2
    assert "pineal gland" in edited.label_names
    assert "pineal gland" not in dataset.label_names
    column = edited.label_names.index("pineal gland")
    assert np.flatnonzero(edited.label_matrix[:, column]).tolist() == [edited.biosample(bare)]
    assert edited.rows_with("pineal gland").tolist() == [edited.biosample(bare)]
    assert edited.rows_with("no such").tolist() == []
    for row, joined in enumerate(edited.biosamples["labels"]):
        assert set(filter(None, joined.split("|"))) == set(np.array(edited.label_names)[edited.label_matrix[row]])
    untouched = ~ids.isin([bare, several])
    assert edited.biosamples["labels"][untouched].tolist() == dataset.biosamples["labels"][untouched].tolist()
    assert bits(edited.source_labels) == bits(dataset.labels)
    assert edited.label_facts["n_labelled"] == dataset.manifest["n_labelled"] + 1
    undone = dataset.with_edits(edits((bare, "x", "add"), (bare, "x", "remove")))
    assert undone.label_facts == {key: dataset.manifest[key] for key in ("n_labels", "n_labelled")}
    assert dataset.label_facts == {}


def test_identities_follow_the_labels(workspace):
    dataset = workspace.dataset("demo")
    bare = dataset.biosamples["sample_id"][(dataset.biosamples["labels"] == "").idxmax()]
    pairs = sorted(f"{one}\t{two}" for one, two in bits(dataset.labels))
    assert dataset.labels_hash == short_hash(pairs)
    assert dataset.view_key == dataset.key
    added = dataset.with_edits(edits((bare, "brain", "add")))
    back = dataset.with_edits(edits((bare, "brain", "add"), (bare, "brain", "remove")))
    assert added.labels_hash == short_hash(sorted([*pairs, f"{bare}\tbrain"]))
    assert back.labels_hash == dataset.labels_hash
    assert len({dataset.view_key, added.view_key, back.view_key}) == 3
    assert added.key == dataset.key


def test_the_workspace_notices_edits_of_others(demo_root, tmp_path):
    import shutil

    from core.store.workspace import Workspace

    shutil.copytree(demo_root / "datasets", tmp_path / "datasets")
    here, there = Workspace(tmp_path), Workspace(tmp_path)
    dataset = here.dataset("demo")
    assert here.dataset("demo") is dataset
    sample = dataset.biosamples["sample_id"][0]
    there.label_edits("demo").change(lambda old: appended(old, [sample], "pineal gland", "add"))
    now = here.dataset("demo")
    assert now is not dataset
    assert "pineal gland" in now.biosamples["labels"][0].split("|")
    assert here.dataset("demo") is now
    there.label_edits("demo").change(lambda old: no_edits())
    assert here.dataset("demo").biosamples["labels"].tolist() == dataset.biosamples["labels"].tolist()
    manifest = tmp_path / "datasets" / "demo" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "fingerprint": "other"}))
    assert here.dataset("demo").fingerprint == "other"
