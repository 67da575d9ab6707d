import copy
import json
import re
import shutil

import numpy as np
import pytest

from core import workflows
from core.errors import InputError, NotFoundError
from core.store.workspace import Workspace
from core.workflows.cards import label_facts, limits


def card_of(workspace, kind):
    return workflows.model_card(workspace, workspace.active(workspace.dataset("demo"), kind).id)


@pytest.fixture
def card(workspace):
    return card_of(workspace, "classifier")


def table(text, heading, number=0):
    """Cells of a table below a heading, its head first."""
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(r"(?:^\|.*\n?)+", section, re.MULTILINE)[number]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found.strip().splitlines()]
    return [rows[0], *rows[2:]]


def test_label_facts_count_series_that_share_a_biosample_as_one():
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 0]], dtype=bool)
    facts = label_facts(labels, ["a", "b", "none"], ["GSE1", "GSE1,GSE2", "GSE2", "GSE3"])
    assert facts == {
        "series": 2,
        "biosamples_by_label": {"a": 2, "b": 3},
        "series_by_label": {"a": 1, "b": 2},
    }


def test_the_card_says_what_a_classifier_learned_from(workspace, card):
    dataset = workspace.dataset("demo")
    labelled = dataset.biosamples[dataset.biosamples["labels"] != ""]
    counts = labelled["labels"].str.split("|").explode().value_counts().to_dict()
    pairs = labelled.assign(label=labelled["labels"].str.split("|")).explode("label")
    assert card["biosamples_by_label"] == counts
    assert card["series_by_label"] == pairs.groupby("label")["series_id"].nunique().to_dict()  # none share one here
    assert card["series"] == labelled["series_id"].nunique()
    assert len(card["training_biosamples"]) == len(labelled)
    assert card["simulated"] is True
    text = workflows.card_markdown(card)
    shown = {row[0]: row[1:] for row in table(text, "Data", 1)[1:]}
    assert shown == {name: [f"{n:,}", str(card["series_by_label"][name])] for name, n in counts.items()}


def test_the_text_has_every_parameter_and_both_scores_beside_the_baselines(card):
    text = workflows.card_markdown(card)
    recipe = {row[0].strip("`"): row[1] for row in table(text, "Recipe")[1:]}
    assert set(recipe) == set(card["recipe"])
    assert (recipe["trees"], recipe["min_label_count"]) == ("30", "automatic")
    assert {row[0].strip("`") for row in table(text, "Data")[1:]} == set(card["build"])
    versions = {row[0].strip("`"): row[1] for row in table(text, "Versions")[1:]}
    assert versions == card["versions"]
    scores = {(row[0], row[1]): row[2:] for row in table(text, "Scores")[1:]}
    assert len(scores) == 6
    words = {"random": "random third held back", "series": "whole series held back"}
    names = {"model": "this model", "majority": "most frequent label"}
    for split, split_words in words.items():
        for model, model_words in names.items():
            found = card["metrics"]["splits"][split][model]
            expected = [f"{found[key]:.3f}" for key in ("samples_f1", "macro_f1", "micro_f1", "macro_auprc", "ece")]
            assert scores[split_words, model_words] == expected
    for fact in (card["run"], card["fingerprint"], "in use"):
        assert fact in text


def test_the_limits_name_the_score_of_a_new_study_and_weak_labels(card):
    series = card["metrics"]["splits"]["series"]["model"]["samples_f1"]
    text = " ".join(limits(card))
    assert f"**{series:.3f}**" in text
    assert "expect this for a new study" in text
    assert "simulated" in text
    weak = copy.deepcopy(card) | {"series_by_label": {"brain": 1, "liver": 4}, "simulated": False}
    weak["metrics"] |= {"dropped_labels": {"spleen": 3, "a|b": 2}, "label_minimum": 5}
    weak["metrics"]["splits"]["series"]["unseen_labels"] = [
        {"fold": 0, "label": "skin", "biosamples": 2}, {"fold": 3, "label": "skin", "biosamples": 1}
    ]  # fmt: skip
    said = limits(weak)
    assert any("one series alone" in line and line.endswith("test them: brain.") for line in said)
    assert any("without having trained on them: skin." in line for line in said)
    assert any("fewer than 5 biosamples: spleen (3), a\\|b (2)." in line for line in said)
    assert not any("simulated" in line for line in said)


def test_without_a_series_split_the_limit_says_why(card):
    card["metrics"]["splits"]["series"] = None
    card["metrics"]["series_split_missing"] = "all biosamples are of one series"
    said = " ".join(limits(card))
    assert "is not known" in said
    assert "(all biosamples are of one series)" in said


