"""The 50 biosamples most like one: exactly, over the whole store, and as the pages ask for them (with an index)."""

from itertools import count

import numpy as np

from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import shown_seconds, timed_calls
from core import workflows
from core.expression import similar
from core.store.datasets import StoredDataset
from core.types import IndexArray
from core.workflows import search

CALLS = 5
TOP = 50


def run(setting: Setting) -> Section:
    """Median times at every size, and the share of the exact 50 that the pages show."""
    rows = [row for n in setting.sizes for row in _rows(setting, setting.dataset(n))]
    note = (
        f"Medians of {CALLS} queries (others each time) after one that does not count, files in the page cache. The "
        "pages' way makes candidates from an index where the dataset has one, and then compares whole profiles; "
        "recall is the share of the exact 50 that it finds."
    )
    return Section(rows, notes=[note])


def _rows(setting: Setting, dataset: StoredDataset) -> list[Row]:
    n = dataset.blocks[-1]
    chosen = np.random.default_rng(1).permutation(n)[: CALLS + 1]
    found: dict[str, list[set[str]]] = {"exact": [], "pages": []}
    ids = dataset.biosamples["sample_id"].to_numpy()
    turn = {name: count() for name in found}

    def by_all() -> None:
        rows = exact_rows(dataset, int(chosen[next(turn["exact"])]))
        found["exact"].append(set(ids[rows]))

    def by_page() -> None:
        sample = str(ids[chosen[next(turn["pages"])]])
        view = workflows.similar_biosamples(setting.workspace, dataset.name, sample, TOP)
        found["pages"].append(set(view["sample_id"]))

    exact, pages = (float(np.median(timed_calls(call, CALLS))) for call in (by_all, by_page))
    recall = np.mean([len(a & b) / len(a) for a, b in zip(found["exact"], found["pages"], strict=True)])
    way = "no index at this size" if dataset.index is None else "index on disk"
    return [
        Row(f"Top {TOP}", f"{n:,} x {len(dataset.rankings):,}", f"{shown_seconds(pages)}: as the pages, {way}",
            f"{shown_seconds(exact)}: exactly, over the store", f"{exact / pages:.1f}x, recall {recall:.3f}"),
    ]  # fmt: skip


def exact_rows(dataset: StoredDataset, row: int) -> IndexArray:
    """The most similar biosamples by the cosine to every one."""
    cosines = search.cosines_to_all(dataset, similar.unit_profiles(dataset.profiles([row])), None)[0]
    return similar.nearest(cosines, TOP, leave_out=row)
