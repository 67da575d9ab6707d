"""Which generator is the best for a label, by measurement: the scorecards of all trained ones, models side by side.

Every generator run has a scorecard of its own seed, with its own held-out biosamples. Here those of one model are put
together (means over runs, verdicts on the means), so that a model is not judged by one lucky split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.errors import NotFoundError
from core.models.evaluation import mean_scorecard
from core.models.generators import CONDITIONAL_MODELS, MODELS
from core.store.files import read_json
from core.store.runs import Run
from core.store.workspace import Workspace

COLUMNS = ("metric", "title", "direction", "rule", "real_real")
FEW = 3  # runs; the scorecard of fewer is mostly chance


@dataclass(frozen=True)
class GeneratorChoice:
    """Models of a label beside each other.

    ``models``: model, runs, seeds, reached, measures, at_least_pca_gaussian, compared, best first. ``measures``: one
    row a measure with title, rule, real_real, and for each model its mean, and ``<model>_verdict``. ``best``: the
    model that reaches the most targets. ``words``: the recommendation in a sentence or two.
    """

    label: str
    models: pd.DataFrame
    measures: pd.DataFrame
    best: str
    words: str


def generator_labels(workspace: Workspace, name: str) -> list[str]:
    """Labels of a dataset that a generator has been trained for, the most often trained first."""
    labels = [_label(run) for run in _runs(workspace, name)]
    return sorted(set(labels), key=lambda label: (-labels.count(label), label))


def compare_generators(workspace: Workspace, name: str, label: str) -> GeneratorChoice:
    """All finished generators of a label, by model. Raises NotFoundError where there is none.

    Runs of recipes of an earlier version, or of other numbers of steps and the like than the usual ones, count too:
    they are runs of that model. Those that keep a distance from training biosamples (``least_distance``) stand apart.
    """
    found: dict[str, list[tuple[int, list[dict[str, Any]]]]] = {}
    for run in _runs(workspace, name):
        if _label(run) == label:
            evaluation = read_json(run.path / "evaluation.json")
            found.setdefault(_model(evaluation), []).append(
                (int(evaluation["recipe"]["seed"]), evaluation["scorecard"])
            )
    if not found:
        raise NotFoundError(f"Dataset {name!r} has no finished generator of {label!r}: train one ('train gan') first.")
    order = sorted(found, key=lambda model: (MODELS.index(model.split()[0]), model))
    cards = {model: mean_scorecard([card for _, card in found[model]]) for model in order}
    models = _ranked(cards, {model: [seed for seed, _ in found[model]] for model in cards})
    best = str(models["model"].iloc[0])
    return GeneratorChoice(label, models, _measures(cards, list(models["model"])), best, _words(models, label))


def _runs(workspace: Workspace, name: str) -> list[Run]:
    return [run for run in workspace.runs.all(name) if run.kind == "generator" and run.status == "done"]


def _model(evaluation: Mapping[str, Any]) -> str:
    """The model's name, with the distance that its samples keep from training biosamples, where they keep one."""
    model, distance = str(evaluation["model"]), float(evaluation["recipe"].get("least_distance", 0.0))
    return f"{model} ({distance:g} away)" if model in CONDITIONAL_MODELS and distance else model


def _label(run: Run) -> str:
    return str(run.recipe["parameters"].get("label", ""))


def _ranked(cards: dict[str, list[dict[str, Any]]], seeds: dict[str, list[int]]) -> pd.DataFrame:
    rows = []
    for model, card in cards.items():
        compared = [row["beats_baseline"] for row in card if row["beats_baseline"] is not None]
        rows.append(
            {
                "model": model,
                "runs": len(seeds[model]),
                "seeds": ", ".join(str(seed) for seed in sorted(set(seeds[model]))),
                "reached": sum(row["verdict"] == "pass" for row in card),
                "measures": len(card),
                "at_least_pca_gaussian": sum(compared),
                "compared": len(compared),
            }
        )
    table = pd.DataFrame(rows)
    share = (table["reached"] / table["measures"]).rank(method="min", ascending=False)
    return table.assign(rank=share).sort_values("rank", kind="stable").drop(columns="rank").reset_index(drop=True)


def _measures(cards: dict[str, list[dict[str, Any]]], order: list[str]) -> pd.DataFrame:
    """The reference is that of the model with the most measures: other seeds of other models may differ a little."""
    first = max(cards.values(), key=len)
    table = pd.DataFrame(first)[list(COLUMNS)]
    for model in order:
        by_metric = {row["metric"]: row for row in cards[model]}
        table[model] = [by_metric.get(metric, {}).get("synthetic") for metric in table["metric"]]
        table[f"{model}_verdict"] = [by_metric.get(metric, {}).get("verdict") for metric in table["metric"]]
    return table


def _words(models: pd.DataFrame, label: str) -> str:
    best = models.iloc[0]
    level = models[models["reached"] / models["measures"] == best["reached"] / best["measures"]]["model"].tolist()
    reach = f"{best['reached']} of {best['measures']} targets"
    if len(models) == 1:
        text = f"Only {best['model']} has been trained for {label}: it reaches {reach}. Train another to compare."
    elif len(level) > 1:
        text = f"For {label}, {_listed(level)} reach the same {reach}."
    else:
        text = f"For {label}, {best['model']} is recommended: it reaches {reach}, the most of {len(models)} models."
    if models["runs"].min() < FEW:
        few = models[models["runs"] < FEW]["model"].tolist()
        text += f" {_listed(few)} {'have' if len(few) > 1 else 'has'} under {FEW} runs: train other seeds to be surer."
    return text


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
