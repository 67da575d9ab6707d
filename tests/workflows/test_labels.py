"""Editing labels by hand: from the search to the training that sees them, by call and by command."""

import io
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from core import workflows as wf
from core.__main__ import main
from core.errors import LabelsError, NotFoundError
from core.models.classifier import ClassifierRecipe, TissueClassifier
from core.models.folds import score_fold
from core.settings import PROJECT
from core.sources.annotation import read_labels
from core.sources.archs4 import Archs4File, write_archs4
from core.store.files import read_json
from core.store.label_edits import appended, short_hash
from core.store.workspace import Workspace
from core.types import silent
from core.workflows import folds


@pytest.fixture
def mine(demo_root, tmp_path):
    """A data folder of one's own, to change."""
    shutil.copytree(demo_root, tmp_path / "data")
    return Workspace(tmp_path / "data")


def carriers(workspace, label):
    biosamples = workspace.dataset("demo").biosamples
    return [one for one, joined in biosamples[["sample_id", "labels"]].to_numpy() if label in joined.split("|")]


def unlabelled(workspace):
    return wf.unlabelled(workspace, "demo")["sample_id"].tolist()


def test_adds_and_removes_for_many_at_once(mine):
    bare, liver = unlabelled(mine), carriers(mine, "liver")
    done = wf.edit_labels(mine, "demo", [*bare[:3], *liver[:2], bare[0]], " liver ", "add", "by eye")
    assert (done.label, done.changed, done.unchanged) == ("liver", bare[:3], liver[:2])
    assert done.text == "3 biosamples now carry 'liver'. 2 carried it already."
    assert set(carriers(mine, "liver")) == {*liver, *bare[:3]}
    assert unlabelled(mine) == bare[3:]
    done = wf.edit_labels(mine, "demo", [bare[0], *liver[:3], bare[5]], "liver", "remove")
    assert done.text == "4 biosamples no longer carry 'liver'. 1 did not carry it."
    assert set(carriers(mine, "liver")) == {*liver[3:], *bare[1:3]}
    edits = wf.label_edits(mine, "demo")
    assert edits["action"].tolist() == ["remove"] * 4 + ["add"] * 3
    assert edits["sample_id"].tolist() == [*[bare[0], *liver[:3]][::-1], *bare[:3][::-1]]
    assert edits["note"].tolist() == [""] * 4 + ["by eye"] * 3
    assert edits["applied"].all()


def test_what_changes_nothing_is_not_kept(mine):
    liver = carriers(mine, "liver")
    assert wf.edit_labels(mine, "demo", liver[:2], "liver").text == (
        "Nothing changed for 'liver': 2 biosamples carried it already."
    )
    assert wf.edit_labels(mine, "demo", unlabelled(mine)[:1], "liver", "remove").changed == []
    assert wf.label_edits(mine, "demo").empty
    assert not mine.label_edits("demo").path.exists()


def test_a_known_label_in_other_letters_is_that_label(mine):
    bare = unlabelled(mine)
    assert wf.edit_labels(mine, "demo", bare[:1], "LIVER").label == "liver"
    assert wf.edit_labels(mine, "demo", bare[:1], "Pineal Gland").label == "Pineal Gland"
    assert wf.edit_labels(mine, "demo", bare[1:2], "pineal gland").label == "Pineal Gland"


@pytest.mark.parametrize(
    ("ids", "label", "action", "note", "error", "said"),
    [
        (None, "", "add", "", LabelsError, "blank"),
        (None, "a|b", "add", "", LabelsError, "separates"),
        (None, "x" * 81, "add", "", LabelsError, "81 characters"),
        (None, "brain", "add", "x" * 501, LabelsError, "501 characters"),
        (None, "brain", "swap", "", LabelsError, "swap"),
        ([], "brain", "add", "", LabelsError, "No biosample was chosen"),
        (["GSM0", "GSM1"], "brain", "add", "", NotFoundError, r"'GSM0', 'GSM1' \(2 of 2\)"),
        (None, "unicorn", "remove", "", NotFoundError, "carries 'unicorn'"),
    ],
)
def test_bad_edits_say_so_and_change_nothing(mine, ids, label, action, note, error, said):
    ids = unlabelled(mine)[:1] if ids is None else ids
    with pytest.raises(error, match=said):
        wf.edit_labels(mine, "demo", ids, label, action, note)
    with pytest.raises(NotFoundError):
        wf.edit_labels(mine, "nope", ids, "brain")
    assert not mine.label_edits("demo").path.exists()


