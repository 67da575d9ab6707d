"""Predictions written to files."""

import io
import json
import sys

import numpy as np
import pandas as pd
import pytest

from core import workflows
from core.errors import InputError
from core.sources import matched as matched_module
from core.store.files import clean


@pytest.fixture
def matched(workspace):
    dataset = workspace.dataset("demo")
    counts = dataset.counts(np.arange(0, 70, 10))
    names = [f"s{i}" for i in range(len(counts))]
    frame = pd.DataFrame(counts.T, index=dataset.genes["ensembl_gene_id"], columns=names)
    return workflows.read_upload(workspace, "demo", frame.iloc[:-100].to_csv().encode(), "m.csv")


def written(workspace, matched, form, out=None):
    stream = io.StringIO()
    assert workflows.write_predictions(workspace, "demo", matched, None, form, out, stream) == len(matched)
    return stream.getvalue()


def test_every_form_says_the_same(workspace, matched, tmp_path) -> None:
    explained = workflows.classify(workspace, "demo", matched)
    table = workflows.predictions_table(explained)
    assert written(workspace, matched, "csv") == table.to_csv(index=False)
    whole = json.dumps(clean(workflows.predictions_json(explained)), indent=2, ensure_ascii=False) + "\n"
    assert written(workspace, matched, "json") == whole
    for name in ("a.csv", "a.json", "a.parquet"):
        assert written(workspace, matched, None, tmp_path / name) == ""
    assert (tmp_path / "a.csv").read_text() == table.to_csv(index=False)
    assert (tmp_path / "a.json").read_text() == whole
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), table)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json", "a.parquet"]


def test_blocks_change_nothing(workspace, matched, monkeypatch) -> None:
    once = written(workspace, matched, "json")
    monkeypatch.setattr(matched_module, "BLOCK_VALUES", 2 * len(matched.matched))
    monkeypatch.setattr(sys.modules["core.workflows.classify"], "EXPLAINED", 3)
    told = []
    light = workflows.call(workspace, "demo", matched, None, lambda stage, done, total: told.append((done, total)))
    assert told == [(0, 7), (2, 7), (4, 7), (6, 7), (7, 7)]
    rows, again = json.loads(once), json.loads(written(workspace, matched, "json"))
    for before, after, found in zip(rows, again, light, strict=True):
        assert before["probabilities"] == after["probabilities"] == found.probabilities
        pd.testing.assert_frame_equal(pd.DataFrame(before["nearest"]), pd.DataFrame(after["nearest"]))
        assert before["high_genes"] == after["high_genes"]
        assert len(found.nearest) == len(found.high_genes) == 0


def test_one_sample_of_a_file_is_explained_as_in_the_whole(workspace, matched) -> None:
    everything = workflows.classify(workspace, "demo", matched)
    light = workflows.call(workspace, "demo", matched)
    one = workflows.explain(workspace, "demo", matched, 4, light[4])
    assert one.sample == everything[4].sample == "s4"
    pd.testing.assert_frame_equal(one.nearest, everything[4].nearest)
    pd.testing.assert_frame_equal(one.high_genes, everything[4].high_genes)


def test_what_cannot_be_written_is_said_and_leaves_nothing(workspace, matched, tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        written(workspace, matched, "csv", tmp_path / "none" / "a.csv")
    with pytest.raises(InputError, match="name one with --out"):
        written(workspace, matched, "parquet")
    assert list(tmp_path.iterdir()) == []


def test_novel_samples_are_marked(workspace) -> None:
    dataset = workspace.dataset("demo")
    rng = np.random.default_rng(3)
    counts = np.stack([rng.permutation(dataset.counts([0])[0]), dataset.counts([0])[0]])
    frame = pd.DataFrame(counts.T, index=dataset.genes["ensembl_gene_id"], columns=["noise", "known"])
    upload = workflows.read_upload(workspace, "demo", frame.to_csv().encode(), "m.csv")
    noise, known = workflows.call(workspace, "demo", upload)
    assert noise.novelty > known.novelty and not known.novel
    assert noise.novel == (noise.novelty >= 0.99)
