"""Classify: what a sample is, what it is like, and which of its genes stand out."""

import streamlit as st

from core.figures import classify as charts
from core.store.runs import Run
from core.types import Prediction
from pages.ui import batch, feedback, predictions, runs, state, uploads, widgets

HELP = r"""
The model reads the sample after it was put onto the **stored quantile target** of the training biosamples: each gene
gets the target's value at its rank. So only the order of genes counts: TPM and RPKM are first multiplied by gene
length, which turns the order of counts back. Each label gets a probability of its own; it falls with the distance to
the nearest training biosample (novelty). The model **abstains** where few genes match, or where the probability is
below the level from which on 95 % of calls were right in studies that it had not seen.

Genes that decided: how far each moved the votes for the label along the trees (in a linear model, weight times value).
Nearest biosamples are by cosine of whole profiles; high genes by robust z-score,
$z = (q - \mathrm{median}) / (1.4826 \cdot \mathrm{MAD})$.
"""


def show(found: Prediction, run: Run) -> None:
    """One sample: the call, its likes, the genes that decided, its unusual genes."""
    label = found.predicted[0] if found.predicted else ""
    st.header(found.sample, anchor=False, divider="gray")
    predictions.show_verdict(found, run)
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
        st.markdown(f"**Genes that decided** for {label}")
        figure = charts.deciding_genes(found.deciding_genes, label, predictions.unit_of(run))
        widgets.chart(figure, key="deciding", alt="Contributions of genes to the label")
    with right:
        st.markdown("**The same in figures**: value here, and the median of the training biosamples")
        st.dataframe(predictions.decision_table(found), hide_index=True, height=480, alt="Deciding genes")
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
    source = uploads.choose_source(dataset)
    with feedback.errors():
        if source is not None:
            answer = predictions.classified(dataset, run, source)
            predictions.show_matching(answer)
            position = batch.choose(answer.found) if len(answer.found) > 1 else 0
            predictions.downloads(dataset, run, answer)
            show(predictions.explained(dataset, run, answer, position), run)