def test_undo_of_some_of_the_last_change_and_of_all(mine):
    before = mine.dataset("demo").biosamples["labels"].tolist()
    bare, liver = unlabelled(mine), carriers(mine, "liver")
    wf.edit_labels(mine, "demo", bare[:4], "liver")
    wf.edit_labels(mine, "demo", liver[:2], "liver", "remove")
    edits = wf.label_edits(mine, "demo").set_index("sample_id")
    assert wf.undo_label_edits(mine, "demo", [edits.loc[bare[1], "id"], "no such"]) == 1
    assert set(carriers(mine, "liver")) == {bare[0], *bare[2:4], *liver[2:]}
    assert wf.undo_label_edits(mine, "demo", [edits.loc[bare[1], "id"]]) == 0
    last = wf.last_change(wf.label_edits(mine, "demo"))
    assert wf.undo_label_edits(mine, "demo", last) == 2
    assert set(carriers(mine, "liver")) == {bare[0], *bare[2:4], *liver}
    assert wf.undo_label_edits(mine, "demo") == 3
    assert mine.dataset("demo").biosamples["labels"].tolist() == before
    assert wf.last_change(wf.label_edits(mine, "demo")) == []


def test_two_workspaces_at_once_lose_no_edit(mine):
    bare = unlabelled(mine)[:12]
    others = [Workspace(mine.root) for _ in bare]
    for other in others:
        other.dataset("demo")  # what each knows is from before the others' edits
    with ThreadPoolExecutor(len(bare)) as threads:
        list(threads.map(lambda own, one: wf.edit_labels(own, "demo", [one], "liver"), others, bare))
    assert set(bare) <= set(carriers(mine, "liver"))
    assert len(wf.label_edits(mine, "demo")) == len(bare)


def test_an_edit_is_judged_by_what_others_did_meanwhile(mine):
    one = unlabelled(mine)[0]
    stale = mine.dataset("demo")
    mine._open["demo"] = (mine._open["demo"][0], (1, 1, 1), stale)
    wf.edit_labels(Workspace(mine.root), "demo", [one], "liver")
    mine._open["demo"] = (mine._open["demo"][0], mine.label_edits("demo").stamp, stale)  # has not seen it
    assert wf.edit_labels(mine, "demo", [one], "liver", "remove").changed == [one]
    assert one not in carriers(mine, "liver")


def test_edits_survive_another_build_and_an_addition(mine, tmp_path):
    bare, liver = unlabelled(mine), carriers(mine, "liver")
    wf.edit_labels(mine, "demo", bare[:2], "pineal gland")
    wf.edit_labels(mine, "demo", liver[:2], "liver", "remove")
    mine.label_edits("demo").change(lambda old: appended(old, ["GSM_GONE"], "liver", "add"))
    said = mine.dataset("demo").source_labels
    shown = mine.dataset("demo").biosamples["labels"].tolist()
    files = {key: mine.root / "demo" / name for key, name in
             (("counts", "demo.h5"), ("labels", "demo_labels.tsv"), ("lengths", "demo_lengths.tsv"))}  # fmt: skip
    wf.build(mine, wf.BuildRequest(files["counts"], "demo", files["labels"], files["lengths"], length_unit="bp"))
    assert mine.dataset("demo").recipe["length_unit"] == "bp"
    assert mine.dataset("demo").biosamples["labels"].tolist() == shown
    with Archs4File(files["counts"]) as file:
        more = file.biosamples.iloc[:5].assign(sample_id=["GSM_GONE", "A", "B", "C", "D"], singlecellprobability=0.0)
        write_archs4(tmp_path / "more.h5", file.read(slice(5)), file.genes, more, {"simulated": "yes"})
    assert wf.label_edits(mine, "demo")["applied"].sum() == 4
    assert mine.dataset("demo").edits_applied == 4
    wf.add(mine, wf.AddRequest("demo", tmp_path / "more.h5"))
    assert mine.dataset("demo").biosamples["labels"].tolist() == [*shown, "liver", "", "", "", ""]
    assert mine.dataset("demo").edits_applied == 5
    pd.testing.assert_frame_equal(mine.dataset("demo").source_labels, said)
    wf.undo_label_edits(mine, "demo")
    assert set(carriers(mine, "liver")) == set(liver)


