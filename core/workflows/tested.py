"""The biosamples behind a score of a classifier, and what abstaining costs, from a run's table of predictions."""

import numpy as np
import pandas as pd

from core.errors import InputError
from core.store.datasets import StoredDataset

LISTED = {
    "all": "tested biosamples that have the label",
    "missed": "have the label, but it was not predicted",
    "called": "got the label predicted",
    "wrong": "got the label predicted, but do not have it",
    "confused": "have the label; it was predicted, or another one came first instead",
}
TESTED_COLUMNS = (
    "sample_id", "series_id", "title", "true", "predicted", "probability", "novelty", "called", "first", "correct",
    "fold",
)  # fmt: skip


def tested_biosamples(
    dataset: StoredDataset, predictions: pd.DataFrame, split: str, kind: str, label: str, first: str = ""
) -> pd.DataFrame:
    """Tested biosamples of a kind (``LISTED``), the surest predictions first: those of TESTED_COLUMNS that there are.

    ``predictions``: a run's table. ``first`` (for "confused"): the first predicted label,
    or the label itself for those that got it. Series and title are "" for
    a biosample that the dataset no longer has. Raises InputError for an unknown kind.
    """
    if kind not in LISTED:
        raise InputError(f"Unknown kind of list {kind!r}: choose one of {', '.join(LISTED)}.")
    rows = predictions[predictions["split"] == split]
    has, got = _holds(rows["true"], label), _holds(rows["predicted"], label)
    if kind == "confused":
        chosen = has & (got if first == label else ~got & (rows["first"].to_numpy() == first))
    else:
        chosen = {"all": has, "missed": has & ~got, "called": got, "wrong": got & ~has}[kind]
    facts = dataset.biosamples[["sample_id", "series_id", "title"]].drop_duplicates("sample_id")
    found = rows[chosen].merge(facts, on="sample_id", how="left")
    found[["series_id", "title"]] = found[["series_id", "title"]].fillna("")
    found = found.sort_values("probability", ascending=False, kind="stable", ignore_index=True)
    table: pd.DataFrame = found[[name for name in TESTED_COLUMNS if name in found]]
    return table


def confusions(predictions: pd.DataFrame, split: str) -> pd.DataFrame:
    """Pairs of a true label and a first predicted one that is wrong, the most frequent first.

    Columns: true, predicted, count, and share of the tested biosamples that have the true label. A biosample with
    several labels counts for each, but only where none of them is the one predicted: hela for cervix is no error.
    """
    rows = predictions.loc[predictions["split"] == split, ["true", "first", "correct"]]
    pairs = rows.assign(true=rows["true"].str.split("|")).explode("true").rename(columns={"first": "predicted"})
    wrong = pairs[~pairs["correct"].astype(bool)].groupby(["true", "predicted"]).size().rename("count").reset_index()
    wrong["share"] = wrong["count"] / wrong["true"].map(pairs["true"].value_counts()).astype(float)
    return wrong.sort_values("count", ascending=False, kind="stable", ignore_index=True)


def coverage_curve(predictions: pd.DataFrame, split: str = "series") -> pd.DataFrame:
    """What every limit of abstention would give on a split: threshold, calls, coverage and precision, falling limits.

    A row for each probability that occurs; calls are those of at least that probability. Coverage is the share of the
    tested biosamples that is called, precision the share of the calls whose first label is right.
    """
    rows = predictions[predictions["split"] == split].sort_values("probability", ascending=False, kind="stable")
    probability, right = rows["probability"].to_numpy(), rows["correct"].to_numpy(dtype=bool)
    calls = np.arange(1, len(rows) + 1)
    last = np.append(probability[1:] != probability[:-1], True)[: len(rows)]
    table = {"threshold": probability, "calls": calls, "coverage": calls / max(1, len(rows))}
    table["precision"] = np.cumsum(right) / calls
    return pd.DataFrame(table)[last].reset_index(drop=True)


def _holds(joined: pd.Series, label: str) -> np.ndarray:
    """Whether each of these label lists (joined by |) has the label."""
    return ("|" + joined + "|").str.contains(f"|{label}|", regex=False).to_numpy(dtype=bool)
