"""From counts to tissues and cell lines: a multi-label random forest over marker genes, with all that an upload needs.

Fitted on the training biosamples alone, in this order: the quantile target, the marker genes of each label, the forest,
and from its out-of-bag votes the calibration and each label's threshold. The matrix is read in blocks.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from core.errors import InputError, RecipeError
from core.expression.normalise import Counts, fit_target, to_partial_target, to_target, to_target_rounded
from core.models import classifier_files
from core.models.calibration import LogitCalibration, fit_calibration, fit_thresholds
from core.models.forest import forest_votes, grow_forest, out_of_bag_votes
from core.models.markers import LabelMoments, choose_markers
from core.models.novelty import Novelty
from core.models.splits import spread_over_groups
from core.types import BoolArray, DoubleArray, FloatMatrix, IndexArray, Progress, silent

RECIPE_VERSION = 1
REFERENCE_ROWS = 64
BLOCK_VALUES = 2**23
CACHED_VALUES = 2**28


@dataclass(frozen=True)
class ClassifierRecipe:
    """What a classifier depends on besides its data.

    ``min_label_count`` None scales with the dataset: 0.5% of the biosamples, at least 5, at most 500 (the published
    number). ``split`` is the headline of the two evaluations; both are always done.
    """

    trees: int = 300
    genes: int = 2000
    min_label_count: int | None = None
    seed: int = 1
    split: str = "random"
    n_folds: int = 5

    def validated(self) -> "ClassifierRecipe":
        """Itself; raises RecipeError, naming the parameter, where one is out of its range."""
        ranges = {"trees": (1, 5000), "genes": (1, 100_000), "seed": (0, 2**32 - 1), "n_folds": (2, 50)}
        if self.min_label_count is not None:
            ranges["min_label_count"] = (1, 1_000_000)
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise RecipeError(f"{name} is {value!r}: give a whole number from {low} to {high}.")
        if self.split not in ("random", "series"):
            raise RecipeError(f"split is {self.split!r}: give random or series.")
        return self

    def label_minimum(self, n: int) -> int:
        """Biosamples that a label needs among n labelled ones."""
        return self.min_label_count if self.min_label_count is not None else min(500, max(5, round(0.005 * n)))

    def to_json(self) -> str:
        """Canonical JSON with the recipe's version."""
        return json.dumps({"version": RECIPE_VERSION, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "ClassifierRecipe":
        """Back from ``to_json``; raises RecipeError for another version or an unknown or impossible parameter."""
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise RecipeError(f"The recipe is not JSON ({error}).") from error
        if not isinstance(values, dict) or values.pop("version", None) != RECIPE_VERSION:
            raise RecipeError(f"This is no classifier recipe of version {RECIPE_VERSION}: train the classifier again.")
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise RecipeError(f"A classifier recipe has no parameter {unknown[0]!r}.")
        return cls(**values).validated()


def kept_labels(labels: BoolArray, recipe: ClassifierRecipe) -> BoolArray:
    """Which labels (L) of labels (n x L) have enough biosamples."""
    labelled = int(labels.any(axis=1).sum())
    return np.asarray(labels.sum(axis=0) >= recipe.label_minimum(labelled))


class TissueClassifier:
    """``TissueClassifier().fit(...)`` or ``TissueClassifier.load(folder)``.

    ``label_names`` (L, in the order of every L below), ``gene_index`` (positions in G of the marker genes), ``target``
    (G), ``reference`` (64 training biosamples x G, Q: what a sample that lacks genes is mapped by), ``medians`` (of the
    marker genes: what a missing one is taken for), ``thresholds`` (L), ``novelty`` (None where no series was given).
    """

    recipe: ClassifierRecipe
    label_names: list[str]
    gene_index: IndexArray
    target: DoubleArray
    reference: FloatMatrix
    medians: FloatMatrix
    thresholds: DoubleArray
    calibration: LogitCalibration
    forest: RandomForestClassifier
    novelty: Novelty | None = None

    def fit(
        self,
        counts: npt.NDArray[np.uint32],
        labels: BoolArray,
        label_names: Sequence[str],
        recipe: ClassifierRecipe | None = None,
        progress: Progress = silent,
        series: Sequence[str] | None = None,
    ) -> "TissueClassifier":
        """Fit on counts (n x G), labels (n x L); biosamples without a kept label are left out altogether.

        Progress counts trees. Raises RecipeError where fewer than two labels have enough biosamples.
        """
        self.recipe = (recipe or ClassifierRecipe()).validated()
        kept = kept_labels(labels, self.recipe)
        rows = np.flatnonzero(labels[:, kept].any(axis=1))
        bits = labels[np.ix_(rows, kept)]
        if not (bits.any(axis=0) & ~bits.all(axis=0)).all() or bits.shape[1] < 2:
            minimum = self.recipe.label_minimum(int(labels.any(axis=1).sum()))
            raise RecipeError(
                f"A classifier needs two labels that {minimum} or more biosamples carry, and none that all carry: "
                f"{int(kept.sum())} of {len(kept)} labels have enough. Add labels or lower min_label_count."
            )
        self.label_names = [name for name, keep in zip(label_names, kept, strict=True) if keep]
        chosen = self._fit_expression(counts, rows, bits, progress)
        self.forest = grow_forest(chosen, bits, self.recipe.trees, self.recipe.seed, progress)
        self._fit_decision(bits)
        if series is not None:
            names = [series[int(row)] for row in rows]
            self.novelty = Novelty().fit(chosen, names, bits, self.recipe.seed)
        return self

    def _fit_expression(
        self, counts: npt.NDArray[np.uint32], rows: IndexArray, bits: BoolArray, progress: Progress
    ) -> FloatMatrix:
        """Target, marker genes, medians and reference; returns Q of the marker genes (n x g)."""
        progress("target", 0, self.recipe.trees)
        size = max(1, BLOCK_VALUES // counts.shape[1])
        blocks = [rows[start : start + size] for start in range(0, len(rows), size)]
        self.target = fit_target(counts[block] for block in blocks)
        progress("genes", 0, self.recipe.trees)
        cache: list[FloatMatrix] | None = [] if len(rows) * counts.shape[1] <= CACHED_VALUES else None
        moments = LabelMoments.empty(bits.shape[1], counts.shape[1])
        start = 0
        for block in blocks:
            q = to_target_rounded(counts[block], self.target)
            moments.update(q, bits[start : start + len(block)])
            start += len(block)
            if cache is not None:
                cache.append(q)
        self.gene_index = choose_markers(moments, self.recipe.genes)
        normalised = cache if cache is not None else (to_target(counts[block], self.target) for block in blocks)
        chosen = np.concatenate([q[:, self.gene_index].astype(np.float32) for q in normalised])
        self.medians = np.median(chosen, axis=0).astype(np.float32)
        drawn = rows[spread_over_groups(bits.argmax(axis=1), REFERENCE_ROWS, self.recipe.seed)]
        self.reference = to_target_rounded(counts[drawn], self.target)
        return chosen

    def _fit_decision(self, bits: BoolArray) -> None:
        votes, judged = out_of_bag_votes(self.forest, bits.shape[1])
        self.calibration = fit_calibration(votes[judged], bits[judged], self.recipe.seed)
        self.thresholds = fit_thresholds(self.calibration.apply(votes[judged]), bits[judged])

    def normalise(self, counts: Counts) -> DoubleArray:
        """Q (m x G) of counts, TPM or any other increasing measure (m x G), NaN where a gene is missing.

        Samples that lack genes are mapped onto the target of the genes that they have. Raises InputError where a
        sample has none of the genes, or the number of genes is not the model's.
        """
        if counts.ndim != 2 or counts.shape[1] != len(self.target):
            raise InputError(f"The model knows {len(self.target)} genes, but the samples have shape {counts.shape}.")
        result = np.empty(counts.shape)
        for rows, present in _patterns(counts):
            if not present.any():
                raise InputError(f"Sample {rows[0] + 1} has none of the {len(self.target)} genes of the model.")
            if present.all():
                result[rows] = to_target(counts[rows], self.target)
            else:
                result[rows] = to_partial_target(np.asarray(counts[rows], dtype=np.float64), present, self.reference)
        return result

    def probabilities(self, q: npt.NDArray[np.floating]) -> DoubleArray:
        """Calibrated probability of each label (m x L) from Q (m x G); a missing gene counts as its training median."""
        chosen = q[:, self.gene_index].astype(np.float32)
        return self.calibration.apply(forest_votes(self.forest, np.where(np.isnan(chosen), self.medians, chosen)))

    def decide(self, probabilities: DoubleArray) -> BoolArray:
        """Labels (m x L) at or above their thresholds, and always the one that is highest relative to its own."""
        relative = probabilities / self.thresholds
        result = relative >= 1.0
        result[np.arange(len(result)), relative.argmax(axis=1)] = True
        return np.asarray(result)

    def novelty_score(self, q: npt.NDArray[np.floating]) -> DoubleArray:
        """Novelty (m) in [0, 1] of Q (m x G) over the marker genes. Raises InputError for a model without series."""
        if self.novelty is None:
            raise InputError("This classifier was trained without series, so it has no novelty score: train it again.")
        return self.novelty.score(q[:, self.gene_index])

    def save(self, directory: Path) -> None:
        """Writes the model into the folder, which is made where it is missing."""
        arrays = {name: getattr(self, name) for name in classifier_files.ARRAYS}
        arrays |= self.novelty.arrays() if self.novelty else {}
        facts = {
            "recipe": self.recipe.to_json(),
            "label_names": self.label_names,
            "calibration": asdict(self.calibration),
        }
        classifier_files.write(directory, self.forest, arrays, facts)

    @classmethod
    def load(cls, directory: Path) -> "TissueClassifier":
        """Back from ``save``. Raises StoreError where a file is missing, damaged or holds an untrusted type."""
        forest, arrays, facts = classifier_files.read(directory)
        model = cls()
        model.forest = forest
        for name in classifier_files.ARRAYS:
            setattr(model, name, arrays[name])
        model.recipe = ClassifierRecipe.from_json(facts["recipe"])
        model.label_names = list(facts["label_names"])
        model.calibration = LogitCalibration(**facts["calibration"])
        model.novelty = Novelty.from_arrays(arrays) if "novelty_units" in arrays else None
        return model


def _patterns(values: npt.NDArray[np.generic]) -> Iterator[tuple[IndexArray, BoolArray]]:
    """Rows that have the same genes, and which genes (G) these are."""
    if not np.issubdtype(values.dtype, np.floating) or not np.isnan(values).any():
        yield np.arange(len(values)), np.ones(values.shape[1], dtype=bool)
        return
    present, pattern_of = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    for i, pattern in enumerate(present):
        yield np.flatnonzero(pattern_of.ravel() == i), pattern