def test_a_training_sees_the_edits_and_its_card_says_so(mine):
    liver = carriers(mine, "liver")
    wf.edit_labels(mine, "demo", liver, "hepatic")
    wf.edit_labels(mine, "demo", liver, "liver", "remove")
    before = mine.dataset("demo")
    run = mine.runs.create("classifier", "demo", {"trees": 10, "genes": 100}, before.fingerprint)
    wf.perform(mine, run, silent)
    names = TissueClassifier.load(run.path / "model").label_names
    assert "hepatic" in names
    assert "liver" not in names
    card = read_json(run.path / "card.json")
    pairs = {(one, label) for one, joined in before.biosamples[["sample_id", "labels"]].to_numpy()
             for label in joined.split("|") if label}  # fmt: skip
    expected = short_hash(sorted(f"{one}\t{label}" for one, label in pairs))
    assert card["labels"] == {"hash": expected, "edits": 2 * len(liver)}
    [found] = wf.classify_biosamples(mine, "demo", liver[:1], run.id)
    assert found.predicted[0] == "hepatic"
    generator = mine.runs.create("generator", "demo", {"label": "hepatic", "model": "bootstrap"}, before.fingerprint)
    wf.perform(mine, generator, silent)
    assert read_json(generator.path / "card.json")["labels"]["hash"] == expected


def test_unlabelled_biosamples_that_get_a_label_are_trained_on(mine):
    bare = unlabelled(mine)[:6]
    wf.edit_labels(mine, "demo", bare, "pineal gland")
    run = mine.runs.create("classifier", "demo", {"trees": 10, "genes": 100, "min_label_count": 5},
                           mine.dataset("demo").fingerprint)  # fmt: skip
    wf.perform(mine, run, silent)
    assert set(bare) <= set(read_json(run.path / "card.json")["training_biosamples"])
    assert "pineal gland" in TissueClassifier.load(run.path / "model").label_names


def test_a_worker_scores_by_the_labels_that_the_training_began_with(mine):
    wf.edit_labels(mine, "demo", unlabelled(mine)[:8], "pineal gland")
    dataset = mine.dataset("demo")
    recipe = ClassifierRecipe(trees=3, genes=50, min_label_count=5)
    plan = folds._plan(dataset, recipe)
    expected = score_fold(plan, plan.folds[0], folds._reader(dataset))
    wf.undo_label_edits(mine, "demo")
    chosen = {"trees": 3, "genes": 50, "min_label_count": 5}
    found, without = (
        folds.score_stored_fold(str(dataset.path), dataset.key, chosen, 0, edits) for edits in (dataset.edits, None)
    )
    for name, value in vars(expected).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(found, name), value)
    assert found.novelty.shape != without.novelty.shape


