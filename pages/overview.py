"""Overview: what the dataset is, what normalisation did to it, where it came from, and what to do next."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.figures import overview as figures
from core.store.datasets import StoredDataset
from core.workflows import Overview
from pages.ui import cached, drawn, facts, feedback, first_steps, state, widgets

HELP = r"""
Counts $X$ become $L = \log_2(1 + X)$. **Quantile normalisation** gives every biosample one and the same distribution:
the target $t$, the mean of all biosamples' sorted $L$; a value becomes the target at its rank, tied values share one
value. Then each gene is divided by its length: $Y = Q / \text{length}$.

The three panels show the percentiles of about 40 biosamples at each stage. They should lie apart on the left, on one
curve in the middle, and nearly so on the right.
"""


def show_charts(dataset: StoredDataset, view: Overview) -> None:
    """Labels, depth, zeros, and the distributions before and after."""
    left, right = st.columns([11, 9], gap="large")
    with left:
        st.header("Labels", anchor=False)
        if view.labels.empty:
            feedback.empty("This dataset has no labels. Add them on the Data page to see tissues and to train models.")
        else:
            figure = drawn.once(dataset, "labels", lambda: figures.label_sizes(view.labels))
            widgets.chart(figure, "labels", figures.labels_alt(view.labels))
            if len(view.labels) > figures.MOST_LABELS:
                st.caption(f"The {figures.MOST_LABELS} largest of {len(view.labels):,} labels; the tables have all.")
            widgets.downloads(view.labels, f"{view.manifest['name']}-labels")
    with right:
        st.header("Sequencing depth", anchor=False)
        figure = drawn.once(dataset, "depth", lambda: figures.depth(view.biosamples))
        widgets.chart(figure, "depth", figures.depth_alt(view.biosamples))
        st.header("Genes without counts", anchor=False)
        figure = drawn.once(dataset, "zeros", lambda: figures.zero_share(view.biosamples))
        widgets.chart(figure, "zeros", figures.zeros_alt(view.biosamples))
    st.header("Before and after normalisation", anchor=False)
    stages = drawn.once(dataset, "stages", lambda: _stages(view))
    for column, (stage, (figure, told)) in zip(st.columns(len(stages), gap="medium"), stages.items(), strict=True):
        with column:
            st.markdown(f"**{stage[:1].upper()}{stage[1:]}**" if stage[:3] != "log" else f"**{stage}**")
            widgets.chart(figure, f"normalisation-{stage}", told)
            st.caption(told)


def _stages(view: Overview) -> dict[str, tuple[go.Figure, str]]:
    """The distributions at each stage of normalisation: figure, and what it shows."""
    told = view.distributions
    return {
        stage: (figures.normalisation(told, stage), figures.normalisation_alt(told, stage))
        for stage in told["stage"].unique()
    }


dataset = state.dataset()
widgets.title("Overview", "What this dataset is, and where it came from.", HELP, dataset)
with feedback.errors():
    view = cached.overview(dataset)
    facts.summary(view)
    facts.warnings(view.manifest)
    first_steps.show(dataset, view)
    show_charts(dataset, view)
    st.header("Where it came from", anchor=False)
    table: pd.DataFrame = facts.provenance(view)
    st.dataframe(table, hide_index=True, height="content", alt="Provenance", column_config=facts.columns())
    widgets.downloads(table, f"{dataset.name}-provenance")
