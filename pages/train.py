"""Train: retrain the classifier or the generator, watch it, compare runs, and choose the one in use."""

import streamlit as st

from core.store.datasets import StoredDataset
from pages.ui import feedback, registry, results, runs, state, training, widgets

HELP = r"""
**Classifier**: a forest or a linear model for several labels at once, scored on biosamples that it never saw. The
*random* split (67/33) is the published way; it puts biosamples of one study on both sides, so it flatters. The split
that keeps *whole series together* says what to expect of a new study. Both stand beside the majority label and the
published forest of 10 trees. Everything that is fitted (quantile target, choice of genes and settings, thresholds) is
fitted on the training part alone; the model that is kept is then fitted on all labelled biosamples. A cell of the table
of labels or of the confusion matrix leads to the biosamples behind it; the list is in the page's address.

**Synthetic samples**: a conditional Wasserstein GAN with gradient penalty (the default), conditional flow matching, the
plain GAN of the published work, or one of the simple generators that these have to beat. About a third of the label's
biosamples is held out, by whole series where it can be, and nothing is fitted on it. The critic's
loss (negative, as plotted by Gulrajani et al.) is
$\mathbb{E}[D(x)] - \mathbb{E}[D(\tilde x)] - \lambda\,\mathbb{E}[(\lVert\nabla D\rVert_2 - 1)^2]$ and falls towards 0.

**In use**: the run that somebody promoted, else the first that finished; a later training changes no prediction by
itself. *Roll back* goes to the run that was in use before, and again to the one before that. A run in use cannot be
deleted.
"""


def show(dataset: StoredDataset, kind: str) -> None:
    """One kind of model: the form, what runs, the history, then the runs that were chosen."""
    training.FORMS[kind](dataset)
    training.show_live(dataset, kind)
    registry.show_in_use(dataset, kind)
    history = training.show_history(dataset, kind)
    chosen = training.choose_runs(history, kind)
    if len(chosen) > 1:
        results.compare(history, chosen, kind)
    elif chosen:
        results.show_run(dataset, history, chosen[0], kind)


dataset = state.dataset()
widgets.title(
    "Train", "Retrain a model, watch it learn, compare runs, choose the one that the pages use.", HELP, dataset
)
tabs = st.tabs(list(runs.TABS.values()), key="model", bind="query-params")
for kind, tab in zip(runs.TABS, tabs, strict=True):
    if tab.open:
        with tab, feedback.errors():
            show(dataset, kind)
