"""Mean cosine of every gene's neighbourhood: as a build does it, by scikit-learn, and gene by gene."""

import numpy as np
from sklearn.metrics.pairwise import cosine_similarity

from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import race, shown_seconds
from core.engine import LocalEngine
from core.expression import neighbourhood, normalise
from core.expression.neighbourhood import Members
from core.expression.rare import RareGenes, is_rare
from core.store.datasets import StoredDataset
from core.store.tiles import spans
from core.types import BoolArray, DoubleArray, FloatMatrix
from core.workflows.blocks import genes_at_once
from core.workflows.making import GENES_A_GRAM

PUBLISHED_GENES = 96  # genes that the published loop is timed on
CHECKED_GENES = 128


def run(setting: Setting) -> Section:
    """Ratios and agreement at the middle size."""
    n = setting.middle
    dataset = setting.dataset(n)
    y, members, norms = dataset.expression(slice(None)), np.asarray(dataset.members, dtype=np.int32), dataset.norms
    profiles = np.ascontiguousarray(y.T)
    wide = profiles.astype(np.float64)  # what the published loop works on
    some = np.linspace(0, len(y) - 1, PUBLISHED_GENES).astype(np.intp)
    rare = rare_of(dataset)
    contenders = {
        "ours": lambda: by_gram(y, members, norms, rare),
        "scikit-learn": lambda: by_sklearn(profiles, members),
        "published": lambda: published(wide, members[some]),
    }
    timed = race(contenders, setting.rounds)
    chosen = np.linspace(0, len(y) - 1, CHECKED_GENES).astype(np.intp)
    exact = exactly(dataset, members[chosen])
    difference = float(np.nanmax(np.abs(by_gram(y, members, norms, rare)[chosen] - exact)))
    scale = len(y) / PUBLISHED_GENES
    loop = timed.ratio("published", "ours") * scale
    size, judged = f"{n:,} x {len(y):,}", setting.judges(n, 4000)
    ours = shown_seconds(timed.median("ours"))
    rows = [
        Row("Mean cosine of all genes", size, ours,
            f"{shown_seconds(timed.median('scikit-learn'))}: scikit-learn n x n, and the mean of each sub-block",
            timed.shown("scikit-learn", "ours"), "at least 2x",
            timed.ratio("scikit-learn", "ours") >= 2 if judged else None),
        Row("Mean cosine of all genes", size, ours,
            f"{timed.median('published') * scale:,.0f} s: `cosine_similarity` gene by gene, scaled up from "
            f"{PUBLISHED_GENES} genes", f"{loop:,.0f}x", "at least 200x", loop >= 200 if judged else None),
        Row("Agreement", size, "float32", f"float64, {CHECKED_GENES} genes", f"{difference:.1e} at most, absolute",
            "1e-6", difference <= 1e-6),
    ]  # fmt: skip
    note = (
        "All start from Y in memory in the orientation that each likes best. scikit-learn gets float32, in which it is "
        "faster; the published loop gets float64, as in the published work."
    )
    return Section(rows, notes=[note])


def rare_of(dataset: StoredDataset) -> tuple[DoubleArray, BoolArray, DoubleArray]:
    """What a build notes of genes that few biosamples express: floors (n), which they are (g), lengths (g)."""
    zeros = np.rint(dataset.biosamples["zero_share"].to_numpy() * len(dataset.genes)).astype(np.intp)
    expressed = dataset.totals["expressed"][dataset.in_y]
    return normalise.value_of_zero(zeros, dataset.target), is_rare(expressed, dataset.blocks[-1]), dataset.lengths


def by_gram(
    y: FloatMatrix, members: Members, norms: DoubleArray, rare: tuple[DoubleArray, BoolArray, DoubleArray]
) -> DoubleArray:
    """As ``core.workflows.making``: cosines of all pairs from ranges of genes, then the mean of each set."""
    floor, is_one, lengths = rare
    n = y.shape[1]
    total = np.zeros((n, n))
    engine = LocalEngine()
    tasks = [(y[a:b], norms, RareGenes(floor, is_one[a:b], lengths[a:b])) for a, b in spans(len(y), GENES_A_GRAM)]
    for part in engine.map(gram, tasks):
        total += part
    cosines = total.astype(np.float32)
    del total
    pieces = [(members[a:b], cosines) for a, b in spans(len(members), 512)]
    return np.concatenate(list(engine.map(neighbourhood.mean_cosine_gram, pieces)))


def gram(y: FloatMatrix, norms: DoubleArray, rare: RareGenes | None = None) -> FloatMatrix:
    """As ``core.workflows.blocks``, from memory: what some genes (t x n) add to all cosines (lower triangle)."""
    return neighbourhood.gram((y[a:b] for a, b in spans(len(y), genes_at_once(y.shape[1]))), norms, rare)


def by_sklearn(profiles: FloatMatrix, members: Members) -> DoubleArray:
    """All cosines at once (n x g profiles), and a plain loop over the genes."""
    cosines = cosine_similarity(profiles)
    k = members.shape[1]
    sums = [cosines[np.ix_(some, some)].sum(dtype=np.float64) for some in members]
    return (np.array(sums) - k) / (k * (k - 1))


def published(profiles: DoubleArray, members: Members) -> DoubleArray:
    """Each gene's neighbours by themselves, whole profiles each time."""
    return np.array([cosine_similarity(profiles[some]).mean() for some in members])


def exactly(dataset: StoredDataset, members: Members) -> DoubleArray:
    """Mean cosine (t) in float64 from the counts on, by the length of the sum of unit vectors."""
    n, k = dataset.blocks[-1], members.shape[1]
    total = np.zeros((len(members), len(dataset.in_y)))
    inside = np.zeros((len(members), n))
    np.put_along_axis(inside, members, 1.0, axis=1)
    for start, stop in spans(n, 128):
        units = _units(dataset, start, stop)
        total += inside[:, start:stop] @ units
    return (np.einsum("ij,ij->i", total, total) - k) / (k * (k - 1))


def _units(dataset: StoredDataset, start: int, stop: int) -> DoubleArray:
    q = normalise.to_target(dataset.counts(slice(start, stop)), dataset.target)
    y = normalise.divide_by_length(q[:, dataset.in_y], dataset.lengths)
    return y / np.linalg.norm(y, axis=1, keepdims=True)
