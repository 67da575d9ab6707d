"""From how many biosamples on the mean cosine is cheaper by summed profiles than by all cosines (GRAM_LIMIT)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.cosines import gram, rare_of
from benchmarks.report import Row, Section, Table
from benchmarks.setting import Setting
from benchmarks.timing import race, shown_seconds
from core.engine import LocalEngine
from core.expression import neighbourhood
from core.expression.neighbourhood import GRAM_LIMIT, Members
from core.expression.rare import RareGenes, is_rare
from core.store.datasets import StoredDataset
from core.store.tiles import spans
from core.types import BoolArray, DoubleArray, FloatMatrix
from core.workflows.making import GENES_A_GRAM, GENES_A_SUM

SIZES = (2000, 4000, 6000, 8000)
GENES = 2 * GENES_A_GRAM  # of the dataset's: two tasks of cosines, four of sums


@dataclass(frozen=True)
class Part:
    """Some genes of some biosamples: ``y`` (t x n), their neighbourhoods, the lengths of the whole profiles (n)."""

    y: FloatMatrix
    members: Members
    norms: DoubleArray
    g: int  # genes of the whole
    floor: DoubleArray  # Q of a count of 0 (n)
    rare: BoolArray  # genes that few of the n express (t)
    length: DoubleArray  # (t)

    @property
    def scale(self) -> float:
        """How many such parts make the whole."""
        return self.g / len(self.y)


def run(setting: Setting) -> Section:
    """Seconds for all genes by both ways, and where the two meet."""
    dataset = setting.dataset(setting.large)
    sizes = SIZES if setting.large >= max(SIZES) else setting.sizes
    found = {n: both(part_of(dataset, n), setting.rounds) for n in sizes}
    cells = [
        (f"{n:,}", shown_seconds(by_cosines), shown_seconds(by_sums), f"{by_cosines / by_sums:.2f}")
        for n, (by_cosines, by_sums) in found.items()
    ]
    table = Table("Seconds for all genes, scaled up", ("n", "all cosines", "sums", "cosines / sums"), cells)
    meeting = crossing({n: a / b for n, (a, b) in found.items()})
    near = meeting is not None and 0.75 <= meeting / GRAM_LIMIT <= 1.33
    row = Row(
        "Where both ways cost the same", f"n = {min(sizes):,} to {max(sizes):,}", f"GRAM_LIMIT = {GRAM_LIMIT:,}", "",
        "beyond these sizes" if meeting is None else f"n = {meeting:,.0f}", "within a quarter of GRAM_LIMIT",
        near if setting.judges(setting.large, 20000) else None,
    )  # fmt: skip
    note = (
        f"Measured on {min(GENES, len(dataset.rankings)):,} of {len(dataset.rankings):,} genes (their own "
        "neighbourhoods among the first n biosamples of the largest dataset) and scaled: cosines by the number of "
        "genes, their means by the number of sets, sums by the product of both. Reading Y from disk, which both ways "
        "need once, is left out, and so are parts that do not grow with the genes (converting the cosines)."
    )
    return Section([row], [table], [note])


def part_of(dataset: StoredDataset, n: int) -> Part:
    """Evenly spread genes over the first ``n`` biosamples, in memory."""
    g = len(dataset.rankings)
    chosen = np.unique(np.linspace(0, g - 1, min(g, GENES)).astype(np.intp))
    pieces = [dataset.expression(chosen[a:b])[:, :n] for a, b in spans(len(chosen), 256)]
    y = np.concatenate(pieces)
    found = [neighbourhood.members(tile, np.sort(tile, axis=1)) for tile in np.array_split(y, 32)]
    floor, _, lengths = rare_of(dataset)
    above = y > (floor[:n] / lengths[chosen, None]) * (1.0 + 1e-6)
    facts = (floor[:n], is_rare(above.sum(axis=1), n), lengths[chosen])
    return Part(np.ascontiguousarray(y), np.concatenate(found), dataset.norms[:n], g, *facts)


def both(part: Part, rounds: int) -> tuple[float, float]:
    """Median seconds for all genes: by cosines, by sums."""
    cosines = all_cosines(part).astype(np.float32)
    contenders: dict[str, Callable[[], object]] = {
        "cosines": partial(all_cosines, part),
        "means of cosines": partial(means, part, cosines),
        "sums": partial(all_sums, part),
    }
    timed = race(contenders, rounds)
    linear = (timed.median("cosines") + timed.median("means of cosines")) * part.scale
    return linear, timed.median("sums") * part.scale**2


def all_cosines(part: Part) -> DoubleArray:
    """What these genes add to the cosines (n x n), on every core."""
    n = part.y.shape[1]
    total = np.zeros((n, n))
    tasks = [
        (part.y[a:b], part.norms, RareGenes(part.floor, part.rare[a:b], part.length[a:b]))
        for a, b in spans(len(part.y), GENES_A_GRAM)
    ]
    for found in LocalEngine().map(gram, tasks):
        total += found
    return total


def means(part: Part, cosines: FloatMatrix) -> DoubleArray:
    """Mean of each set from the cosines."""
    pieces = [(part.members[a:b], cosines) for a, b in spans(len(part.members), 512)]
    return np.concatenate(list(LocalEngine().map(neighbourhood.mean_cosine_gram, pieces)))


def all_sums(part: Part) -> DoubleArray:
    """What these genes add to the squared sums of these sets, on every core."""
    tasks = [([part.members], [part.y[a:b]], part.norms) for a, b in spans(len(part.y), GENES_A_SUM)]
    return np.sum([found[0] for found in LocalEngine().map(neighbourhood.squared_sums, tasks)], axis=0)


def crossing(ratios: dict[int, float]) -> float | None:
    """Biosamples at which the ratio is 1, by interpolating its logarithm; beyond the sizes by the nearest two.

    None where the ratio does not grow, or the crossing is over four times the largest or under a quarter of the
    smallest size.
    """
    sizes, logs = np.array(list(ratios)), np.log(list(ratios.values()))
    if len(sizes) < 2:
        return None
    i = int(np.clip(np.searchsorted(logs, 0.0), 1, len(sizes) - 1))
    slope = (logs[i] - logs[i - 1]) / (np.log(sizes[i]) - np.log(sizes[i - 1]))
    if slope <= 0:
        return None
    at = float(np.exp(np.log(sizes[i]) - logs[i] / slope))
    return at if sizes[0] / 4 <= at <= sizes[-1] * 4 else None
