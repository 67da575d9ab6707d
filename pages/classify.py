"""Classify: what a sample is, what it is like, and which of its genes stand out."""

import streamlit as st

from core import workflows as wf
from core.figures import classify as charts
from core.types import Prediction
from pages.ui import feedback, predictions, runs, state, widgets

HELP = r"""
A random forest reads the sample after it was put onto the **stored quantile target** of the training biosamples: each
count becomes $\log_2(1+x)$, then the target's value at its rank. Each label gets a probability of its own.
The model **abstains** where few genes match, where no probability is high enough, or where the sample is unlike all
training biosamples (novelty). Nearest biosamples are by cosine of whole profiles; high genes by robust z-score,
$z = (q - \mathrm{median}) / (1.4826 \cdot \mathrm{MAD})$.
"""
COLUMNS = ["sample", "predicted", "probability", "abstained", "novelty"]
FIGURES = dict.fromkeys(["probability", "novelty"], st.column_config.NumberColumn(format="%.2f"))


def choose_sample(found: list[Prediction]) -> Prediction:
    """All samples of the file in a chart and a table, and a picker of one."""
    table = wf.predictions_table(found)
    names = table["sample"].tolist()
    left, right = st.columns(2, gap="large")
    with right:
        chosen = runs.pick("Sample to look at", names, "item")
        st.dataframe(table[COLUMNS], hide_index=True, column_config=FIGURES, height=290, alt="All samples of the file")
    with left:
        st.markdown("**All samples of the file**")
        widgets.chart(charts.samples(table, chosen), key="samples", alt="Probability against novelty of each sample")
    return found[names.index(chosen)]


def show(found: Prediction) -> None:
    """One sample: the call, its likes, its unusual genes."""
    label = found.predicted[0] if found.predicted else ""
    st.subheader(found.sample, anchor=False, divider="gray")
    predictions.show_verdict(found)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Probability of each label**")
        figure = charts.probabilities(found.probabilities, found.predicted)
        widgets.chart(figure, key="probabilities", alt=f"{found.sample}: {label}, {found.probability:.2f}")
    with right:
        st.markdown("**Most similar biosamples of the dataset**")
        nearest = widgets.with_geo(found.nearest)
        order = ["sample_id", "title", "labels", "cosine", "series_id", "geo"]
        st.dataframe(
            nearest,
            hide_index=True,
            height=300,
            column_order=order,
            column_config=widgets.sample_columns(),
            alt="Nearest",
        )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Unusually high genes**")
        figure = charts.high_genes(found.high_genes, label)
        widgets.chart(figure, key="high", alt="Robust z-scores of the highest genes")
    with right:
        st.markdown(f"**The same in figures**: robust z against all biosamples and against {label or 'the label'}")
        st.dataframe(predictions.gene_table(found, label), hide_index=True, height=480, alt="High genes")


dataset = state.dataset()
widgets.title("Classify", "What is this sample, what is it like, and which of its genes stand out?", HELP, dataset)
run = runs.pick_run(dataset, "classifier", "Model")
if run is not None:
    source = predictions.choose_source(dataset)
    with feedback.errors():
        if source is not None:
            matched, found = predictions.classified(dataset, run, source)
            predictions.show_matching(matched, found)
            show(choose_sample(found) if len(found) > 1 else found[0])
            predictions.downloads(found, run)
