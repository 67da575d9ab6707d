"""Synthetic samples in a classifier's training, on the Train page: asked for in the form, judged in the evaluation."""

from typing import Any

import streamlit as st

from core import workflows as wf
from core.figures import augmented as charts
from core.store.datasets import StoredDataset
from core.workflows import RunView
from pages.ui import state, widgets

MODELS = {
    "pca-gaussian": "Gaussian in PCA space (default)", "smote": "SMOTE", "bootstrap": "Resampling with noise",
    "flow-matching": "Flow matching", "wgan-gp": "Wasserstein GAN (slow)",
    "published": "Plain GAN of the published work (slow)",
}  # fmt: skip
EXPLAINED = (
    "Fills each chosen label up in the **training parts** alone, by a generator fitted on that part alone; scores, "
    "calibration and the novelty limit stay on real biosamples. Every score is shown with and without them. "
    "Off by default: in the studies of `docs/augmentation.md` the Gaussian, which takes seconds, added to class "
    "weights for one label of three; the GAN and flow matching were not shown to add to them, nor to beat the Gaussian."
)
TO_HELP = (
    "Biosamples of the label in a training part, real and synthetic. Empty: the median of the other labels, or 30."
)
STEPS_HELP = "Training steps of each GAN; one that is trained by itself takes 2,500."
NUMBER = st.column_config.NumberColumn
TABLE = {
    "split": st.column_config.TextColumn("Split", width=160), "label": st.column_config.TextColumn("Label", width=85),
    "measure": st.column_config.TextColumn("Score", width=165),
    "n": NUMBER("Tested", format="localized", width=60, help="Real test biosamples that carry the label"),
    "with": NUMBER("With", format="%.3f", width=65), "without": NUMBER("Without", format="%.3f", width=70),
    "difference": NUMBER("Difference", format="%+.3f", width=80),
    "low": NUMBER("95 % from", format="%+.3f", width=80, help="Bootstrap over test series, or test biosamples"),
    "high": NUMBER("to", format="%+.3f", width=65), "verdict": st.column_config.TextColumn("Verdict", width=180),
}  # fmt: skip


def choose(dataset: StoredDataset) -> dict[str, Any]:
    """What to add to which rare labels; {} where nothing is chosen, as it is to begin with."""
    sizes = wf.augmentable(dataset)
    with st.expander("Synthetic samples for rare labels (none unless chosen)", icon=":material/auto_awesome:"):
        st.caption(EXPLAINED)
        labels = st.multiselect(
            "Labels to fill up, the rarest first", list(sizes), format_func=lambda name: f"{name} ({sizes[name]:,})",
            key="augment_labels", max_selections=8, placeholder="none",
        )  # fmt: skip
        if not labels:
            return {}
        with st.container(horizontal=True):
            model = st.selectbox("Generator", list(MODELS), format_func=MODELS.get, key="augment_model", width=310)
            to = st.number_input("Fill up to", 5, 100_000, None, placeholder="automatic", help=TO_HELP, width=155,
                                 key="augment_to")  # fmt: skip
            chosen = {"augment": labels, "augment_model": model, "augment_to": to}
            if model in ("wgan-gp", "published"):
                chosen["augment_steps"] = st.number_input(
                    "GAN steps", 1, 200_000, wf.default_parameters("classifier")["augment_steps"], 100,
                    help=STEPS_HELP, width=155, key="augment_steps",
                )  # fmt: skip
        st.caption(f":material/schedule: {wf.augmentation_time(chosen)}")
    return chosen


def check(dataset: StoredDataset, parameters: dict[str, Any]) -> None:
    """Raises RecipeError where a classifier of these parameters cannot be trained."""
    wf.check_classifier(state.workspace(), dataset.name, parameters)


def show(dataset: StoredDataset, view: RunView) -> None:
    """The scores with and without synthetic samples, of a run that was trained with any."""
    said = wf.augmentation_verdicts(view.metrics)
    if not said:
        return
    st.subheader("With and without synthetic samples", anchor=False)
    st.markdown(said[0])
    table = wf.augmentation_table(view.metrics)
    left, right = st.columns(2, gap="large")
    with left:
        for line in said[1:]:
            st.markdown(f"- {line}")
        st.caption(
            "Both models share target, genes, settings and test biosamples: only the added rows, and the calibration "
            "that follows, differ. Verdicts are read from the interval of the average precision, not from the mean; of "
            "twenty intervals, one misses by chance."
        )
    with right:
        widgets.chart(charts.differences(table), key="augmented", alt=alt(said))
    st.dataframe(table, hide_index=True, column_config=TABLE, placeholder="–", height="content",
                 alt="Scores with and without synthetic samples")  # fmt: skip
    widgets.downloads(table, f"{dataset.name}-{view.run.id}-augmentation")


def alt(said: list[str]) -> str:
    """The chart in words: every verdict."""
    return "Scores with minus without synthetic samples. " + " ".join(said[1:])
