"""Sentences about an evaluation, of this version's metrics and of older ones."""

import copy
from typing import Any

import pytest

from core import workflows as wf
from core.store.workspace import Workspace


@pytest.fixture
def metrics(workspace: Workspace) -> dict[str, Any]:
    run = workspace.active(workspace.dataset("demo"), "classifier")
    assert run is not None
    return copy.deepcopy(wf.run_view(workspace, run.id).metrics)


def test_the_gap_is_the_difference_of_the_two_scores(metrics: dict[str, Any]) -> None:
    random, series = (metrics["splits"][name]["model"] for name in ("random", "series"))
    text = wf.gap_words(metrics)
    for name in ("samples_f1", "macro_f1", "micro_f1", "macro_auprc"):
        assert f"{random[name] - series[name]:+.3f}" in text
    assert f"Expect the series-grouped score ({series['samples_f1']:.3f} samples-averaged F1) for a new study." in text


def test_without_a_second_split_the_gap_says_why(metrics: dict[str, Any]) -> None:
    metrics["splits"]["series"], metrics["gap"] = None, None
    metrics["series_split_missing"] = "all biosamples are of one series"
    assert "all biosamples are of one series" in wf.gap_words(metrics)


def test_abstention_says_coverage_and_precision_out_of_fold(metrics: dict[str, Any]) -> None:
    rule = {"split": "series", "goal": 0.95, "threshold": 0.61, "coverage": 0.8, "precision": 0.96,
            "precision_without": 0.875, "folds": [{}]}  # fmt: skip
    text = wf.abstention_words({"abstention": rule})
    for part in ("below a probability of 0.610", "Out of fold", "80.0%", "96.0%", "87.5%", "95% right calls"):
        assert part in text
    assert "abstains on everything" in wf.abstention_words({"abstention": rule | {"threshold": 1.01}})
    assert "never abstains" in wf.abstention_words({"abstention": rule | {"split": None, "threshold": 0.0}})
    assert "nothing was called" in wf.abstention_words({"abstention": rule | {"precision": None}})


def test_older_runs_keep_their_abstention() -> None:
    rule = {"threshold": 0.5, "coverage": 0.9, "precision": 0.95, "precision_without": 0.9}
    text = wf.abstention_words({"abstention": rule})
    assert "On held-out biosamples" in text
    assert "Out of fold" not in text
    assert "abstains on everything" in wf.abstention_words({"abstention": rule | {"precision": None}})


def test_novelty_has_the_means_of_both_splits(metrics: dict[str, Any]) -> None:
    text, found = wf.novelty_words(metrics), metrics["novelty"]
    assert f"random split {found['random_mean_auroc']:.3f}" in text
    assert f"whole series held back {found['series_mean_auroc']:.3f}" in text
    flagged = [row["series_flagged"] for row in found["labels"] if row["series_flagged"] is not None]
    assert f"{sum(flagged) / len(flagged):.1%} of what it never saw" in text


def test_the_settings_that_were_chosen_and_why() -> None:
    rows = [
        {"genes": 2000, "min_leaf": 1, "balanced": True, "penalty": 0.01, "gain": 0.0, "noise": 0.0, "chosen": True},
        {"genes": 500, "min_leaf": 1, "balanced": True, "penalty": 0.01, "gain": 0.02, "noise": 0.01, "chosen": False},
    ]
    words = "2,000 genes, leaves of 1 or more, every label weighs the same"
    assert f"{words} (the default" in wf.selection_words({"selection": rows})
    rows[0]["chosen"], rows[1]["chosen"] = False, True
    text = wf.selection_words({"selection": rows}, "linear")
    assert (
        "500 genes, penalty 0.01, every label weighs the same (a gain of 0.020 over the default (noise 0.010))" in text
    )
    assert "leaves" not in text
    assert "given by the recipe" in wf.selection_words({"selection": rows[1:]})
    settings = [{**rows[0]}, {**rows[0]}, {**rows[1]}]
    of_folds = wf.selection_words({"selection": rows, "splits": {"series": {"settings": settings}}})
    assert f"{words} (2 of 3)" in of_folds


@pytest.mark.parametrize("words", [wf.gap_words, wf.abstention_words, wf.novelty_words, wf.selection_words])
@pytest.mark.parametrize(
    "content", [{}, None, {"gap": 3, "abstention": [], "novelty": {"labels": []}, "selection": {}}]
)
def test_what_is_missing_is_not_recorded(words: Any, content: Any) -> None:
    assert "not recorded" in words(content)
