"""Synthetic: generated biosamples of a rare label beside the real ones, and whether to trust them."""

import streamlit as st

from core.figures import synthetic as charts
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.workflows import SyntheticView
from pages.ui import augmentation, choosing, feedback, generated, resuming, runs, state, widgets

HELP = r"""
A generator that was trained on the real biosamples of the dataset draws profiles of a rare label. **No biosample shown
here as synthetic was ever measured.** Real biosamples that the generator never saw are the yardstick: each measure is
given beside the same measure between two sets of real biosamples, and beside a Gaussian in PCA space, the simplest
generator, which all others have to beat. The published work judged by the distance to the representative biosample
alone, which a generator that copies that one biosample would win; it is shown here beside the same histogram of real
biosamples.

*Do they help?*, below, asks what synthetic samples are for: whether a classifier finds the rare label better with them.
"""


def ask(dataset: StoredDataset) -> tuple[Run, int, int] | None:
    """Which run, how many samples, which seed; all in the address."""
    left, middle, right = st.columns([4, 1, 1])
    with left:
        run = runs.pick_run(dataset, "generator", "Generator")
    if run is None:
        return None
    number = middle.number_input("Synthetic samples", 2, 1000, 100, 10, key="n", bind="query-params")
    seed = right.number_input("Seed", 1, 2**31 - 1, 1, key="seed", bind="query-params")
    return run, int(number), int(seed)


def show_places(view: SyntheticView) -> None:
    """The map of real and synthetic, one synthetic sample with its nearest real one, and the distances."""
    left, right = st.columns([3, 2], gap="large")
    with right:
        chosen, nearest = generated.choose_sample(view)
        st.markdown("**Distance to the representative biosample**")
        told = f"Distances of real and synthetic {view.set.label} samples to the representative biosample"
        widgets.chart(charts.distance_histogram(view.distances, view.set.label), key="distances", alt=told)
    with left:
        st.markdown(f"**Real and synthetic {view.set.label} among all biosamples**")
        told = f"Real and synthetic {view.set.label} samples on a map of {len(view.projection):,} points"
        figure = charts.projection(view.projection, view.set.label, chosen, nearest)
        widgets.chart(figure, key="projection", alt=told)


def show_genes(view: SyntheticView) -> None:
    """Per-gene mean, spread and zeros, real against synthetic, and the label's top genes."""
    for column, statistic in zip(st.columns(3), charts.STATISTICS, strict=True):
        with column:
            st.markdown(f"**Per gene: {charts.STATISTICS[statistic][0]}**")
            told = f"{charts.STATISTICS[statistic][0]} of {len(view.genes):,} genes, synthetic against real"
            figure = charts.gene_agreement(view.genes, statistic, view.set.label)
            widgets.chart(figure, key=f"genes_{statistic}", alt=told)
    st.markdown(f"**Genes that mark {view.set.label}: real biosamples above, synthetic below**")
    told = f"z-scores of genes that mark {view.set.label} in real biosamples (above) and synthetic ones (below)"
    figure = charts.heatmap(view.heatmap, view.heatmap_kinds, "z-score against all biosamples")
    widgets.chart(figure, key="heatmap", alt=told)


dataset = state.dataset()
widgets.title("Synthetic", "Generated biosamples of a rare label, beside the real ones.", HELP, dataset)
resuming.offer(dataset)
asked = ask(dataset)
if asked is not None:
    with feedback.errors():
        view = generated.compare(dataset, *asked)
        generated.banner(dataset, view)
        show_places(view)
        generated.show_scorecard(view.scorecard)
        choosing.section(dataset, view.set.label)
        show_genes(view)
        generated.downloads(view, *asked)
augmentation.section(dataset)
