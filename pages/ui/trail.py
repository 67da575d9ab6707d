"""A walk through the biosamples: from a member to its likes, to theirs, and back. All of it is in the address.

``sample`` is where the walk is, ``trail`` where it came through.
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.store.datasets import StoredDataset
from pages.ui import cached, samples, state

LONGEST = 12  # steps that an address holds
STEP = {
    "step": st.column_config.NumberColumn("Step", width=55),
    "cosine": st.column_config.NumberColumn(
        "To the one before", format="%.4f", help="Cosine similarity of whole normalised profiles", width=130
    ),
    "cosine_first": st.column_config.NumberColumn("To the first", format="%.4f", width=100),
}


def walk() -> list[str]:
    """Ids from where the walk began to where it is; none where no biosample is chosen."""
    here = state.param("sample")
    before = [sample_id for sample_id in state.param("trail").split(",") if sample_id]
    return [*before, here] if here else []


def start(sample_id: str) -> None:
    """Begins a walk at a biosample; "" ends it."""
    state.set_params(sample=sample_id, trail=None)


def onward(sample_id: str) -> None:
    """Goes on to a biosample; to one that the walk came through already, it goes back."""
    steps = walk()
    if not sample_id:
        return
    if sample_id in steps:
        back_to(steps.index(sample_id))
    else:
        state.set_params(sample=sample_id, trail=",".join(steps[-LONGEST:]))


def back_to(number: int) -> None:
    """Goes back to a step of the walk, counted from 0."""
    steps = walk()
    state.set_params(sample=steps[number], trail=",".join(steps[:number]))


def crumbs(gene: str) -> None:
    """The way that the walk took; each of its steps leads back to it."""
    steps = walk()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Back", key="trail_back", icon=":material/arrow_back:", disabled=not steps,
            on_click=back_to if len(steps) > 1 else start, args=(len(steps) - 2,) if len(steps) > 1 else ("",),
        )  # fmt: skip
        st.button(f"{gene}: its neighbourhood", key="trail_gene", type="tertiary", on_click=start, args=("",))
        for number, sample_id in enumerate(steps):
            st.markdown(":gray[›]", width="content")
            last = number == len(steps) - 1
            st.button(
                sample_id, key=f"trail_{number}", type="tertiary", disabled=last, on_click=back_to, args=(number,)
            )


def steps_table(dataset: StoredDataset) -> None:
    """What each step of the walk kept: cosine, labels, series. Raises NotFoundError."""
    ids = walk()
    if len(ids) < 2:
        return
    table = cached.trail(dataset, tuple(ids))
    shown = table.assign(step=range(len(table)))
    order = ["step", "sample_id", "labels", "cosine", "shared_labels", "same_series", "cosine_first", "series_id"]
    st.dataframe(
        shown, hide_index=True, column_order=[*order, "title"], column_config=samples.columns("") | STEP,
        alt="Steps of the walk", height="content",
    )  # fmt: skip


def words(likes: pd.DataFrame, labelled: bool) -> str:
    """The likes of a biosample in one sentence."""
    n, series = len(likes), likes["series_id"][likes["series_id"] != ""].nunique()
    same = int(likes["same_series"].sum())
    agree = f"{int((likes['shared_labels'] != '').sum())} share a label with it" if labelled else "it has no label"
    return (
        f"Of the {n} most similar biosamples, {agree}, {same} come from its own series, and all of them from {series} "
        f"series. Cosine {likes['cosine'].min():.3f} to {likes['cosine'].max():.3f}."
    )


def similar(dataset: StoredDataset, gene: str, members: Sequence[str]) -> None:
    """The walk: where it is, how it came there, and what to go on to. Raises NotFoundError.

    ``members``: ids of the neighbourhood that it may begin at.
    """
    st.header("Most similar biosamples", anchor=False)
    crumbs(gene)
    here = samples.picker(dataset, start, members)
    if not here:
        return
    samples.facts(dataset, here)
    steps_table(dataset)
    found = cached.similar_biosamples(dataset, here)
    labelled = bool(dataset.biosamples["labels"].iloc[dataset.biosample(here)])
    st.caption(words(found, labelled) + " Choose one to go on to its own.")
    samples.table(found, "similar", "", height=420, on_choose=onward)
    samples.actions(dataset, found, f"{dataset.name}-like-{here}", "similar")
