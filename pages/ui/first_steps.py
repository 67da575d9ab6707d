"""First five minutes: a path through the pages, one line a step, with what has been opened in this session ticked.

The links carry what makes each page worth looking at: a gene, a sample to classify, two labels to compare. A step whose
data are missing says what is needed and leads to where that is made.
"""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core import jobs
from core.store.datasets import StoredDataset
from core.workflows import Overview
from pages.ui import cached, cart, runs, state, uploads

OPEN, KEPT = "first_steps", "first_steps_open"
DONE, FIRST_TAB = ":material/check_circle:", "Classifier"
CARD, FEW = 228, 12  # pixels; biosamples of a label in a cart
LEAST = 3  # biosamples on a side, from which on genes are tested


@dataclass(frozen=True)
class Step:
    """One step: the page whose visit ticks it ("": none does), where its link leads, and what one learns there."""

    page: str
    title: str
    target: str
    params: dict[str, str]
    learns: str


def show(dataset: StoredDataset, view: Overview) -> None:
    """The path, folded once it was closed in this session."""
    steps = path(dataset, view)
    seen = {page for name, page in st.session_state.get("seen", ()) if name == dataset.name}
    ticked = [step for step in steps if step.page in seen]
    of = sum(bool(step.page) for step in steps)
    words = "all done" if len(ticked) == of else f"{len(ticked)} of {of} done"
    opened = st.session_state.get(KEPT, True)
    label = f"First five minutes · {words}"
    with (
        st.expander(label, opened, key=OPEN, icon=":material/explore:", on_change=_keep),
        st.container(horizontal=True, gap="small"),
    ):
        for number, step in enumerate(steps, 1):
            with st.container(border=True, width=CARD, height="stretch", gap="xsmall"):
                icon = DONE if step in ticked else f":material/counter_{number}:" if step.page else ":material/add:"
                st.page_link(f"pages/{step.target}.py", label=step.title, icon=icon, query_params=step.params)
                st.caption(step.learns)


def _keep() -> None:
    st.session_state[KEPT] = st.session_state[OPEN]


def path(dataset: StoredDataset, view: Overview) -> list[Step]:
    """The steps for a dataset, in order."""
    gene = top_gene(dataset)
    at = state.link(gene=gene)
    size = dataset.manifest["recipe"]["neighbourhood_size"]
    behind = f"The biosamples (up to {size}) that give {gene} its signal: which tissues and studies they come from."
    return [
        Step("Rankings", "Rank genes", "rankings", at,
             "Which genes are high in some biosamples, and how alike those are."),
        Step("Gene", f"Open {gene}", "gene", at, "Where it is expressed, how it ranks, and which genes go with it."),
        Step("Neighbourhood", "Its neighbourhood", "neighbourhood", at, behind),
        _classify(dataset, view),
        _compare(dataset, view),
        _retrain(view),
        _synthetic(dataset, view),
        Step("", "Bring your own data", "data", state.link(),
             "Fetch biosamples from ARCHS4 by search, or build from a file that you have."),
    ]  # fmt: skip


def top_gene(dataset: StoredDataset) -> str:
    """What the best co-ranked gene is called in addresses."""
    return cached.best_genes(dataset, 1)[0]


def _classify(dataset: StoredDataset, view: Overview) -> Step:
    if view.classifier is None:
        return _without(view, "Classify", "Classify a sample", "classifier")
    learns = "What an unlabelled sample is, which genes decided, and how far to believe it."
    example, file = next(iter(uploads.EXAMPLES)), state.workspace().root / "demo"
    if dataset.simulated and (file / example).is_file():
        return Step("Classify", "Classify a sample", "classify", state.link(example=example), learns)
    bare = view.biosamples.loc[view.biosamples["labels"] == "", "sample_id"]
    one = str(bare.iloc[0]) if len(bare) else ""
    more = f"{learns} Begins with {one}." if one else f"{learns} Upload counts of your own."
    return Step("Classify", "Classify a sample", "classify", state.link(biosample=one), more)