def test_every_view_shows_the_edits(mine):
    dataset = mine.dataset("demo")
    wf.projection(mine, "demo")  # kept in the results database, with the labels of now
    n_labels = dataset.manifest["n_labels"]
    member = wf.neighbourhood(mine, "demo", "GFAP").members["sample_id"][0]
    bare = unlabelled(mine)[0]
    wf.edit_labels(mine, "demo", [member, bare], "pineal gland")
    for view in (wf.projection(mine, "demo"), wf.gene(mine, "demo", "GFAP").biosamples):
        shown = view.set_index("sample_id")["labels"]
        assert [one for one in shown.index if "pineal gland" in shown[one]] == carriers(mine, "pineal gland")
    view = wf.neighbourhood(mine, "demo", "GFAP")
    assert view.labels.set_index("name").loc["pineal gland", "members"] >= 1
    overview = wf.overview(mine, "demo")
    assert overview.labels.set_index("label").loc["pineal gland", "biosamples"] == 2
    assert overview.manifest["n_labels"] == n_labels + 1
    assert wf.datasets(mine)["n_labels"].tolist() == [n_labels + 1]
    assert mine.dataset("demo").manifest["n_labels"] == n_labels
    rankings = wf.rankings(mine, "demo")
    pd.testing.assert_series_equal(
        rankings.set_index("position")["tau"].sort_index(), dataset.rankings["tau"], check_names=False,
        check_index_type=False,
    )  # fmt: skip


def test_models_of_a_label_that_nobody_carries_any_more(mine):
    brain = carriers(mine, "brain")
    probe = next(one for one in brain if wf.classify_biosamples(mine, "demo", [one])[0].predicted[0] == "brain")
    generator = mine.active(mine.dataset("demo"), "generator")
    wf.edit_labels(mine, "demo", brain, "brain", "remove")
    assert "brain" not in mine.dataset("demo").label_names
    [found] = wf.classify_biosamples(mine, "demo", [probe])
    assert found.predicted[0] == "brain"
    assert found.high_genes["z_label"].isna().all()
    assert found.high_genes["z_all"].notna().all()
    with pytest.raises(NotFoundError, match="carries 'brain' any more"):
        wf.compare_synthetic(mine, generator.id, 5)
    assert wf.synthesize(mine, generator.id, 3).label == "brain"


# -- finding and exporting -------------------------------------------------------------------------------------------


def test_finds_biosamples(mine):
    wf.edit_labels(mine, "demo", unlabelled(mine)[:2], "pineal gland")
    dataset = mine.dataset("demo")
    table = dataset.biosamples

    def by_hand(text, labels=(), show="all"):
        found = []
        for row in table.to_dict("records"):
            fields = [row[name].lower() for name in ("sample_id", "series_id", "title", "source_name_ch1", "labels")]
            mine_labels = set(filter(None, row["labels"].split("|")))
            fits = all(any(word in one for one in fields) for word in text.lower().split())
            fits &= not labels or bool(mine_labels & set(labels))
            fits &= show != "unlabelled" or not mine_labels
            fits &= show != "edited" or "pineal gland" in mine_labels
            found += [row["sample_id"]] if fits else []
        return found

    for text, labels, show in [
        ("", (), "all"), ("LIVER", (), "all"), (f"biopsy {table['series_id'][0]}", (), "all"), ("a", ("brain",), "all"),
        ("", ("brain", "liver"), "all"), ("sample", (), "unlabelled"), ("", (), "edited"), ("pineal", (), "all"),
        (".*", (), "all"), (table["sample_id"][7], (), "all"), ("", ("brain",), "unlabelled"),
    ]:  # fmt: skip
        found = wf.find_biosamples(dataset, wf.BiosampleQuery(text, labels, show, limit=4))
        assert found.ids == by_hand(text, labels, show), (text, labels, show)
        assert found.rows["sample_id"].tolist() == found.ids[:4]
    with pytest.raises(LabelsError, match="some"):
        wf.find_biosamples(dataset, wf.BiosampleQuery(show="some"))


def test_every_bit_says_where_it_came_from(mine):
    bare, liver = unlabelled(mine)[0], carriers(mine, "liver")[0]
    wf.edit_labels(mine, "demo", [bare], "pineal gland", note="by eye")
    wf.edit_labels(mine, "demo", [liver], "liver", "remove")
    wf.edit_labels(mine, "demo", [liver], "liver")  # as the sources say again
    rows = wf.label_origins(mine.dataset("demo"), [liver, bare]).set_index(["sample_id", "label"])
    assert rows.loc[(bare, "pineal gland"), ["source", "field", "words", "note"]].tolist() == [
        "edited",
        "",
        "",
        "by eye",
    ]
    assert rows.loc[(bare, "pineal gland"), "when"] == wf.label_edits(mine, "demo")["when"].iloc[-1]
    assert rows.loc[(liver, "liver"), ["source", "when", "note"]].tolist() == ["demo_labels.tsv", "", ""]
    table = wf.labels(mine, "demo")
    assert list(table) == ["sample_id", "label", "source", "field", "words"]
    assert not table.isna().any().any()
    order = mine.dataset("demo").biosamples["sample_id"].tolist()
    positions = [order.index(one) for one in table["sample_id"]]
    assert positions == sorted(positions)


