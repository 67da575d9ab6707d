"""Training the default classifier: its time beside a plain forest's, and its time and memory as biosamples grow."""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

from benchmarks.child import PROJECT, Measured, run_module
from benchmarks.report import Row, Section, Table
from benchmarks.setting import Setting
from benchmarks.timing import race, say, shown_seconds
from core.expression.normalise import fit_target, to_target_rounded
from core.models.classifier import TissueClassifier
from core.models.recipe import ClassifierRecipe
from core.sources import annotation
from core.sources.archs4 import Archs4File
from core.types import BoolArray, CountMatrix

REAL = PROJECT.parent / "shared" / "data"
TREES = 300
TARGET = 1.5
FULL = 120_000  # biosamples that a training is scaled up to


def run(setting: Setting) -> Section:
    """The default model against a forest on all genes, and fits at every size."""
    fits = {n: _fit(setting, n) for n in setting.sizes}
    rows = _against_a_forest(setting)
    for n, fit in fits.items():
        seconds = fit.seconds - fit.stages["imports and metadata"]
        memory = f"{fit.peak / 2**30:.2f} GB, {fit.peak_anonymous / 2**30:.2f} GB of it without file-backed pages"
        rows.append(Row("Fit of the default model", f"{n:,} x {setting.n_genes:,}", shown_seconds(seconds), "", memory))
    if len(setting.sizes) > 1:
        rows.append(_scaled_up(setting, fits))
    names = list(dict.fromkeys(stage for fit in fits.values() for stage in fit.stages))
    cells = [[f"{n:,}", *(shown_seconds(fit.stages[name]) for name in names)] for n, fit in fits.items()]
    return Section(rows, [Table("Where the time of a fit goes", ["n", *names], cells)], [_note()])


def _note() -> str:
    return (
        "A fit chooses target, genes and settings, grows 300 trees and calibrates them; the evaluation by folds that "
        "`train classifier` does first is not in it. The plain forest gets its normalised matrix for nothing and the "
        "labels as they are (multi-output) or as one class each. Of more than 20,000 biosamples, as many choose target "
        f"and genes and each tree draws as many; what grows is the matrix of 2,000 genes in float32. {FULL:,} is "
        "scaled up from the two largest sizes, not run."
    )


def _fit(setting: Setting, n: int) -> Measured:
    dataset = setting.dataset(n)
    say(f"  fitting on {n:,} biosamples")
    return run_module("benchmarks.fit_classifier", [str(setting.workspace.root), dataset.name])


def _against_a_forest(setting: Setting) -> list[Row]:
    found = _data(setting)
    if found is None:
        return []
    counts, labels, names, series = found
    recipe = ClassifierRecipe(trees=20 if setting.quick else TREES)
    q = to_target_rounded(counts, fit_target([counts]))

    def forest(y: object) -> None:
        RandomForestClassifier(recipe.trees, n_jobs=-1, random_state=1).fit(q, y)

    result = race(
        {
            "ours": lambda: TissueClassifier().fit(counts, labels, names, recipe, series=series),
            "labels": lambda: forest(labels),
            "classes": lambda: forest(labels.argmax(axis=1)),
        },
        setting.rounds,
    )
    size = f"{counts.shape[0]:,} x {counts.shape[1]:,}, {len(names)} labels"
    rows = []
    for name, what in (("labels", "multi-output"), ("classes", "one class each")):
        other = f"{shown_seconds(result.median(name))}: {recipe.trees} trees on all genes, n_jobs=-1, {what}"
        met = None if setting.quick else result.ratio("ours", name) <= TARGET
        ours = shown_seconds(result.median("ours"))
        rows.append(
            Row("Fit of the default model", size, ours, other, result.shown("ours", name), f"at most {TARGET}x", met)
        )
    return rows


def _data(setting: Setting) -> tuple[CountMatrix, BoolArray, list[str], list[str]] | None:
    path = REAL / "human_tissue_counts.h5"
    if not path.is_file():
        say(f"  skipped: no real trial data in {REAL}")
        return None
    with Archs4File(path) as file:
        counts, biosamples = file.read(slice(None)), file.biosamples
    pairs = annotation.read_labels(REAL / "human_tissue_labels.tsv", biosamples["sample_id"].tolist())
    names = sorted(pairs["label"].unique())
    labels = np.zeros((len(counts), len(names)), dtype=bool)
    rows = pd.Index(biosamples["sample_id"]).get_indexer(pd.Index(pairs["sample_id"]))
    labels[rows, [names.index(label) for label in pairs["label"]]] = True
    return counts, labels, names, biosamples["series_id"].tolist()


def _scaled_up(setting: Setting, fits: dict[int, Measured]) -> Row:
    (a, small), (b, large) = list(fits.items())[-2:]
    seconds, memory = (
        large_value + (large_value - small_value) / (b - a) * (FULL - b)
        for small_value, large_value in ((small.seconds, large.seconds), (small.peak, large.peak))
    )
    what = f"{shown_seconds(seconds)} and {memory / 2**30:.1f} GB"
    return Row("Scaled up along a line, not run", f"{FULL:,} x {setting.n_genes:,}", what, "", "")
