"""The map of all biosamples on the Neighbourhood page: its method, its colours, a job to make it, a lasso.

The corners of the lasso are in the address (``lasso``), not the biosamples inside: a link stays short, and opens the
same selection as long as the dataset and the map are the same.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import access, jobs
from core import workflows as wf
from core.access import Role
from core.figures import projection as figures
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.types import NeighbourhoodView
from pages.ui import cached, cart, drawn, feedback, people, samples, state, trail, widgets

METHODS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
CORNERS = 40  # of a lasso in the address
TOLD = {
    "pca": "Principal components of the most variable genes: distances mean something, but two axes hide a lot.",
    "tsne": "t-SNE: what is near is alike; sizes of groups and distances between them mean little.",
    "umap": "UMAP: what is near is alike; sizes of groups and distances between them mean little.",
}
TAKES = {"tsne": "About a minute for 10,000 biosamples", "umap": "About a minute for 20,000 biosamples"}


def section(dataset: StoredDataset, view: NeighbourhoodView, gene: str) -> None:
    """The whole section. Raises NotFoundError."""
    st.header("All biosamples", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = _control("Map", METHODS, "map")
        by = _control("Colour", figures.COLORS, "colour")
    workspace = state.workspace()
    if not wf.is_quick(workspace, dataset.name, method) and not wf.is_ready(workspace, dataset.name, method):
        _make(dataset, method)
        return
    members = view.members["sample_id"].tolist()
    points = cached.projection(dataset, method, _kept(dataset, method, members))
    corners = corners_of(state.param("lasso"), f"{dataset.key[:6]}-{method}")
    left, right = (st.container(), None) if corners is None else st.columns([13, 8], gap="large")
    with left:
        _draw(dataset, view, gene, points, method, by)
    if corners is not None and right is not None:
        with right, feedback.errors():
            _selection(dataset, wf.inside_lasso(points, corners), method)


def _control(name: str, options: dict[str, str], key: str) -> str:
    """A choice that the address holds by its short name."""
    chosen = state.param(key)
    st.session_state[f"{key}_control"] = chosen if chosen in options else next(iter(options))

    def changed() -> None:
        state.set_params(**{key: st.session_state[f"{key}_control"]})

    found = st.segmented_control(
        name, list(options), key=f"{key}_control", format_func=options.__getitem__, required=True, on_change=changed
    )
    return str(found)


def _kept(dataset: StoredDataset, method: str, members: list[str]) -> tuple[str, ...]:
    """Biosamples that a map of some of them needs all the same."""
    if len(dataset.biosamples) <= wf.MAP_LIMIT[method]:
        return ()
    here = state.param("sample")
    return tuple(dict.fromkeys([*members, *([here] if samples.has(dataset, here) else [])]))


def _make(dataset: StoredDataset, method: str) -> None:
    """A map that there is not yet: a button, or the job that makes it. PCA, the first map shown, starts by itself."""
    run = wf.projection_job(state.workspace(), dataset.name, method)
    if run is None and method == "pca" and access.may(Role.TRAINER):
        run = _start(dataset, method)
    if run is not None:
        feedback.job_panel(run)
    if run is None or run.status not in feedback.LIVE:
        feedback.empty(f"There is no {METHODS[method]} map of this dataset yet. It is made once and kept.")
        if people.welcome(Role.TRAINER, "Making it") and st.button(
            f"Make the {METHODS[method]} map", key="make_map", icon=":material/play_arrow:",
            help=TAKES.get(method, "Some seconds"),
        ):  # fmt: skip
            _start(dataset, method)
            st.rerun()


def _start(dataset: StoredDataset, method: str) -> Run:
    workspace = state.workspace()
    return jobs.start(workspace, "projection", dataset.name, wf.projection_parameters(workspace, dataset.name, method))


def _draw(
    dataset: StoredDataset, view: NeighbourhoodView, gene: str, points: pd.DataFrame, method: str, by: str
) -> None:
    more: dict[str, Any] = {}
    if by == "value":
        more = {"values": cached.gene(dataset, gene).biosamples.set_index("sample_id")["value"], "unit": view.unit}
    if by == "cart":
        more = {"carts": {which: cart.ids(dataset, which) for which in cart.CARTS}}
    members = view.members["sample_id"].tolist()
    in_carts = [sample_id for ids in more.get("carts", {}).values() for sample_id in ids]
    shown = thinned(points, [*members, state.param("sample"), *in_carts])
    sample = state.param("sample")
    make = partial(figures.projection, shown, members, sample, by, method, whole=points, **more)
    of_all = by != "cart"  # a cart is one session's own
    figure = drawn.once(dataset, "map", make, gene, sample, by, method, len(shown)) if of_all else make()
    key = f"projection-{dataset.key[:6]}-{method}-{st.session_state.get('lasso_turn', 0)}"

    def selected() -> None:
        _take(dataset, method, st.session_state[key])

    told = f"{len(shown):,} biosamples on a {METHODS[method]} map, {len(members)} of the neighbourhood ringed"
    widgets.chart(figure, key, told, on_select=selected, modes=("points", "box", "lasso"))
    st.caption(f"{TOLD[method]} {_subset(dataset, points)}Rings mark the neighbourhood. Click a biosample to see what "
               "is most like it; draw a lasso or a box to list those inside.")  # fmt: skip


def thinned(points: pd.DataFrame, keep: list[str]) -> pd.DataFrame:
    """The biosamples of a map to be drawn: of many some, until all are asked for; a lasso counts all either way."""
    if len(points) <= figures.DRAWN:
        return points
    words = f"Draw all {len(points):,} biosamples"
    told = f"Now {figures.DRAWN:,}, some of every label. A lasso or box takes in all of them either way."
    return points if st.toggle(words, key="map_all", bind="query-params", help=told) else figures.some_of(points, keep)


def _subset(dataset: StoredDataset, points: pd.DataFrame) -> str:
    n, drawn = len(dataset.biosamples), int((~points["placed"]).sum())
    if drawn == n:
        return ""
    put = int(points["placed"].sum())
    return f"The map is made of {drawn:,} of {n:,} biosamples, drawn with a seed; {put:,} more are put onto it. "


def _take(dataset: StoredDataset, method: str, event: Any) -> None:
    """What was drawn or clicked on the map, into the address."""
    selection = (event or {}).get("selection", {})
    corners = polygon(selection)
    ids = widgets.chosen_ids(event)
    if corners:
        flat = ",".join(f"{value:.4g}" for corner in corners for value in corner)
        state.set_params(lasso=f"{dataset.key[:6]}-{method}:{flat}")
    elif ids:
        trail.start(ids[-1])
    else:
        state.set_params(lasso=None)


def _clear() -> None:
    state.set_params(lasso=None)
    st.session_state["lasso_turn"] = st.session_state.get("lasso_turn", 0) + 1  # a chart without what was drawn


def polygon(selection: dict[str, Any]) -> list[tuple[float, float]]:
    """Corners of the last lasso or box of a chart's selection, thinned to a few; none where nothing was drawn."""
    for lasso in reversed(selection.get("lasso") or []):
        corners = list(zip(lasso["x"], lasso["y"], strict=True))
        step = -(-len(corners) // CORNERS)
        return [(float(x), float(y)) for x, y in corners[::step]]
    for box in reversed(selection.get("box") or []):
        (x0, x1), (y0, y1) = box["x"][:2], box["y"][:2]
        return [(float(x0), float(y0)), (float(x1), float(y0)), (float(x1), float(y1)), (float(x0), float(y1))]
    return []


def corners_of(text: str, prefix: str) -> np.ndarray | None:
    """The corners (v x 2) that the address holds; None where they are of another map, or no corners at all."""
    mine, _, flat = text.partition(":")
    try:
        values = np.array([float(value) for value in flat.split(",")])
    except ValueError:
        return None
    return values.reshape(-1, 2) if mine == prefix and len(values) >= 6 and len(values) % 2 == 0 else None


def _selection(dataset: StoredDataset, found: pd.DataFrame, method: str) -> None:
    """The biosamples inside the lasso."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(found):,} biosamples inside**", width="content")
        st.button("Clear", key="lasso_clear", icon=":material/close:", type="tertiary", on_click=_clear)
    if len(found):
        shown = found[["sample_id", "series_id", "title", "labels"]].reset_index(drop=True)
        samples.table(shown, "lasso", state.param("sample"), height=400, on_choose=trail.start)
        samples.actions(dataset, shown, f"{dataset.name}-{method}-selection", "lasso")
