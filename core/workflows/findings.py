"""What the evaluation of a classifier found, in sentences of Markdown; the Train page and model cards share them.

They are made from the metrics alone, of any version: what is missing is called "not recorded".
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from core.workflows.markdown import UNKNOWN, get, number

FAMILIES = {"forest": "random forest", "extra-trees": "forest of extra-trees", "linear": "linear model"}
SPLITS = {"random": "random split", "series": "whole series held back"}
GAPS = {
    "samples_f1": "samples-averaged F1", "macro_f1": "macro F1", "micro_f1": "micro F1", "macro_auprc": "macro AUPRC",
}  # fmt: skip


def gap_words(metrics: Any) -> str:
    """What the random split promises beyond the folds of whole series, and which of the two to expect."""
    gap, score = get(metrics, "gap"), get(metrics, "splits", "series", "model", "samples_f1")
    if not isinstance(gap, Mapping) or not _is_number(score):
        why = get(metrics, "series_split_missing")
        known = f"none, for want of a second split ({number(why)})" if why else UNKNOWN
        return f"Gap between the splits: {known}."
    parts = ", ".join(f"{_signed(gap.get(name))} {words}" for name, words in GAPS.items())
    return (
        f"Gap between the splits (random minus series): {parts}. Expect the series-grouped score ({number(score)} "
        "samples-averaged F1) for a new study."
    )


def abstention_words(metrics: Any) -> str:
    """Below which probability it abstains, and what that gains on series that it has not seen."""
    rule = get(metrics, "abstention")
    threshold, precision = get(rule, "threshold"), get(rule, "precision")
    if not _is_number(threshold):
        return f"When it abstains: {UNKNOWN}."
    goal = f"{_short_share(get(rule, 'goal'))} right calls" if get(rule, "goal") else "the precision that a call needs"
    if isinstance(rule, Mapping) and "folds" in rule and rule.get("split") is None:
        return "It never abstains: without series held back, nothing says which calls to trust in a new study."
    if threshold > 1 or (precision is None and "folds" not in rule):
        return f"No probability holds {goal} on unseen series, so it abstains on everything."
    how = "Out of fold (the limit of each fold comes from the others)" if "folds" in rule else "On held-out biosamples"
    if precision is None:
        return f"It abstains below a probability of {number(threshold)}. {how} nothing was called."
    coverage, without = get(rule, "coverage"), get(rule, "precision_without")
    return (
        f"It abstains below a probability of {number(threshold)}. {how} it then calls {_share(coverage)} of the "
        f"biosamples, {_share(precision)} of these rightly (without abstaining: {_share(without)}; the goal: {goal})."
    )


def novelty_words(metrics: Any) -> str:
    """How well the novelty score notices a label that was left out of training."""
    found = get(metrics, "novelty")
    rows = get(found, "labels")
    if not isinstance(rows, list) or not rows:
        return f"Whether it notices a tissue that it never saw: {UNKNOWN}."
    means = ", ".join(f"{words} {number(get(found, f'{split}_mean_auroc'))}" for split, words in SPLITS.items()
                      if get(found, f"{split}_mean_auroc") is not None)  # fmt: skip
    split = "series" if get(found, "series_mean_auroc") is not None else "random"
    flagged, known = (_mean([get(row, f"{split}_{name}") for row in rows]) for name in ("flagged", "known_flagged"))
    return (
        f"With one label at a time left out of training ({len(rows)} labels of {number(get(found, 'minimum'))} or more "
        "biosamples), the novelty score tells its biosamples from known ones. AUROC, mean over labels: "
        f"{means or UNKNOWN} (0.5 = chance). From its limit of {_short(get(found, 'limit'))} on it flags "
        f"{_share(flagged)} of what it never saw and {_share(known)} of what it knows ({SPLITS[split]}, mean over "
        "labels)."
    )


def selection_words(metrics: Any, family: Any = "forest") -> str:
    """Which settings were chosen inside the training part and why, and what the folds of the evaluation chose."""
    rows = get(metrics, "selection")
    chosen = next((row for row in rows if get(row, "chosen")), None) if isinstance(rows, list) else None
    if chosen is None or not isinstance(rows, list):
        return f"Settings chosen inside the training part: {UNKNOWN}."
    words = settings_words(chosen, family)
    if len(rows) == 1:
        return f"Settings: {words}, all given by the recipe or the only ones possible."
    if chosen is rows[0]:
        why = "the default, as no other gained more than its noise"
    else:
        why = f"a gain of {number(get(chosen, 'gain'))} over the default (noise {number(get(chosen, 'noise'))})"
    return (
        f"Settings, chosen from {len(rows)} by macro AUPRC on series held out inside the training part: {words} "
        f"({why}).{_of_folds(metrics, family)}"
    )


def settings_words(settings: Any, family: Any = "forest") -> str:
    """Settings of a model in a few words, without those that its family does not have."""
    weights = "every label weighs the same" if get(settings, "balanced") else "every biosample weighs the same"
    own = f"penalty {_short(get(settings, 'penalty'))}"
    if family != "linear":
        trees = get(settings, "trees")
        own = f"leaves of {number(get(settings, 'min_leaf'))} or more"
        own = own if trees is None else f"{number(trees)} trees, {own}"
    return f"{number(get(settings, 'genes'))} genes, {own}, {weights}"


def _of_folds(metrics: Any, family: Any) -> str:
    settings = get(metrics, "splits", "series", "settings")
    if not isinstance(settings, list) or not settings:
        return ""
    counts = Counter(settings_words(one, family) for one in settings)
    parts = "; ".join(f"{words} ({count} of {len(settings)})" for words, count in counts.most_common())
    return f" The folds of whole series chose for themselves: {parts}."


def _mean(values: Sequence[Any]) -> float | None:
    there = [float(value) for value in values if _is_number(value)]
    return sum(there) / len(there) if there else None


def _share(value: Any) -> str:
    return f"{value:.1%}" if _is_number(value) else UNKNOWN


def _short_share(value: Any) -> str:
    return f"{value:.0%}" if _is_number(value) else UNKNOWN


def _signed(value: Any) -> str:
    return f"{value:+.3f}" if _is_number(value) else UNKNOWN


def _short(value: Any) -> str:
    return f"{value:g}" if _is_number(value) else UNKNOWN


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
