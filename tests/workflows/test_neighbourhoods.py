"""A neighbourhood against its dataset: enrichment, other sets, and a walk from one biosample to the next."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics.pairwise import cosine_similarity

from core import workflows
from core.__main__ import main
from core.errors import NotFoundError
from core.expression import baselines as sets
from core.workflows import comparing

GENE = "ALB"


@pytest.fixture
def dataset(workspace):
    return workspace.dataset("demo")


@pytest.fixture
def view(workspace):
    return workflows.neighbourhood(workspace, "demo", GENE)


@pytest.fixture
def cosine(dataset):
    return cosine_similarity(dataset.profiles(slice(None)).astype(np.float64))


def test_enrichment_of_labels_is_scipys_over_all_labels_of_the_dataset(view, dataset):
    carried = {label: set(rows["sample_id"]) for label, rows in dataset.labels.groupby("label")}
    inside, k, n = set(view.members["sample_id"]), len(view.members), len(dataset.biosamples)
    p = {label: stats.hypergeom.sf(len(ids & inside) - 1, n, len(ids), k) for label, ids in carried.items()}
    q = dict(zip(p, stats.false_discovery_control(list(p.values())), strict=True))
    assert len(view.labels) == sum(bool(ids & inside) for ids in carried.values())
    for row in view.labels.itertuples():
        assert row.p == pytest.approx(p[row.name], rel=1e-8)
        assert row.q == pytest.approx(q[row.name], rel=1e-8)
        assert row.expected == pytest.approx(k * len(carried[row.name]) / n)


def test_each_label_says_how_many_series_its_members_come_from(view):
    for row in view.labels.itertuples():
        mine = view.members[[row.name in labels.split("|") for labels in view.members["labels"]]]
        assert row.n_series == mine["series_id"].nunique()
        assert row.largest_series_share == pytest.approx(mine["series_id"].value_counts(normalize=True).max())


def test_members_carry_all_their_metadata(view, dataset):
    known = dataset.biosamples.set_index("sample_id").loc[view.members["sample_id"]].reset_index()
    for column in ("source_name_ch1", "characteristics_ch1", "singlecellprobability", "depth"):
        pd.testing.assert_series_equal(view.members[column], known[column])


def test_the_mean_over_pairs_of_different_series_leaves_the_others_out(view, cosine, dataset):
    rows = [dataset.biosample(sample_id) for sample_id in view.members["sample_id"]]
    series = view.members["series_id"]
    pairs = [cosine[rows[i], rows[j]] for i in range(len(rows)) for j in range(i) if series[i] != series[j]]
    assert view.apart == pytest.approx(np.mean(pairs))
    assert view.pairs_apart == len(pairs)


def test_other_sets_have_the_mean_cosines_of_whole_profiles(workspace, dataset, view, cosine):
    found = workflows.baselines(workspace, "demo", GENE)
    assert found.exact
    strata = pd.factorize(dataset.biosamples["labels"])[0]
    members = np.asarray(dataset.members[dataset.gene(GENE)])
    drawn = sets.matched_sets(strata, members, found.seed)
    shown = found.sets[found.sets["baseline"] == "labels"]
    for number in (0, 17, 99):
        block = cosine[np.ix_(drawn[number], drawn[number])]
        expected = block[np.triu_indices(len(block), 1)].mean()
        assert shown["mean_cosine"].iloc[number] == pytest.approx(expected, abs=1e-6)
    table = found.summary.set_index(["baseline", "pairs"])
    assert table.loc[("random", "all"), "value"] == pytest.approx(view.row["mean_cosine"], abs=1e-6)
    assert table.loc[("series", "different series"), "value"] == pytest.approx(view.apart, abs=1e-6)
    assert set(found.sets.groupby("baseline").size()) == {100}
    row = table.loc[("labels", "all")]
    values = shown["mean_cosine"].to_numpy()
    assert row["z"] == pytest.approx((row["value"] - values.mean()) / values.std(ddof=1))
    assert row["percentile"] == pytest.approx(stats.percentileofscore(values, row["value"], kind="mean"))


def test_sets_of_the_same_labels_are_more_alike_than_random_ones(workspace):
    table = workflows.baselines(workspace, "demo", GENE).summary.set_index(["baseline", "pairs"])["mean"]
    assert table["labels", "all"] > table["random", "all"]


def test_baselines_are_kept_until_labels_change(workspace, dataset, monkeypatch):
    first = workflows.baselines(workspace, "demo", GENE)
    monkeypatch.setattr(comparing, "_draw", lambda *_: pytest.fail("drawn again"))
    again = workflows.baselines(workspace, "demo", GENE)
    pd.testing.assert_frame_equal(first.sets, again.sets)
    parameters = workspace.results.cursor().execute("SELECT parameters FROM results").fetchall()
    assert any(dataset.labels_hash in text for (text,) in parameters)


def test_likes_say_what_they_share_with_the_one(workspace, dataset):
    one = dataset.biosamples.iloc[5]
    found = workflows.similar_biosamples(workspace, "demo", one["sample_id"], top=30)
    for row in found.itertuples():
        shared = [label for label in row.shared_labels.split("|") if label]
        assert set(shared) == (set(one["labels"].split("|")) & set(row.labels.split("|"))) - {""}
        assert row.same_series == (row.series_id == one["series_id"])


def test_a_walk_compares_each_step_with_the_one_before(workspace, dataset, cosine):
    rows = [5, 9, 200]
    ids = dataset.biosamples["sample_id"].iloc[rows].tolist()
    walk = workflows.trail(workspace, "demo", ids)
    assert walk["sample_id"].tolist() == ids
    assert walk["cosine"].iloc[1:].tolist() == pytest.approx([cosine[5, 9], cosine[9, 200]])
    assert np.isnan(walk["cosine"].iloc[0])
    assert walk["cosine_first"].tolist() == pytest.approx([1.0, cosine[5, 9], cosine[5, 200]])
    assert walk["same_series"].tolist()[1] == (walk["series_id"][0] == walk["series_id"][1])
    assert len(workflows.trail(workspace, "demo", ids[:1])) == 1
    with pytest.raises(NotFoundError, match="GSM0"):
        workflows.trail(workspace, "demo", [ids[0], "GSM0"])


def test_the_command_gives_enrichment_and_baselines_as_json(demo_root, view, capsys):
    assert main(["neighbourhood", "demo", GENE, "--format", "json", "--data-dir", str(demo_root)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["q"] for row in found["labels"]] == pytest.approx(view.labels["q"].tolist())
    assert found["different_series"] == {"mean_cosine": pytest.approx(view.apart), "pairs": view.pairs_apart}
    assert {row["baseline"] for row in found["baselines"]} == {"random", "labels", "series"}
    assert found["baselines_by"] == {"seed": 1, "cosines": "whole profiles"}
