"""Carts of biosamples: filling them, pasted lists of ids, what is in them, and how far they rest on few series."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.errors import InputError, NotFoundError, RecipeError
from core.store.datasets import StoredDataset
from core.types import IndexArray

MOST_IDS = 5000  # biosamples in a cart
FEW_SERIES = 3  # a side of fewer series is hardly more than a comparison of studies
MOST_FROM_ONE = 0.5  # share of a cart that one series may have before a warning
_BETWEEN_IDS = re.compile(r"[\s,;|]+")


@dataclass(frozen=True)
class FilledCart:
    """A cart's ids after some were added, and what happened in words."""

    ids: list[str]
    text: str


@dataclass(frozen=True)
class CartFacts:
    """What is in a cart of ``n`` biosamples. ``labels`` and ``series``: name, biosamples; largest first.

    ``same_series_share``: share of pairs that come from one series (NaN with fewer than 2 biosamples). A biosample
    with several labels counts for each; those without a series are taken to be of one series each.
    """

    n: int
    unlabelled: int
    labels: pd.DataFrame
    series: pd.DataFrame
    same_series_share: float

    @property
    def n_series(self) -> int:
        """Series that the biosamples come from."""
        return len(self.series)


def read_ids(dataset: StoredDataset, text: str) -> tuple[list[str], list[str]]:
    """Ids in a text (between spaces, commas, semicolons or line ends): those of the dataset, and those that are not.

    Each once, in order; upper and lower case are the same.
    """
    written = list(dict.fromkeys(part.strip("\"'") for part in _BETWEEN_IDS.split(text)))
    written = [part for part in written if part]
    known = dataset.biosamples["sample_id"]
    exact, folded = set(known), dict(zip(known.str.casefold(), known, strict=True))
    found = [part if part in exact else folded.get(part.casefold()) for part in written]
    unknown = [part for part, hit in zip(written, found, strict=True) if hit is None]
    return list(dict.fromkeys(hit for hit in found if hit is not None)), unknown


def fill_cart(dataset: StoredDataset, which: str, held: Sequence[str], more: Sequence[str]) -> FilledCart:
    """The ids of a cart with more of them at its end, each once.

    Raises NotFoundError for an id that the dataset does not have, RecipeError above ``MOST_IDS``.
    """
    inside, wanted = set(held), list(dict.fromkeys(more))
    unknown = pd.Index(dataset.biosamples["sample_id"]).get_indexer(pd.Index(wanted, dtype="str")) < 0
    if unknown.any():
        names = [name for name, missing in zip(wanted, unknown, strict=True) if missing]
        raise NotFoundError(f"Dataset {dataset.name!r} has no biosample {_named(names)}: check the ids.")
    new = [name for name in wanted if name not in inside]
    if len(held) + len(new) > MOST_IDS:
        raise RecipeError(
            f"Cart {which} would hold {len(held) + len(new):,} biosamples, but {MOST_IDS:,} is the most: narrow the "
            "search, or remove some first."
        )
    old = len(wanted) - len(new)
    were = f"; {old:,} {'were' if old != 1 else 'was'} in it already" if old else ""
    text = f"{len(new):,} biosample{'s' * (len(new) != 1)} added to cart {which}{were}."
    return FilledCart([*held, *new], text)


def cart_facts(dataset: StoredDataset, sample_ids: Sequence[str]) -> CartFacts:
    """What is in a cart. Raises NotFoundError for an id that the dataset does not have."""
    rows = dataset.biosamples.iloc[positions(dataset, sample_ids)]
    labels = rows["labels"].str.split("|").explode()
    series = _series_of(rows)
    sizes = series.value_counts().to_numpy()
    pairs = len(rows) * (len(rows) - 1)
    return CartFacts(
        n=len(rows),
        unlabelled=int((rows["labels"] == "").sum()),
        labels=_counted(labels[labels != ""]),
        series=_counted(series),
        same_series_share=float((sizes * (sizes - 1)).sum() / pairs) if pairs else float("nan"),
    )


def series_warnings(dataset: StoredDataset, a: Sequence[str], b: Sequence[str]) -> list[str]:
    """Why a comparison of two carts may be one of studies, in sentences with figures; none where all is well."""
    facts = {"A": cart_facts(dataset, a), "B": cart_facts(dataset, b)}
    said = [text for which, found in facts.items() for text in _few_series(which, found)]
    shared = set(facts["A"].series["name"]) & set(facts["B"].series["name"])
    if not shared and facts["A"].n and facts["B"].n:
        said.append(
            "No series is on both sides: a difference between the carts may be one between their studies "
            "(batch effects), not between what the biosamples are."
        )
    both = len(set(a) & set(b))
    if both:
        said.append(f"{both:,} biosample{'s are' if both != 1 else ' is'} in both carts, which hides differences.")
    return said


def positions(dataset: StoredDataset, sample_ids: Sequence[str]) -> IndexArray:
    """Rows of biosamples, in the order given. Raises NotFoundError for ids that the dataset does not have."""
    known = pd.Index(dataset.biosamples["sample_id"])
    rows: IndexArray = known.get_indexer(pd.Index(list(sample_ids), dtype="str"))
    if (rows < 0).any():
        names = [name for name, row in zip(sample_ids, rows, strict=True) if row < 0]
        raise NotFoundError(f"Dataset {dataset.name!r} has no biosample {_named(names)}: check the ids.")
    return rows


def check_comparable(a: Sequence[str], b: Sequence[str]) -> None:
    """Raises InputError where there is nothing to compare, or nothing to tell apart."""
    for which, held in (("A", a), ("B", b)):
        if not held:
            raise InputError(f"Cart {which} is empty: add biosamples to both carts first.")
        if len(held) > MOST_IDS:
            raise RecipeError(f"Cart {which} holds {len(held):,} biosamples, but {MOST_IDS:,} is the most.")
    if set(a) == set(b):
        raise InputError("Both carts hold the same biosamples: there is nothing to compare.")


def _few_series(which: str, found: CartFacts) -> list[str]:
    if found.n < 2:
        return []
    largest = int(found.series["biosamples"].iloc[0])
    pairs = f"{found.same_series_share:.0%} of its pairs come from one series"
    caution = "biosamples of one series are not independent, so p values come out too small"
    if found.n_series < FEW_SERIES:
        held = f"{found.n_series} series" if found.n_series > 1 else f"one series ({found.series['name'].iloc[0]})"
        return [f"Cart {which}: {found.n:,} biosamples of {held}; {pairs}: {caution}."]
    if largest > MOST_FROM_ONE * found.n:
        name = found.series["name"].iloc[0]
        return [f"Cart {which}: {largest:,} of {found.n:,} biosamples are of series {name}; {pairs}: {caution}."]
    return []


def _series_of(rows: pd.DataFrame) -> pd.Series:
    series = rows["series_id"].fillna("")
    return series.where(series != "", "series of " + rows["sample_id"] + " unknown")


def _counted(values: pd.Series) -> pd.DataFrame:
    return values.value_counts().rename_axis("name").rename("biosamples").reset_index()


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more
