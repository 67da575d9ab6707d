"""Which generator to use for a label: the models that were trained for it side by side, and what that recommends."""

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.store.datasets import StoredDataset
from pages.ui import state, widgets

MODELS = {
    "model": st.column_config.TextColumn("Model", width=120),
    "runs": st.column_config.NumberColumn("Runs", width=60),
    "seeds": st.column_config.TextColumn("Seeds", width=110),
    "targets": st.column_config.TextColumn("Targets reached", width=125),
    "against": st.column_config.TextColumn("At least as good as the PCA-Gaussian", width=240),
}
FIXED = {
    "title": st.column_config.TextColumn("Measure", width=300, pinned=True),
    "real_real": st.column_config.NumberColumn("Real vs real", format="%.3f", width=100),
    "rule": st.column_config.TextColumn("Target", width=230),
}


def section(dataset: StoredDataset, label: str) -> None:
    """The comparison of all finished generators of a label, folded away until it is asked for."""
    choice = wf.compare_generators(state.workspace(), dataset.name, label)
    with st.expander(f"Which generator? {choice.words}", icon=":material/balance:"):
        st.caption(
            "Means over the runs of each model, every run with other biosamples held out. All stand beside each "
            "other: the one that reaches the most targets is recommended, a baseline too."
        )
        st.dataframe(
            _models(choice.models), hide_index=True, column_config=MODELS, height="content", alt="Models by targets"
        )
        names = choice.models["model"].tolist()
        columns = {name: st.column_config.TextColumn(name, width=110) for name in names}
        st.dataframe(
            _measures(choice), hide_index=True, column_config=FIXED | columns, height="content",
            column_order=["title", "real_real", *names, "rule"], alt=f"Every measure of {len(names)} models",
        )  # fmt: skip
        widgets.downloads(choice.measures, f"{dataset.name}-{label.replace(' ', '-')}-generators")


def _models(models: pd.DataFrame) -> pd.DataFrame:
    none = models["compared"] == 0
    against = models["at_least_pca_gaussian"].astype(str) + " of " + models["compared"].astype(str)
    return models.assign(
        targets=models["reached"].astype(str) + " of " + models["measures"].astype(str),
        against=against.mask(none, "is it"),
    )[list(MODELS)]


def _measures(choice: wf.GeneratorChoice) -> pd.DataFrame:
    table = choice.measures.copy()
    for model in choice.models["model"]:
        mark = table[f"{model}_verdict"].map({"pass": " ✓", "fail": " ✗"}).fillna("")
        table[model] = table[model].map("{:.3f}".format, na_action="ignore").fillna("") + mark
    return table
