"""How good synthetic samples are, each metric beside the same metric between two sets of real samples.

Many of these metrics depend on the number of samples, so every comparison uses sets of one size m, drawn without
replacement: m synthetic against m real test samples, and as the reference m real training against the same m real
test samples. Draws are repeated and averaged. Distances are taken in PCA space fitted on training samples only.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from core.errors import InputError
from core.models.evaluation.copying import closest_summary, membership_auc, representative_histogram
from core.models.evaluation.distinguish import adversarial_accuracy, discriminative_f1
from core.models.evaluation.distribution import frechet_distance, median_distance, mmd_squared
from core.models.evaluation.genes import correlation_score, gene_agreement, variable_genes
from core.models.evaluation.manifold import manifold_metrics, neighbours_for
from core.models.evaluation.utility import Others, detection, marker_genes, markers_kept
from core.models.pca import PrincipalAxes, fit_axes, seeded_rows
from core.types import FloatMatrix, IndexArray

N_COMPONENTS = 50
N_DRAWS = 10
MAX_SIZE = 300  # samples a side in one draw
MAX_BACKGROUND = 1000  # training rows that the PCA is fitted on
MIN_SIZE = 4
_SLOW_DRAWS = 4  # the discriminating forest is cross-validated on the first draws only

Draw = tuple[IndexArray, IndexArray, IndexArray]  # rows of synthetic, real train, real test; m each


def evaluate_synthetic(
    synthetic: FloatMatrix,
    real_train: FloatMatrix,
    real_test: FloatMatrix,
    *,
    background: FloatMatrix | None = None,
    others: FloatMatrix | None = None,
    seed: int = 1,
) -> dict[str, Any]:
    """Every metric of synthetic samples of one label, JSON-able.

    All arguments are Q (rows x G): the label's synthetic samples, its real training samples (those the generator
    saw) and its real test samples (those it never saw). ``background``: all training samples of the dataset; the PCA
    is fitted on them where given (the samples of a rare label alone give too few axes), else on ``real_train``.
    ``others``: training samples without the label; where there are enough of them, it is also measured whether a
    classifier learns the label from synthetic samples, and whether its marker genes are kept.

    Returns ``metrics`` (name to mean and sd over draws, for ``synthetic`` and ``real_real``), ``copying``,
    ``representative`` (histogram of distances to the medoid) and ``settings`` (m, k, number of components, draws).
    Raises InputError where a set has fewer than 4 samples.
    """
    _check_sizes(synthetic=len(synthetic), real_train=len(real_train), real_test=len(real_test))
    rows = real_train if background is None else background
    space = fit_axes(rows[seeded_rows(len(rows), MAX_BACKGROUND, seed)], N_COMPONENTS)
    points = tuple(space.scores(values) for values in (synthetic, real_train, real_test))
    size = min(MAX_SIZE, *(len(values) for values in points))
    beside = None if others is None else Others.split(others, seed)
    comparison = _Comparison(synthetic, real_train, real_test, space, seed, size, beside)
    return {
        "metrics": comparison.run(),
        "copying": {
            **closest_summary(points[0], points[2], points[1]),
            "membership_auc": membership_auc(points[0], points[1], points[2]),
        },
        "representative": representative_histogram(points[0], points[1], points[2]),
        "settings": {
            "size": size,
            "k": comparison.k,
            "components": len(space.axes),
            "draws": N_DRAWS,
            "space_fitted_on": "training samples of the label" if background is None else "all training samples",
            "space_rows": min(len(rows), MAX_BACKGROUND),
            "zero_rule": "a value under log2(1.5), half a count",
            "seed": seed,
        },
    }


class _Comparison:
    """The metrics of synthetic and of real training samples against real test samples, over repeated equal draws."""

    def __init__(
        self,
        synthetic: FloatMatrix,
        train: FloatMatrix,
        test: FloatMatrix,
        space: PrincipalAxes,
        seed: int,
        size: int,
        others: Others | None,
    ) -> None:
        self.sets = (synthetic, train, test)
        self.points = tuple(space.scores(values) for values in self.sets)
        self.genes = variable_genes(train)
        self.bandwidth = median_distance(self.points[1])
        self.size, self.seed = size, seed
        self.k = neighbours_for(size)
        self.others = others

    def run(self) -> dict[str, dict[str, dict[str, float]]]:
        values: dict[str, dict[str, list[float]]] = {}
        for number, (synthetic, train, test) in enumerate(self._draws()):
            for name, candidate, rows in (("synthetic", 0, synthetic), ("real_real", 1, train)):
                for metric, value in self._measure(candidate, rows, test, number).items():
                    values.setdefault(metric, {}).setdefault(name, []).append(value)
        return {
            metric: {name: {"mean": float(np.mean(v)), "sd": float(np.std(v))} for name, v in both.items()}
            for metric, both in values.items()
        }

    def _draws(self) -> Iterator[Draw]:
        rng = np.random.default_rng(self.seed)
        for _ in range(N_DRAWS):
            synthetic, train, test = (rng.choice(len(values), self.size, replace=False) for values in self.sets)
            yield synthetic, train, test

    def _measure(self, candidate: int, rows: IndexArray, test: IndexArray, number: int) -> dict[str, float]:
        points, real = self.points[candidate][rows], self.points[2][test]
        profiles, real_profiles = self.sets[candidate][rows], self.sets[2][test]
        nearest = adversarial_accuracy(points, real)
        result = {
            "correlation_score": correlation_score(profiles[:, self.genes], real_profiles[:, self.genes]),
            **manifold_metrics(points, real, self.k),
            "adversarial_accuracy": nearest["accuracy"],
            "adversarial_accuracy_truth": nearest["truth"],
            "adversarial_accuracy_synthetic": nearest["synthetic"],
            "frechet_distance": frechet_distance(points, real),
            "mmd": mmd_squared(points, real, self.bandwidth),
            **gene_agreement(profiles, real_profiles),
        }
        if self.others is not None:  # markers as the test samples have them, so that no candidate has had a say
            known = marker_genes(real_profiles, self.others.test)
            result["markers_kept"] = markers_kept(profiles, known, self.others.train)
        if number < _SLOW_DRAWS:
            top, seed = self.genes, self.seed + number
            result["discriminative_f1"] = discriminative_f1(profiles[:, top], real_profiles[:, top], seed)
            if self.others is not None:
                result["utility"] = detection(profiles, real_profiles, self.others, seed)
        return result


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < MIN_SIZE:
            raise InputError(
                f"Evaluation needs at least {MIN_SIZE} samples in '{name}', but it has {size}: "
                "choose a label with more biosamples, or draw more synthetic samples."
            )
