"""The verdict of a study in sentences, read from intervals and never from means alone, and what a reader must know."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.models.augmentation.recipe import ARM_WORDS, REFERENCE, AugmentationRecipe

MIN_SEEDS = 5  # fewer say nothing of how far seeds scatter
SMALL = 0.02  # of average precision: an interval within it is no difference that matters
CEILING = 0.98  # average precision of class weights above which there is next to nothing to gain
FEW_POSITIVES = 5
GAN_STEPS = 2500  # of a generator that is trained by itself


def verdicts(label: str, summary: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each arm but class weights and nothing, the GAN first, from rows of ``summarise``."""
    arms = [arm for arm in reversed(ARM_WORDS) if arm not in ("none", REFERENCE)]
    return [text for arm in arms if (text := _verdict(label, arm, [row for row in summary if row["arm"] == arm]))]


def notes(recipe: AugmentationRecipe, replicates: Sequence[Mapping[str, Any]], complete: bool = True) -> list[str]:
    """What limits a study: shared series, few test biosamples, steps, and where it is ``complete``, sizes that there
    are too few biosamples for.
    """
    found: list[str] = []
    if not replicates:
        return found
    if any(one["shared"] for one in replicates):
        others = max(one["shared_labels"] for one in replicates)
        found.append(
            f"{_sentence(recipe.label)} has one series alone, so a random third of its biosamples is the test part: "
            f"donors or batches may be shared with the training part, of {recipe.label} and of {others} other labels "
            "with one series."
        )
    elif len({tuple(one["held_out"]) for one in replicates}) == 1 and recipe.seeds > 1:
        found.append(
            f"The series held out of {recipe.label} are the same for every seed ({', '.join(replicates[0]['held_out'])}"
            "), so the intervals say nothing of how other series would do."
        )
    fewest = min(one["test_positive"] for one in replicates)
    if fewest < FEW_POSITIVES:
        found.append(f"The test part has as few as {fewest} biosamples of {recipe.label}: measures are coarse.")
    left_out = [size for size in recipe.sizes if size and size not in {one["size"] for one in replicates}]
    if left_out and complete:
        sizes = ", ".join(map(str, left_out))
        found.append(f"No training part has enough biosamples of {recipe.label} for n = {sizes}.")
    if "wgan-gp" in recipe.arms and recipe.steps < GAN_STEPS:
        found.append(
            f"The GAN was trained for {recipe.steps:,} steps in each replicate; a generator that is trained by itself "
            f"takes {GAN_STEPS:,}."
        )
    return found


def _verdict(label: str, arm: str, rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    name = ARM_WORDS[arm] if arm in ("smote", "oversampling", "flow-matching") else f"the {ARM_WORDS[arm]}"
    judged = [row for row in rows if row["difference"] is not None]
    if not judged:
        return f"For {label}, {name} could not be tried: {rows[0]['status']}."
    if max(row["seeds"] for row in judged) < MIN_SEEDS:
        return f"For {label}, nothing can be said of {name} yet: a verdict takes at least {MIN_SEEDS} seeds."
    parts: dict[str, list[str]] = {}
    for row in judged:
        parts.setdefault(_kind(row), []).append(_numbers(row))
    order = [kind for kind in _CLAIMS if kind in parts]
    claims = [f"{_CLAIMS[kind]} at {', '.join(parts[kind])}" for kind in order]
    untried = [f"{row['n']:.0f} ({row['status']})" for row in rows if row["difference"] is None]
    more = f" Not tried at n = {', '.join(untried)}." if untried else ""
    return f"For {label}, {name} {'; it '.join(claims)} (average precision, 95 % interval).{more}"


_CLAIMS = {
    "helps": "adds to class weights",
    "harms": "does worse than class weights",
    "nothing": "adds nothing that matters over class weights",
    "open": "shows no clear difference to class weights",
}


def _kind(row: Mapping[str, Any]) -> str:
    """What an interval says; "open" where it holds 0 and also differences that would matter, or there is none."""
    low, high = row["difference_low"], row["difference_high"]
    if low is None or row["seeds"] < MIN_SEEDS:
        return "open"
    if low >= -SMALL and high <= SMALL:
        return "nothing"
    return "helps" if low > 0 else "harms" if high < 0 else "open"


def _numbers(row: Mapping[str, Any]) -> str:
    if row["difference_low"] is None:
        return f"n = {row['n']:.0f} ({row['difference']:+.3f}, one seed)"
    span = f"{row['difference_low']:+.3f} to {row['difference_high']:+.3f}"
    ceiling = ", class weights near 1" if row["average_precision"] - row["difference"] > CEILING else ""
    return f"n = {row['n']:.0f}: {row['difference']:+.3f} ({span}{ceiling})"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
