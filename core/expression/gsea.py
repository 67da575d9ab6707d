"""Gene set enrichment analysis of a ranking (Subramanian et al. 2005, PNAS 102, 15545; "preranked"), by gseapy.

The running sum rises at each gene of a set by |score|^weight over the set's total and falls by the same amount at every
other gene; its largest deviation from 0 is the enrichment score (ES). p comes from sets of as many genes drawn at
random: the share of random ES of the same sign that are as far from 0. NES = ES over the mean of the random ES of its
sign. q is GSEA's false discovery rate: of all sets' random NES, the share as far from 0, over the same share of the
sets' own NES. Random genes are not co-expressed as those of a set are, so that p and q are still too small for sets of
co-expressed genes (Wu and Smyth 2012); what the permutations buy is a null of the very statistic.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import GeneSetsError
from core.types import DoubleArray, IndexArray

MISSING = "GSEA is done by the package gseapy, which is not installed: pip install -r requirements.txt."


@dataclass(frozen=True)
class Prerank:
    """For each of s sets: ES, NES, p (among random ES of its sign), and q.

    The smallest p and q that n permutations can tell from 0 is 1/n: anything below is given as 1/n.
    """

    score: DoubleArray
    normalised: DoubleArray
    p: DoubleArray
    q: DoubleArray


def prerank(
    scores: DoubleArray,
    sets: Sequence[IndexArray],
    weight: float = 1.0,
    permutations: int = 1000,
    seed: int = 1,
    threads: int = 1,
) -> Prerank:
    """GSEA of sets (places in the ranking, 0-based) in ``scores`` (g, highest first).

    The same seed gives the same result whatever the number of threads. Raises GeneSetsError where gseapy is missing.
    """
    try:  # the compiled core of it: what lies around it is for tables and plots
        from gseapy.gse import prerank_rs  # type: ignore[import-untyped]
    except ImportError as error:
        raise GeneSetsError(MISSING) from error
    names = [f"G{place}" for place in range(len(scores))]
    members = {str(s): [names[place] for place in each] for s, each in enumerate(sets)}
    limits = (1, len(scores))  # genes of a set
    found = prerank_rs(names, scores.tolist(), members, weight, *limits, permutations, threads, seed)
    table = np.full((len(sets), 4), np.nan)
    for each in found.summaries:
        table[int(each.term)] = each.es, each.nes, each.pval, each.fdr
    score, normalised, p, q = table.T
    least = 1 / permutations
    return Prerank(score, normalised, np.maximum(p, least), np.maximum(q, least))
