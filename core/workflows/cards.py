"""Model cards: what a trained model is, what it learned from, how good it is beside its baselines, and its limits.

The text is made from the card alone, so it says the same wherever the card goes. What a card of an older version does
not hold is called "not recorded", and what a newer one holds beyond is passed over.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.errors import InputError, NotFoundError, StoreError
from core.models.splits import series_groups
from core.store.files import read_json
from core.store.runs import MODEL_KINDS, Run
from core.store.workspace import Workspace
from core.types import BoolArray
from core.workflows.augmenting import augmentation_verdicts
from core.workflows.findings import FAMILIES, abstention_words, gap_words, novelty_words, selection_words
from core.workflows.markdown import UNKNOWN, code, facts, get, listed, number, parameters, plain, table
from core.workflows.runs import day, model_name

MODELS = {
    "model": "this model",
    "without_augmentation": "the same without synthetic samples",
    "published_forest": "forest of the published work",
    "majority": "most frequent label",
}
SPLITS = {"random": "random third held back", "series": "whole series held back"}
MEASURES = {
    "samples_f1": "samples-averaged F1", "macro_f1": "macro F1", "micro_f1": "micro F1",
    "macro_auprc": "macro AUPRC", "ece": "calibration error",
}  # fmt: skip
RULES = {
    "classifier": (
        "A multi-label {family} over marker genes. Scores come from models that never saw their test part: in a "
        "random split (about a third held back; biosamples of one series on both sides) and in folds of whole series. "
        "Everything that is fitted (quantile target, choice of genes, calibration, thresholds) is fitted on the "
        "training part alone. The model that is kept is then fitted on all biosamples that have a kept label."
    ),
    "generator": (
        "A generator of synthetic profiles for one label. About a third of the label's biosamples is held out, by "
        "whole series where it can be, and nothing is fitted on it; synthetic profiles are compared with these."
    ),
}


def label_facts(labels: BoolArray, names: Sequence[str], series: Sequence[str]) -> dict[str, Any]:
    """What a model learned from: labels (n x L) of the training biosamples and their series (n), as counts.

    ``series``: independent series in all; ``biosamples_by_label`` and ``series_by_label``: of each label that occurs.
    """
    groups = series_groups(series)
    columns = {name: np.flatnonzero(labels[:, number]) for number, name in enumerate(names)}
    return {
        "series": len(np.unique(groups)),
        "biosamples_by_label": {name: len(rows) for name, rows in columns.items() if len(rows)},
        "series_by_label": {name: len(np.unique(groups[rows])) for name, rows in columns.items() if len(rows)},
    }


def model_card(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """A training's card.json with what its folder knows besides: run, name, kind, status, in_use, error, finished.

    A training that left no card.json (it failed, or has not ended) has a card of what was asked for. Raises
    NotFoundError for an unknown run, InputError for one that is no training.
    """
    run = workspace.runs.get(run_id)
    if run.kind not in MODEL_KINDS:
        raise InputError(f"Run {run_id!r} is a {run.kind}: only a trained model has a card.")
    path = run.path / "card.json"
    written = read_json(path) if path.is_file() else {}
    asked = {"dataset": run.dataset, "fingerprint": run.recipe.get("fingerprint"), "recipe": run.recipe["parameters"]}
    known: dict[str, Any] = {"run": run.id, "name": model_name(run), "kind": run.kind, "status": run.status}
    known |= {"error": run.error, "in_use": workspace.is_active(run), "finished": (run.result or {}).get("finished")}
    return asked | {"simulated": _simulated(workspace, run)} | (written if isinstance(written, dict) else {}) | known


def _simulated(workspace: Workspace, run: Run) -> bool | None:
    try:
        dataset = workspace.dataset(run.dataset)
    except (NotFoundError, StoreError):
        return None
    return dataset.simulated if dataset.fingerprint == run.recipe.get("fingerprint") else None


def card_markdown(card: Mapping[str, Any]) -> str:
    """A card as text in Markdown, from ``model_card`` or a card.json as it is."""
    kind = _kind(card)
    parts = [
        f"# Model card: {plain(get(card, 'name') or f'a {kind}')}",
        facts({
            "kind": {"classifier": "classifier", "generator": "generator of synthetic profiles"}.get(kind),
            "run": code(get(card, "run")), "state": _state(card),
            "finished": _day(get(card, "finished") or get(card, "created")),
        }),
        "## Recipe", parameters(get(card, "recipe")),
        "## Data", _data(card),
        "## Training and evaluation", _rule(card), _sizes(card),
        "## Scores", *(_generator_scores(card) if kind == "generator" else _classifier_scores(card)),
        "## Limits", "\n".join(f"- {limit}" for limit in limits(card)),
        "## Versions", parameters(get(card, "versions"), ("program", "version")),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def limits(card: Mapping[str, Any]) -> list[str]:
    """What a user of the model has to know before trusting it, a sentence each."""
    found = ["The data are **simulated**: nothing here says how it does on real biosamples."] * bool(
        get(card, "simulated")
    )
    if _kind(card) == "generator":
        return [*found, "Synthetic profiles may enlarge a training set; they are no evidence about biology."]
    metrics = get(card, "metrics")
    filled = get(metrics, "augmentation", "labels")
    if isinstance(filled, list) and filled:
        found.append(f"Part of what it learned of {listed(filled)} is synthetic, made from the real biosamples.")
    return [*found, _series_limit(metrics), _flattery(metrics), *_label_limits(card, metrics)]


def _series_limit(metrics: Any) -> str:
    score = get(metrics, "splits", "series", "model", "samples_f1")
    if score is not None:
        baseline = get(metrics, "splits", "series", "majority", "samples_f1")
        return (
            f"With whole series held back the samples-averaged F1 is **{number(score)}** (most frequent label: "
            f"{number(baseline)}): expect this for a new study."
        )
    why = get(metrics, "series_split_missing")
    return (
        "What to expect for a new study is not known: there is no score with whole series held back"
        f"{f' ({plain(why)})' if why else ''}."
    )


def _flattery(metrics: Any) -> str:
    score = get(metrics, "splits", "random", "model", "samples_f1")
    return (
        f"The score of the random split ({number(score)}) flatters: biosamples of one series are on both sides. It is "
        "there to compare with the published 0.816, which was measured that way."
    )


def _label_limits(card: Mapping[str, Any], metrics: Any) -> list[str]:
    series = get(card, "series_by_label")
    counts = series if isinstance(series, Mapping) else {}
    single = [name for name, count in counts.items() if count == 1]
    unseen = get(metrics, "splits", "series", "unseen_labels")
    never = list(dict.fromkeys(str(get(row, "label")) for row in unseen)) if isinstance(unseen, list) else []
    dropped = get(metrics, "dropped_labels")
    found = [] if series is not None else [f"Labels that one series alone carries: {UNKNOWN}."]
    if single:
        found.append(f"Labels that one series alone carries, so that no other study could test them: {listed(single)}.")
    if never:
        found.append(f"Labels that a fold tested without having trained on them: {listed(never)}.")
    if isinstance(dropped, Mapping) and dropped:
        names = ", ".join(f"{plain(name)} ({count})" for name, count in dropped.items())
        found.append(
            f"Labels it cannot say, having fewer than {number(get(metrics, 'label_minimum'))} biosamples: {names}."
        )
    return found


def _data(card: Mapping[str, Any]) -> str:
    biosamples = get(card, "training_biosamples")
    labelled = len(biosamples) if isinstance(biosamples, Sequence) and not isinstance(biosamples, str) else None
    trained = get(card, "metrics", "n_biosamples") or labelled
    found = {
        "dataset": code(get(card, "dataset")), "fingerprint": code(get(card, "fingerprint")),
        "training biosamples": trained, "labelled biosamples": labelled if labelled != trained else "all of these",
        "independent series": get(card, "series"), "label edits applied": get(card, "labels", "edits"),
    }  # fmt: skip
    if labelled is None or _kind(card) == "generator":
        found.pop("labelled biosamples")
    return "\n\n".join([
        facts(found), "How the dataset was built:", parameters(get(card, "build")), "Labels:", _labels(card)
    ])  # fmt: skip


def _labels(card: Mapping[str, Any]) -> str:
    counts, series = get(card, "biosamples_by_label"), get(card, "series_by_label")
    if not isinstance(counts, Mapping):  # every biosample is tested once by the folds of whole series
        rows = get(card, "metrics", "splits", "series", "model", "per_label")
        pairs = [(get(row, "label"), get(row, "support")) for row in rows] if isinstance(rows, list) else []
        counts = {name: count for name, count in pairs if name is not None}
    if not counts:
        return UNKNOWN
    if not isinstance(series, Mapping):
        return table(("label", "biosamples"), [(plain(name), number(count)) for name, count in counts.items()])
    rows = [(plain(name), number(count), number(get(series, name))) for name, count in counts.items()]
    return table(("label", "biosamples", "independent series"), rows)


def _rule(card: Mapping[str, Any]) -> str:
    rule = RULES.get(_kind(card), UNKNOWN)
    if _kind(card) == "generator":
        return rule
    family = str(get(card, "recipe", "family") or "forest")  # older recipes know no other
    words = FAMILIES.get(family) or plain(family)
    told = f"Family: {words}.\n\n{selection_words(get(card, 'metrics'), family)}"
    return f"{rule.replace('{family}', words)}\n\n{told}"


def _sizes(card: Mapping[str, Any]) -> str:
    if _kind(card) == "generator":
        held = get(card, "metrics", "held_out")
        rule = get(card, "metrics", "split")
        return f"Held out: {number(held)} biosamples, by {plain(rule) if rule else UNKNOWN}."
    lines = []
    for name, words in SPLITS.items():
        train, test = (get(card, "metrics", "splits", name, key) for key in ("n_train", "n_test"))
        if isinstance(train, list) and isinstance(test, list):
            sizes = "; ".join(f"{number(a)} train, {number(b)} test" for a, b in zip(train, test, strict=False))
            lines.append(f"- {words}: {sizes}")
    return "\n".join(lines)


def _classifier_scores(card: Mapping[str, Any]) -> list[str]:
    metrics = get(card, "metrics")
    rows = []
    for split, split_words in SPLITS.items():
        for model, model_words in MODELS.items():
            found = get(metrics, "splits", split, model)
            if isinstance(found, Mapping):
                rows.append((split_words, model_words, *(number(found.get(key)) for key in MEASURES)))
    scores = table(("split", "model", *MEASURES.values()), rows) if rows else UNKNOWN
    told = [plain(line) for line in augmentation_verdicts(metrics)]
    added = ["Synthetic samples in training:\n\n" + "\n".join(f"- {line}" for line in told)] if told else []
    return [scores, *added, *(words(metrics) for words in (gap_words, abstention_words, novelty_words))]


def _generator_scores(card: Mapping[str, Any]) -> list[str]:
    verdict, rows = (get(card, "metrics", key) for key in ("verdict", "scorecard"))
    if not isinstance(rows, list):
        return [plain(verdict) if verdict else UNKNOWN]
    keys = ("title", "synthetic", "real_real", "pca_gaussian", "verdict")
    head = ("measure", "synthetic", "real against real", "PCA-Gaussian", "target reached")
    cells = [tuple(number(get(row, key)) for key in keys) for row in rows]
    return [plain(verdict) if verdict else UNKNOWN, table(head, cells)]


def _state(card: Mapping[str, Any]) -> str | None:
    if get(card, "in_use"):
        return "in use"
    status, error = get(card, "status"), get(card, "error")
    return None if status is None else f"{plain(status)}{f': {plain(error)}' if error else ''}"


def _day(moment: Any) -> str | None:
    try:
        return day(moment) or None
    except (TypeError, ValueError):
        return plain(moment)


def _kind(card: Mapping[str, Any]) -> str:
    found = get(card, "kind")
    return str(found) if found else "generator" if get(card, "recipe", "label") else "classifier"
