"""What the values of an upload measure: told sample by sample, and where in doubt by the dataset's own biosamples."""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np

from core.expression import units
from core.sources.matched import counts_of, spans_of
from core.store.datasets import StoredDataset
from core.types import BoolArray, DoubleArray, IndexArray, MatchedSamples, Measure, Progress

REFERENCES = 64
GENES = 4000  # that orders are compared by
WEAK = 0.02  # how far from the threshold a sample speaks for itself
CLOSE = 0.01  # from which on the note does not call it close
UNLIKE = 0.3  # a profile of any tissue has a higher rank correlation with any other
AGREE = 0.9
STAGE = "recognising the unit"
SAY = "If it is wrong, say what the values are (--units, or the choice on the page)."
Orders = tuple[DoubleArray, DoubleArray]


class Evidence:
    """Biosamples of a dataset to hold the order of genes against; ``lengths`` (G) of its genes."""

    def __init__(self, dataset: StoredDataset, matched: MatchedSamples, lengths: DoubleArray) -> None:
        n = len(dataset.biosamples)
        rows = np.unique(np.linspace(0, n - 1, min(n, REFERENCES)).astype(np.intp))
        counts = dataset.counts(rows)
        usable = matched.matched & np.isfinite(lengths) & ((counts > 0).mean(axis=0) >= 0.5)
        self._genes = _spread(np.flatnonzero(usable), GENES)
        self._lengths = lengths[self._genes]
        values = counts[:, self._genes].astype(np.float64)
        self._references = units.unit_ranks(values)
        self.threshold = units.length_threshold(values, self._lengths, self._references) if self.enough else 0.0

    @property
    def enough(self) -> bool:
        """Whether there are genes enough to tell by."""
        return len(self._genes) >= units.FEWEST_GENES

    def orders(self, matched: MatchedSamples, measures: list[Measure]) -> Orders:
        """Rank correlation of each sample as it is, and multiplied by length (each m)."""
        plain = replace(matched, measures=tuple(measures))
        values = np.asarray(counts_of(plain)[:, self._genes], dtype=np.float64)
        return units.length_evidence(values, self._lengths, self._references)


@dataclass
class Guesses:
    """A measure for each sample, whether it is certain, and the correlations that decided where it was not.

    ``lengths``: whether the dataset has any to multiply by.
    """

    matched: MatchedSamples
    asked: str
    lengths: bool
    measures: list[Measure]
    certain: list[bool]
    orders: Orders = field(default_factory=lambda: (np.empty(0), np.empty(0)))
    threshold: float = 0.0
    few_genes: bool = False

    @classmethod
    def of(cls, matched: MatchedSamples, asked: str, lengths: bool, progress: Progress) -> "Guesses":
        """What the values of each sample tell by themselves, or what the user said that they are."""
        measures: list[Measure] = []
        certain: list[bool] = []
        for start, stop in spans_of(matched):
            progress(STAGE, start, len(matched))
            for row in np.asarray(matched.values[start:stop], dtype=np.float64):
                measure, sure = units.recognise(row)
                if asked != "auto":
                    measure, sure = units.name_measure(row, measure.log_base, asked == "tpm"), True
                measures.append(measure)
                certain.append(sure)
        return cls(matched, asked, lengths, measures, certain)

    def weigh(self, evidence: Evidence | None, progress: Progress) -> None:
        """Decides the uncertain ones by the order of their genes; without evidence they stay as they are."""
        doubtful = np.flatnonzero(~np.array(self.certain))
        if evidence is None or not evidence.enough:
            self.few_genes = evidence is not None
            for position in doubtful:
                self.measures[position] = replace(self.measures[position], words="values of an unknown unit")
            return
        self.orders = self._compare(evidence, doubtful, progress)
        self.threshold = evidence.threshold
        divided = _decide(self.orders[1] - self.orders[0] - evidence.threshold)
        for position, per_length in zip(doubtful, divided, strict=True):
            row = np.asarray(self.matched.values[position], dtype=np.float64)
            self.measures[position] = units.name_measure(row, self.measures[position].log_base, bool(per_length))

    def _compare(self, evidence: Evidence, doubtful: IndexArray, progress: Progress) -> Orders:
        wanted = np.zeros(len(self.matched), dtype=np.bool_)
        wanted[doubtful] = True
        found: list[Orders] = []
        for start, stop in spans_of(self.matched):
            progress(STAGE, start, len(self.matched))
            some = start + np.flatnonzero(wanted[start:stop])
            if len(some):
                part = self.matched.part(start, stop)
                orders = evidence.orders(part, self.measures[start:stop])
                found.append((orders[0][some - start], orders[1][some - start]))
        return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])

    def notes(self) -> list[str]:
        """A sentence for every measure that samples were taken to have, and why."""
        doubtful = [position for position, sure in enumerate(self.certain) if not sure]
        place = {position: i for i, position in enumerate(doubtful)}
        result = []
        for measure, _ in Counter(self.measures).most_common():
            who = [i for i, found in enumerate(self.measures) if found == measure]
            judged = np.array([place[i] for i in who if i in place], dtype=np.intp)
            result.append(f"{self._whose(who)} were taken as {measure.words}{self._because(measure, judged)}")
        if len(self.orders[0]) and (np.maximum(*self.orders) < UNLIKE).any():
            result.append(
                "The order of genes is unlike that of any biosample of the dataset (rank correlation below "
                f"{UNLIKE}) for some samples: check that their values are expression, not scaled gene by gene."
            )
        return result

    def _whose(self, who: list[int]) -> str:
        if len(who) == len(self.measures):
            return "The values" if len(who) == 1 else f"The values of all {len(who):,} samples"
        names = ", ".join(self.matched.sample_names[i] for i in who[:3])
        more = ", ..." if len(who) > 3 else ""
        return f"The values of {len(who):,} of {len(self.measures):,} samples ({names}{more})"

    def _because(self, measure: Measure, judged: IndexArray) -> str:
        done = " and multiplied by gene length" if measure.per_length and self.lengths else ""
        if self.asked != "auto":
            return f"{done}, as was asked for."
        if len(judged) == 0 or len(self.orders[0]) == 0:
            return f"{done}{': too few genes are known to tell it' if self.few_genes else ''}."
        as_is, multiplied = (float(np.median(order[judged])) for order in self.orders)
        margin = multiplied - as_is - self.threshold
        close = f" This is close. {SAY}" if (margin if measure.per_length else -margin) < CLOSE else ""
        return (
            f"{done}. The order of their genes tells it: rank correlation with biosamples of the dataset {as_is:.3f} "
            f"as they are and {multiplied:.3f} multiplied by gene length (a gain of {multiplied - as_is:.3f}; they "
            f"count as divided by length from {self.threshold:.3f} on).{close}"
        )


def _decide(margin: DoubleArray) -> BoolArray:
    """Which samples were divided by length, by how far over the threshold their order fits better when that is undone.

    Where it is close, a sample is as the others of its file are, if those agree.
    """
    divided: BoolArray = np.asarray(margin > 0)
    strong = np.abs(margin) >= WEAK
    share = divided[strong].mean() if strong.any() else float(np.median(margin) > 0)
    if max(share, 1 - share) >= AGREE:
        divided[~strong] = share > 0.5
    return divided


def _spread(positions: IndexArray, most: int) -> IndexArray:
    """At most so many of the positions, evenly."""
    if len(positions) <= most:
        return positions
    return positions[np.linspace(0, len(positions) - 1, most).astype(np.intp)]