def test_a_generator_has_a_card_with_its_scorecard(workspace):
    card = card_of(workspace, "generator")
    text = workflows.card_markdown(card)
    scores = table(text, "Scores")
    assert [row[0] for row in scores[1:]] == [row["title"] for row in card["metrics"]["scorecard"]]
    assert f"Held out: {card['metrics']['held_out']} biosamples" in text
    assert "no evidence about biology" in text
    assert "samples-averaged" not in text


def test_the_rule_names_the_family_of_the_model(card):
    forest = workflows.card_markdown({**card, "recipe": {"trees": 5}})
    linear = workflows.card_markdown({**card, "recipe": {"family": "linear"}})
    assert "multi-label random forest" in forest
    assert "multi-label linear model" in linear


def test_the_text_says_what_was_chosen_and_found(card):
    text, metrics = workflows.card_markdown(card), card["metrics"]
    assert "Family: random forest." in text
    for words in (workflows.gap_words, workflows.abstention_words, workflows.novelty_words, workflows.selection_words):
        assert words(metrics) in text
    random, series = (metrics["splits"][name]["model"]["samples_f1"] for name in ("random", "series"))
    assert f"{random - series:+.3f} samples-averaged F1" in text
    assert f"whole series held back {metrics['novelty']['series_mean_auroc']:.3f}" in text
    for name in ("gap", "abstention", "novelty", "selection"):
        del metrics[name]
    older = workflows.card_markdown(card)
    for what in ("Gap between the splits", "When it abstains", "Whether it notices a tissue that it never saw",
                 "Settings chosen inside the training part"):  # fmt: skip
        assert f"{what}: not recorded." in older


def test_what_an_older_version_did_not_write_is_not_recorded(card):
    old = {key: card[key] for key in ("dataset", "recipe", "metrics")}
    text = workflows.card_markdown(old)
    assert "- fingerprint: not recorded" in text
    assert "one series alone carries: not recorded" in text
    assert text.split("## Versions")[1].strip() == "not recorded"
    support = {row["label"]: row["support"] for row in card["metrics"]["splits"]["series"]["model"]["per_label"]}
    assert {row[0]: int(row[1]) for row in table(text, "Data")[1:]} == support  # each is tested once
    for empty in ({}, {"kind": "generator"}, {"metrics": None, "recipe": []}):
        assert workflows.card_markdown(empty).count("not recorded") > 5


def test_no_value_of_the_wrong_kind_breaks_the_text(workspace):
    for kind in ("classifier", "generator"):
        card = card_of(workspace, kind)
        for path in paths(card):
            for wrong in (None, "x", 3, [], [None], {}, {"x": {}}, float("nan")):
                spoiled = changed(card, path, wrong)
                assert workflows.card_markdown(spoiled).startswith("# Model card")


def test_keys_of_a_newer_version_do_no_harm(card):
    text = workflows.card_markdown(card)
    card["metrics"]["splits"]["series"] |= {"by_depth": [{"x": 1}], "coverage": {"a": None}}
    card["metrics"]["splits"]["third"] = {"model": {"samples_f1": 1.0}}
    card["metrics"]["abstention"]["per_label"] = {"brain": 0.3}
    assert workflows.card_markdown(card | {"later": [1, 2]}) == text


def test_a_run_that_failed_has_a_card_of_what_was_asked_for(demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "data")
    mine = Workspace(tmp_path / "data")
    run = mine.runs.create("classifier", "demo", {"trees": 7}, mine.dataset("demo").fingerprint)
    run.write_result("failed", error="no *space* left")
    card = workflows.model_card(mine, run.id)
    text = workflows.card_markdown(card)
    assert "failed: no \\*space\\* left" in text
    assert "| `trees` | 7 |" in text
    assert json.dumps(card)
    with pytest.raises(InputError, match="has a card"):
        workflows.model_card(mine, mine.runs.create("build", "demo", {}).id)
    with pytest.raises(NotFoundError):
        workflows.model_card(mine, "nope")


def paths(content, depth=5):
    """Every way into nested dicts and the first entries of lists."""
    found = []
    if not isinstance(content, dict | list):
        return found
    entries = content.items() if isinstance(content, dict) else enumerate(content[:1])
    for key, value in entries:
        found.append((key,))
        if depth > 1:
            found += [(key, *rest) for rest in paths(value, depth - 1)]
    return found


def changed(content, path, value):
    """A copy along one path, with another value at its end."""
    mine = copy.copy(content)
    mine[path[0]] = value if len(path) == 1 else changed(content[path[0]], path[1:], value)
    return mine