def _compare(dataset: StoredDataset, view: Overview) -> Step:
    """Two labels as carts; carts that the user has filled stay as they are."""
    if any(cart.ids(dataset, which) for which in cart.CARTS):
        return Step("Samples", "Compare your carts", "samples", state.link(show="compare"),
                    "Which genes differ between cart A and cart B.")  # fmt: skip
    pair = _pair(dataset.name, dataset.view_key)
    if pair is None:
        return Step("Samples", "Search biosamples", "samples", state.link(),
                    "Find them by words and facets. To compare two tissues, add labels first: see Data.")  # fmt: skip
    (a, in_a), (b, in_b) = pair
    params = state.link(show="compare", cart_a=",".join(in_a), cart_b=",".join(in_b))
    learns = f"Which genes differ between {a} and {b}: {len(in_a)} biosamples against {len(in_b)}."
    return Step("Samples", "Compare two tissues", "samples", params, learns)


def _retrain(view: Overview) -> Step:
    if view.labels.empty:
        return _without(view, "Train", "Retrain", "classifier")
    return Step("Train", "Retrain", "train", state.link(model=FIRST_TAB),
                "How good the classifier is on studies it never saw, and whether other settings help.")  # fmt: skip


def _synthetic(dataset: StoredDataset, view: Overview) -> Step:
    run = state.workspace().active(dataset, "generator")
    if run is None:
        return _without(view, "Synthetic", "Synthetic samples", "generator")
    label = run.recipe["parameters"]["label"]
    return Step("Synthetic", f"Synthetic {label}", "synthetic", state.link(),
                "Whether generated profiles can be told from real ones, and whether they help.")  # fmt: skip


def _without(view: Overview, page: str, title: str, kind: str) -> Step:
    """A step that needs labels or a model: says so, and leads to where they are made."""
    if view.labels.empty:
        return Step(page, title, "data", state.link(), "Needs labels: add a table or rules on the Data page.")
    what = {"classifier": "a classifier", "generator": "a generator"}[kind]
    name = view.manifest["name"]
    if any(run.kind == kind and run.dataset == name for run in jobs.active_runs(state.workspace())):
        words = f"Needs {what}: one is being trained, see Jobs in the sidebar."
    else:
        words = f"Needs {what}: train one first, on the Train page."
    return Step(page, title, "train", state.link(model=runs.TABS[kind]), words)


@st.cache_data(max_entries=16, show_spinner=False)
def _pair(name: str, key: str) -> tuple[tuple[str, list[str]], tuple[str, list[str]]] | None:
    """Two labels with some biosamples of each that do not carry the other: the top gene's label, and the largest."""
    dataset = state.workspace().dataset(name)
    sizes = dataset.labels["label"].value_counts()
    top = dataset.rankings.loc[dataset.rankings["co_rank"] == dataset.rankings["co_rank"].min(), "top_label"]
    names = [each for each in dict.fromkeys([*top, *sizes.index]) if sizes.get(each, 0) >= LEAST]
    for other in names[1:]:
        found = ((names[0], _some(dataset, names[0], other)), (other, _some(dataset, other, names[0])))
        if min(len(ids) for _, ids in found) >= LEAST:
            return found
    return None


def _some(dataset: StoredDataset, label: str, without: str) -> list[str]:
    """Ids of a few biosamples of a label, the series in turns: those of one series are not independent."""
    carried = {
        each: set(rows["sample_id"]) for each, rows in dataset.labels.groupby("label") if each in (label, without)
    }
    rows: pd.DataFrame = dataset.biosamples[dataset.biosamples["sample_id"].isin(carried[label] - carried[without])]
    turns = rows.groupby("series_id").cumcount().sort_values(kind="stable")
    return [str(each) for each in rows.loc[turns.index[:FEW], "sample_id"]]