def test_fields_and_words_come_through(mine):
    path = mine.datasets_dir / "demo" / "labels.parquet"
    told = pd.read_parquet(path)
    told.assign(field="title", words=["w" + str(i) for i in range(len(told))]).to_parquet(path, index=False)
    wf.edit_labels(mine, "demo", unlabelled(mine)[:1], "liver")
    table = wf.labels(mine, "demo")
    assert table.loc[table["source"] != "edited", "field"].eq("title").all()
    assert table.loc[table["source"] == "edited", ["field", "words"]].to_numpy().tolist() == [["", ""]]


def test_the_exported_labels_build_the_same_dataset(mine, tmp_path):
    bare = unlabelled(mine)
    wf.edit_labels(mine, "demo", bare[:2], 'T-cell, CD4+ "naïve"')
    wf.edit_labels(mine, "demo", bare[1:3], "#1; 'x'")
    wf.edit_labels(mine, "demo", carriers(mine, "liver")[:3], "liver", "remove")
    path = tmp_path / "labels.tsv"
    path.write_text(wf.label_table(mine, "demo"), encoding="utf-8")
    assert path.read_text().startswith("sample_id\tlabel\n")
    dataset = mine.dataset("demo")
    read = read_labels(path, dataset.biosamples["sample_id"].tolist())
    assert sorted(map(tuple, read[["sample_id", "label"]].to_numpy())) == sorted(
        map(tuple, dataset.labels[["sample_id", "label"]].to_numpy())
    )


# -- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys, mine):
    def command(*arguments):
        status = main(["--data-dir", str(mine.root), *map(str, arguments)])
        streams = capsys.readouterr()
        return status, streams.out, streams.err

    return command


def test_commands_edit_and_print(run, mine):
    bare = unlabelled(mine)[:3]
    assert run("label", "demo", "pineal gland", *bare, "--note", "why") == (
        0, "3 biosamples now carry 'pineal gland'.\n", "",
    )  # fmt: skip
    assert run("label", "demo", "pineal gland", bare[0], "--remove")[1].startswith("1 biosample no longer carries")
    status, out, _ = run("labels", "demo")
    table = pd.read_csv(io.StringIO(out), keep_default_na=False)
    assert status == 0
    assert table[table["label"] == "pineal gland"].to_numpy().tolist() == [
        [one, "pineal gland", "edited", "", ""] for one in bare[1:]
    ]
    rows = json.loads(run("labels", "demo", "--format", "json")[1])
    assert [list(row.values()) for row in rows] == table.to_numpy().tolist()
    assert wf.label_edits(mine, "demo")["note"].tolist() == ["", "why", "why", "why"]


@pytest.mark.parametrize(
    "words",
    [("labels", "nope"), ("label", "nope", "brain", "S"), ("label", "demo", "brain", "GSM0"),
     ("label", "demo", "a|b", "DEMO00001"), ("label", "demo", " ", "DEMO00001"),
     ("label", "demo", "unicorn", "DEMO00001", "--remove")],
)  # fmt: skip
def test_bad_commands_say_one_line(run, mine, words):
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    assert not mine.label_edits("demo").path.exists()


def test_two_commands_at_once_lose_nothing(mine):
    bare = unlabelled(mine)[:2]
    command = [sys.executable, "-m", "core", "--data-dir", str(mine.root), "label", "demo", "pineal gland"]
    both = [subprocess.Popen([*command, one], cwd=PROJECT, stdout=subprocess.DEVNULL) for one in bare]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    assert carriers(mine, "pineal gland") == bare
