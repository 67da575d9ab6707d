"""From counts to tissues and cell lines: a multi-label model over marker genes, with all that an upload needs.

Fitted on the training biosamples alone, in this order: the quantile target, the marker genes of each label, the
settings (``selection``), the model, and from its votes on biosamples that it has not seen the calibration and each
label's threshold (synthetic samples go into the fit of the model alone). Counts are read in blocks; what is kept of
all of them are the marker genes, in float32.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from core.errors import InputError, RecipeError, StoreError
from core.expression.normalise import Counts, fit_target, to_partial_target, to_target, to_target_rounded
from core.models import classifier_files
from core.models.augmented import Part, Reader, Synthetic, synthetic_rows
from core.models.calibration import LogitCalibration, fit_calibration, fit_thresholds
from core.models.confidence import Confidence
from core.models.judging import unseen_votes
from core.models.markers import LabelMoments, choose_markers
from core.models.novelty import GENES as NOVELTY_GENES
from core.models.novelty import Novelty
from core.models.recipe import ClassifierRecipe
from core.models.selection import GENES, GROWN, Model, Settings, choose_settings, fit_model
from core.models.splits import spread_over_groups
from core.types import BoolArray, CountMatrix, DoubleArray, FloatMatrix, IndexArray, Progress, silent

REFERENCE_ROWS = 64
STATISTICS_ROWS = 20_000  # biosamples that the target and the choice of genes look at, at most
BLOCK_VALUES = 2**23
CACHED_VALUES = 2**27


def kept_labels(labels: BoolArray, recipe: ClassifierRecipe) -> BoolArray:
    """Which labels (L) of labels (n x L) have enough biosamples."""
    labelled = int(labels.any(axis=1).sum())
    return np.asarray(labels.sum(axis=0) >= recipe.label_minimum(labelled))


def decide(probabilities: DoubleArray, thresholds: DoubleArray) -> BoolArray:
    """Labels (m x L) at or above their thresholds (L), and always the one that is highest relative to its own."""
    relative = probabilities / thresholds
    result = relative >= 1.0
    result[np.arange(len(result)), relative.argmax(axis=1)] = True
    return np.asarray(result)


class TissueClassifier:
    """``TissueClassifier().fit(...)`` or ``TissueClassifier.load(folder)``.

    ``label_names`` (L, in the order of every L below), ``gene_index`` (positions in G of the marker genes, the best
    first), ``target`` (G), ``reference`` (64 training biosamples x G, Q: what a sample that lacks genes is mapped by),
    ``medians`` (of the marker genes: what a missing one is taken for), ``thresholds`` (L), ``settings`` and
    ``selection`` (how they were chosen), ``novelty`` (None where no series was given), ``confidence`` (None until
    ``trust``), ``added`` (synthetic samples of each label; see ``synthetic_rows``).
    """

    recipe: ClassifierRecipe
    label_names: list[str]
    settings: Settings
    selection: list[dict[str, Any]]
    gene_index: IndexArray
    target: DoubleArray
    reference: FloatMatrix
    medians: FloatMatrix
    thresholds: DoubleArray
    calibration: LogitCalibration
    model: Model
    novelty: Novelty | None = None
    confidence: Confidence | None = None
    added: Sequence[dict[str, Any]] = ()

    def fit(
        self,
        counts: CountMatrix | Reader,
        labels: BoolArray,
        label_names: Sequence[str],
        recipe: ClassifierRecipe | None = None,
        progress: Progress = silent,
        series: Sequence[str] | None = None,
    ) -> "TissueClassifier":
        """Fit on counts (n x G, or a function that reads some of them), labels (n x L) and series (n).

        Biosamples without a kept label are left out altogether. Progress counts trees. Raises RecipeError where fewer
        than two labels have enough biosamples.
        """
        read: Reader = counts.__getitem__ if isinstance(counts, np.ndarray) else counts
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
        names = None if series is None else [series[int(row)] for row in rows]
        x = self._fit_expression(read, rows, bits, progress)
        # Threads of BLAS, which wait for each other by spinning, take a hundred times as long over products this small.
        with threadpool_limits(1, user_api="blas"):
            progress("settings", 0, self.recipe.trees or GROWN)
            self.settings, self.selection = choose_settings(x, bits, names, self.recipe)
            if names is not None:
                self.novelty = Novelty().fit(x[:, :NOVELTY_GENES], names, bits, self.recipe.seed)
            made = self._synthetic(read, rows, bits, progress) if self.recipe.augment else None
            self._fit_model(x, bits, made, progress)
        return self

    def augmented(
        self, read: Reader, labels: BoolArray, recipe: ClassifierRecipe, progress: Progress = silent
    ) -> "TissueClassifier":
        """The same with the synthetic samples that ``recipe`` asks for in the fit of its model; this one stays.

        ``read`` and ``labels`` (n x L) are those of this model's ``fit``, which kept every label that occurs.
        """
        rows, bits = np.flatnonzero(labels.any(axis=1)), labels[np.ix_(labels.any(axis=1), labels.any(axis=0))]
        x, other = self._markers_of(read, rows), copy.copy(self)
        other.recipe = recipe.validated()
        with threadpool_limits(1, user_api="blas"):
            other._fit_model(x, bits, other._synthetic(read, rows, bits, progress), progress)
        return other

    def _markers_of(self, read: Reader, rows: IndexArray) -> FloatMatrix:
        """Q of the marker genes (n x g)."""
        x = np.empty((len(rows), len(self.gene_index)), dtype=np.float32)
        for block in _blocks(np.arange(len(rows)), max(1, BLOCK_VALUES // len(self.target))):
            x[block] = to_target_rounded(read(rows[block]), self.target)[:, self.gene_index]
        return x

    def _synthetic(self, read: Reader, rows: IndexArray, bits: BoolArray, progress: Progress) -> Synthetic:
        def before(stage: str, done: float, total: float, **values: float | str) -> None:
            progress(stage, 0, self.recipe.trees or GROWN)

        part = Part(lambda positions: read(rows[positions]), bits, self.label_names, self.target)
        return synthetic_rows(part, self.gene_index, self.recipe, before)

    def _fit_model(self, x: FloatMatrix, bits: BoolArray, made: Synthetic | None, progress: Progress) -> None:
        """The model from x (n x g), labels (n x L) and synthetic rows; the calibration from the real ones."""
        rows, sets = x, bits
        if made is not None:
            rows, sets, self.added = np.concatenate([x, made.x]), np.concatenate([bits, made.bits]), made.report
        self.model = fit_model(rows, sets, self.settings, self.recipe, progress=progress)
        votes, judged = unseen_votes(self.model, x, bits, self.settings, self.recipe.seed, made)
        self.calibration = fit_calibration(votes[judged], bits[judged], self.recipe.seed)
        self.thresholds = fit_thresholds(self.calibration.apply(votes[judged]), bits[judged])

    def _fit_expression(self, read: Reader, rows: IndexArray, bits: BoolArray, progress: Progress) -> FloatMatrix:
        """Target, marker genes, medians and reference; returns Q of the marker genes (n x g).

        Of more than 20,000 biosamples, as many, spread over labels, give the target and choose the genes.
        """
        progress("target", 0, self.recipe.trees or GROWN)
        looked_at = spread_over_groups(bits.argmax(axis=1), STATISTICS_ROWS, self.recipe.seed)
        n_genes = read(rows[:1]).shape[1]
        size = max(1, BLOCK_VALUES // n_genes)
        self.target = fit_target(read(rows[block]) for block in _blocks(looked_at, size))
        progress("genes", 0, self.recipe.trees or GROWN)
        cache: list[FloatMatrix] | None = [] if len(rows) * n_genes <= CACHED_VALUES else None
        moments = LabelMoments.empty(bits.shape[1], n_genes)
        for block in _blocks(looked_at, size):
            q = to_target_rounded(read(rows[block]), self.target)
            moments.update(q, bits[block])
            if cache is not None:
                cache.append(q)
        wanted = max(self.recipe.genes or GENES, NOVELTY_GENES)
        self.gene_index = choose_markers(moments, wanted)
        x = np.concatenate([q[:, self.gene_index] for q in cache]) if cache else self._markers_of(read, rows)
        self.medians = np.median(x[looked_at], axis=0).astype(np.float32)
        drawn = rows[spread_over_groups(bits.argmax(axis=1), REFERENCE_ROWS, self.recipe.seed)]
        self.reference = to_target_rounded(read(drawn), self.target)
        return x

    def trust(self, confidence: Confidence | None, thresholds: DoubleArray) -> None:
        """Takes probabilities and thresholds (L) from an evaluation on whole series that its models had not seen."""
        if confidence is not None and self.novelty is not None:
            self.confidence, self.thresholds = confidence, thresholds

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

    def votes(self, q: npt.NDArray[np.floating]) -> DoubleArray:
        """Votes for each label (m x L) from Q (m x G); a missing gene counts as its training median."""
        return self.model.votes(self._chosen(q)[:, : self.settings.genes])

    def _chosen(self, q: npt.NDArray[np.floating]) -> FloatMatrix:
        chosen = q[:, self.gene_index].astype(np.float32)
        return np.where(np.isnan(chosen), self.medians, chosen)

    def probabilities(self, q: npt.NDArray[np.floating]) -> DoubleArray:
        """Probability of each label (m x L) from Q (m x G).

        By ``confidence`` where the model has one: then they say how likely the label is right in a new study. Else by
        the calibration on biosamples of the training studies.
        """
        votes = self.votes(q)
        if self.confidence is None:
            return self.calibration.apply(votes)
        return self.confidence.apply(votes, self.distance(q))

    def decide(self, probabilities: DoubleArray) -> BoolArray:
        """Labels (m x L) at or above their thresholds, and always the one that is highest relative to its own."""
        return decide(probabilities, self.thresholds)

    def distance(self, q: npt.NDArray[np.floating]) -> DoubleArray:
        """Distance (m) of Q (m x G) to the nearest training biosample, over the best markers.

        Raises InputError for a model without series.
        """
        if self.novelty is None:
            raise InputError("This classifier was trained without series, so it has no novelty score: train it again.")
        return self.novelty.distance(q[:, self.gene_index[:NOVELTY_GENES]])

    def novelty_score(self, q: npt.NDArray[np.floating]) -> DoubleArray:
        """Novelty (m) in [0, 1] of Q (m x G) over the best markers. Raises InputError for a model without series."""
        distance = self.distance(q)
        assert self.novelty is not None
        return self.novelty.of_distance(distance)

    def contributions(self, q: npt.NDArray[np.floating], label: str) -> DoubleArray:
        """What each marker gene (positions ``gene_index``) of one sample, Q (G), adds to the votes for a label.

        0 for markers that the model does not look at and for genes that are missing.
        """
        x = self._chosen(q[None])[0, : self.settings.genes]
        found, _ = self.model.contributions(x, self.label_names.index(label))
        result = np.zeros(len(self.gene_index))
        result[: len(found)] = found
        result[np.isnan(q[self.gene_index])] = 0.0
        return result

    def save(self, directory: Path) -> None:
        """Writes the model into the folder, which is made where it is missing."""
        arrays = {name: getattr(self, name) for name in classifier_files.ARRAYS}
        arrays |= {"sets": self.model.sets.sets} | (self.novelty.arrays() if self.novelty else {})
        facts = {
            "recipe": self.recipe.to_json(),
            "label_names": self.label_names,
            "settings": asdict(self.settings),
            "selection": self.selection,
            "calibration": asdict(self.calibration),
            "confidence": asdict(self.confidence) if self.confidence else None,
        }
        classifier_files.write(directory, self.model, arrays, facts)

    @classmethod
    def load(cls, directory: Path) -> "TissueClassifier":
        """Back from ``save``. Raises StoreError where a file is missing, damaged or holds an untrusted type."""
        found, arrays, facts = classifier_files.read(directory)
        classifier = cls()
        classifier.model = found
        for name in classifier_files.ARRAYS:
            setattr(classifier, name, arrays[name])
        classifier.recipe = ClassifierRecipe.from_json(facts["recipe"])
        classifier.label_names = list(facts["label_names"])
        try:
            classifier.settings, classifier.selection = Settings(**facts["settings"]), facts["selection"]
            classifier.calibration = LogitCalibration(**facts["calibration"])
            classifier.confidence = Confidence(**facts["confidence"]) if facts["confidence"] else None
        except (KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{directory} was written by another version ({error}): train again.") from error
        classifier.novelty = Novelty.from_arrays(arrays) if "novelty_units" in arrays else None
        return classifier


def _blocks(positions: IndexArray, size: int) -> list[IndexArray]:
    return [positions[start : start + size] for start in range(0, len(positions), size)]


def _patterns(values: npt.NDArray[np.generic]) -> Iterator[tuple[IndexArray, BoolArray]]:
    """Rows that have the same genes, and which genes (G) these are."""
    if not np.issubdtype(values.dtype, np.floating) or not np.isnan(values).any():
        yield np.arange(len(values)), np.ones(values.shape[1], dtype=bool)
        return
    present, pattern_of = np.unique(~np.isnan(values), axis=0, return_inverse=True)
    for i, pattern in enumerate(present):
        yield np.flatnonzero(pattern_of.ravel() == i), pattern
