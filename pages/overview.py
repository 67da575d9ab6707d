"""Overview: what the dataset is, what normalisation did to it, where it came from, and what to do next."""

import pandas as pd
import streamlit as st

from core.figures import overview as figures
from core.workflows import Overview
from pages.ui import cached, facts, feedback, state, widgets

HELP = r"""
Counts $X$ become $L = \log_2(1 + X)$. **Quantile normalisation** gives every biosample one and the same distribution:
the target $t$, the mean of all biosamples' sorted $L$; a value becomes the target at its rank, tied values share one
value. Then each gene is divided by its length: $Y = Q / \text{length}$.

The three panels show the percentiles of about 40 biosamples at each stage. They should lie apart on the left, on one
curve in the middle, and nearly so on the right.
"""
NEXT = (
    ("rankings", "Rank genes", ":material/leaderboard:", "Which genes stand out somewhere?"),
    ("neighbourhood", "Neighbours", ":material/hub:", "Which biosamples give a gene its signal?"),
    ("classify", "Classify", ":material/biotech:", "What is an unlabelled biosample?"),
    ("train", "Retrain", ":material/model_training:", "Does another setting do better?"),
    ("synthetic", "Synthesize", ":material/auto_awesome:", "Do generated samples look real?"),
    ("data", "Add data", ":material/database:", "Build a dataset from an ARCHS4 file."),
)  # fmt: skip


def show_next() -> None:
    """Where to go from here."""
    st.subheader("Next steps", anchor=False)
    with st.container(horizontal=True, gap="small"):
        for page, label, icon, why in NEXT:
            with st.container(border=True, width=150, height="stretch"):
                st.page_link(f"pages/{page}.py", label=label, icon=icon, query_params=state.link())
                st.caption(why)


def show_charts(view: Overview) -> None:
    """Labels, depth, zeros, and the distributions before and after."""
    left, right = st.columns([11, 9], gap="large")
    with left:
        st.subheader("Labels", anchor=False)
        if view.labels.empty:
            feedback.empty(
                "This dataset has no labels. Build it again with a label table to see tissues and to train models."
            )
        else:
            widgets.chart(figures.label_sizes(view.labels), "labels", f"Largest label: {view.labels['label'].iloc[0]}")
            widgets.downloads(view.labels, f"{view.manifest['name']}-labels")
    with right:
        st.subheader("Sequencing depth", anchor=False)
        widgets.chart(figures.depth(view.biosamples), "depth", "Histogram of counts in each biosample")
        st.subheader("Genes without counts", anchor=False)
        widgets.chart(figures.zero_share(view.biosamples), "zeros", "Histogram of the share of genes without counts")
    st.subheader("Before and after normalisation", anchor=False)
    stages = view.distributions["stage"].unique()
    for column, stage in zip(st.columns(len(stages), gap="medium"), stages, strict=True):
        with column:
            st.markdown(f"**{stage[:1].upper()}{stage[1:]}**" if stage[:3] != "log" else f"**{stage}**")
            told = f"Percentile curves of some biosamples, {stage}"
            widgets.chart(figures.normalisation(view.distributions, stage), f"normalisation-{stage}", told)


dataset = state.dataset()
widgets.title("Overview", "What this dataset is, and where it came from.", HELP, dataset)
with feedback.errors():
    view = cached.overview(dataset)
    facts.summary(view)
    facts.warnings(view.manifest)
    show_next()
    show_charts(view)
    st.subheader("Where it came from", anchor=False)
    table: pd.DataFrame = facts.provenance(view)
    st.dataframe(table, hide_index=True, height="content", alt="Provenance", column_config=facts.columns())
    widgets.downloads(table, f"{dataset.name}-provenance")
