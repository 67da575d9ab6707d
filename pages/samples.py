"""Samples: finding biosamples, keeping them in two carts, comparing the carts gene by gene, and one in detail."""

import streamlit as st

from core import workflows as wf
from core.figures import samples as words
from core.figures.projection import projection
from core.store.datasets import StoredDataset
from pages.ui import cached, cart, comparing, feedback, one_biosample, projections, sample_search, state, widgets

HELP = r"""
**Find** biosamples by words, a regular expression and facets. The number beside each value of a facet counts the
biosamples that pass everything else, so it says what choosing that value would give.

**Carts** A and B keep biosamples while you look for others. The comparison is of $Q$, the quantile-normalised
$\log_2(1 + \text{count})$: the **log2 fold change** is $\bar Q_A - \bar Q_B$. The test is Wilcoxon's rank-sum test, in
which all zero counts are one value; p is adjusted over all tested genes (Benjamini and Hochberg). **AUROC** is the
chance that a biosample of A is above one of B: 0.5 = no difference, 1 or 0 = every one.

Biosamples of one series are not independent. A test cannot know that: look at how many series stand on each side.
"""
SHOWS = {"map": "Carts on the map", "compare": "Compare A with B", "biosample": "Biosample"}


def choose_view() -> str:
    """What to show below the carts; the address keeps it."""
    asked = state.param("show")
    st.session_state["show_control"] = asked if asked in SHOWS else "map"

    def changed() -> None:
        state.set_params(show=st.session_state["show_control"])

    return str(st.segmented_control(
        "Show", list(SHOWS), format_func=SHOWS.__getitem__, key="show_control", required=True, on_change=changed,
        label_visibility="collapsed",
    ))  # fmt: skip


def from_map() -> None:
    """A click on a point opens that biosample."""
    ids = widgets.chosen_ids(st.session_state["cart_map"])
    if ids:
        state.set_params(sample=ids[-1], show="biosample")


def show_map(dataset: StoredDataset) -> None:
    """All biosamples, coloured by cart."""
    if not (wf.is_quick(state.workspace(), dataset.name, "pca") or wf.is_ready(state.workspace(), dataset.name, "pca")):
        feedback.empty("The map of this dataset is not made yet: the Neighbourhood page makes it, once.")
        return
    carts = {which: cart.ids(dataset, which) for which in cart.CARTS}
    points = cached.projection(dataset)
    here = state.param("sample")
    drawn = projections.thinned(points, [here, *(sample_id for ids in carts.values() for sample_id in ids)])
    figure = projection(drawn, [], here, "cart", carts=carts, whole=points)
    widgets.chart(figure, "cart_map", words.map_alt(points, carts), from_map)
    st.caption("A click on a point opens that biosample.")


dataset = state.dataset()
purpose = "Find biosamples, keep them in two carts, and compare the carts gene by gene."
widgets.title("Samples", purpose, HELP, dataset)
with feedback.errors():
    cart.sync(dataset)
    sample_search.section(dataset)
st.header("Carts", anchor=False, divider="gray")
with feedback.errors():
    cart.panel(dataset)
view = choose_view()
with feedback.errors():
    {"map": show_map, "compare": comparing.section, "biosample": one_biosample.section}[view](dataset)
