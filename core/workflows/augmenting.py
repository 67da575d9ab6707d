"""Classifiers with synthetic samples in their training parts: asked for, checked, timed, and whether they helped.

The sentences and the table are made from a run's metrics alone; the Train page, model cards and the command line share
them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.models.augmentation.recipe import ARM_WORDS
from core.models.generators.base import MIN_SAMPLES
from core.models.recipe import GANS, ClassifierRecipe
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace
from core.workflows.markdown import UNKNOWN, get, number

SPLITS = {"series": "whole series held back", "random": "random split"}  # what a new study will see comes first
MEASURES = {
    "average_precision": "average precision", "recall_at_95": "recall at 95 % precision", "f1": "F1",
}  # fmt: skip
ALL_LABELS = "all labels"
SAID = {
    "helps": "the synthetic samples help", "harms": "the synthetic samples do harm",
    "nothing": "no difference that matters", "open": "no difference is shown",
}  # fmt: skip
STEPS_A_MINUTE = 2500  # of a GAN, on one core


def check_classifier(workspace: Workspace, name: str, parameters: Mapping[str, Any]) -> None:
    """Raises RecipeError where a classifier of these parameters cannot be trained on a dataset: a parameter out of its
    range, or a label to be filled up that is not there or has too few biosamples."""
    recipe = ClassifierRecipe(**parameters).validated()
    if recipe.augment:
        from core.models.folds import check_augmented  # the forest's libraries take seconds to import

        dataset = workspace.dataset(name)
        labels = np.asarray(dataset.label_matrix)
        check_augmented(labels[labels.any(axis=1)], dataset.label_names, recipe)


def augmentable(dataset: StoredDataset) -> dict[str, int]:
    """Labels that have enough biosamples to be filled up, and how many they have, the rarest first."""
    labels = np.asarray(dataset.label_matrix)
    least = max(MIN_SAMPLES, ClassifierRecipe().label_minimum(int(labels.any(axis=1).sum())))
    sizes = dict(zip(dataset.label_names, labels.sum(axis=0).tolist(), strict=True))
    return {name: size for name, size in sorted(sizes.items(), key=lambda each: each[1]) if size >= least}


def augmentation_time(parameters: Mapping[str, Any]) -> str:
    """How long synthetic samples make a training, in words; "" where none are asked for."""
    recipe = ClassifierRecipe(**parameters)
    if not recipe.augment:
        return ""
    fits = len(recipe.augment) * (recipe.n_folds + 2)
    words = f"A generator is fitted {fits} times: for each label in each of {recipe.n_folds + 1} training parts, and "
    words += "once on all biosamples for the model that is kept."
    if recipe.augment_model not in GANS:
        return f"{words} Each fit takes seconds; every classifier is trained twice, with and without."
    minutes = fits * recipe.augment_steps / STEPS_A_MINUTE
    return (
        f"{words} A GAN of {recipe.augment_steps:,} steps takes about {60 * recipe.augment_steps / STEPS_A_MINUTE:.0f} "
        f"seconds each time: {max(1, round(minutes))} minutes or so in all, beside the forests."
    )


def augmentation_verdicts(metrics: Any) -> list[str]:
    """What was added and whether it helped, a sentence each; none where a run added nothing."""
    found = get(metrics, "augmentation")
    if not isinstance(found, Mapping):
        return []
    return [_what(found), *(line for split in SPLITS for line in _of_split(found, split))]


def augmentation_table(metrics: Any) -> pd.DataFrame:
    """A row for each split, label and measure: split, label, measure, test biosamples, with, without, difference, low
    and high (95 % interval of the difference), verdict (of a label's average precision)."""
    rows = []
    for split, words in SPLITS.items():
        of_split = get(metrics, "augmentation", "splits", split)
        for row in get(of_split, "labels") or []:
            for key, measure in MEASURES.items():
                said = SAID.get(row["verdict"], "too few to say") if key == "average_precision" else ""
                rows.append({"split": words, "label": row["label"], "measure": measure, "n": row["support"],
                             **row[key], "verdict": said})  # fmt: skip
        if of_split:
            rows.append({"split": words, "label": ALL_LABELS, "measure": "samples-averaged F1", "n": of_split["n"],
                         **of_split["samples_f1"], "verdict": _all_said(of_split["samples_f1"])})  # fmt: skip
    columns = ["split", "label", "measure", "n", "with", "without", "difference", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def model_words(found: Mapping[str, Any]) -> str:
    """The generator in words, with its steps where it has any."""
    name = str(found.get("model"))
    words = ARM_WORDS.get(name, name)
    return f"{words} of {found['steps']:,} steps" if found.get("steps") else words


def _what(found: Mapping[str, Any]) -> str:
    to = f"to {found['to']:,} biosamples" if found.get("to") else "to the median size of the other labels (at least 30)"
    made = [row for row in found.get("final") or [] if row["added"]]
    each = "; ".join(f"{row['label']}: {row['real']:,} real, {row['added']:,} synthetic" for row in made)
    kept = f" The model that is kept learned from {each}." if each else " Nothing had to be added to the final model."
    return (
        f"Training parts hold synthetic samples ({model_words(found)}) of {_and(found['labels'])}, filled up {to}: "
        f"every score is of real biosamples that neither classifier nor generator saw.{kept}"
    )


def _of_split(found: Mapping[str, Any], split: str) -> Iterator[str]:
    scores = get(found, "splits", split)
    if not isinstance(scores, Mapping):
        return
    for row in scores["labels"]:
        added = [each for each in scores["added"] if each["label"] == row["label"]]
        yield _of_label(row, SPLITS[split], str(scores["unit"]), added)
    overall = scores["samples_f1"]
    yield f"All labels, {SPLITS[split]}: samples-averaged F1 {_numbers(overall)}: {_all_said(overall)}."


def _of_label(row: Mapping[str, Any], split: str, unit: str, added: Sequence[Mapping[str, Any]]) -> str:
    name = f"{str(row['label'])[:1].upper()}{str(row['label'])[1:]}, {split}"
    if not any(each["added"] for each in added):
        return f"{name}: nothing was added ({_and(sorted({each['status'] for each in added}))})."
    figures = row["average_precision"]
    if row["verdict"] == "few":
        held = "1 test biosample" if row["support"] == 1 else f"{row['support']} test biosamples"
        held += f" of {row['units']} series" if unit == "series" else ""
        scores = "" if figures["with"] is None else f" (average precision {_numbers(figures)})"
        verb = "is" if row["support"] == 1 and unit != "series" else "are"
        return f"{name}: {held} {verb} too few to say anything{scores}."
    return f"{name}: average precision {_numbers(figures)}: {SAID[row['verdict']]}."


def _all_said(figures: Mapping[str, Any]) -> str:
    low, high = figures["low"], figures["high"]
    if low is None or low <= 0 <= high:
        return "no difference is shown"
    return "higher with them" if low > 0 else "lower with them"


def _numbers(figures: Mapping[str, Any]) -> str:
    both = f"{number(figures['with'])} with, {number(figures['without'])} without"
    if figures["low"] is None:
        return both
    return f"{both} ({figures['difference']:+.3f}; 95 % interval {figures['low']:+.3f} to {figures['high']:+.3f})"


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or UNKNOWN
