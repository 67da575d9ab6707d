"""What the Synthetic page is made of: the drawn samples, the verdict on them, and taking them away."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.store.workspace import Workspace
from core.workflows import SyntheticView
from pages.ui import reports, runs, state

FORMATS = {
    "csv": ("CSV", "text/csv"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "h5": ("ARCHS4 .h5", "application/x-hdf5"),
}
FIGURE = {"width": 105, "format": "%.3f"}
SCORECARD = {
    "title": st.column_config.TextColumn("Measure", width=410),
    "verdict": st.column_config.TextColumn("Verdict", width=70),
    "synthetic": st.column_config.NumberColumn("Synthetic", **FIGURE),
    "real_real": st.column_config.NumberColumn("Real vs real", help="The same between two sets of real ones", **FIGURE),
    "pca_gaussian": st.column_config.NumberColumn("PCA-Gaussian", help="The same for the simplest generator", **FIGURE),
    "direction": st.column_config.TextColumn("Better", width=70),
    "rule": st.column_config.TextColumn("Target"),
}


@st.cache_resource(max_entries=3, show_spinner="Drawing synthetic samples and comparing them with the real ones …")
def _compare(key: str, run_id: str, n: int, seed: int) -> SyntheticView:
    return wf.compare_synthetic(state.workspace(), run_id, n, seed)


def compare(dataset: StoredDataset, run: Run, n: int, seed: int) -> SyntheticView:
    """The drawn samples beside the real ones, kept for the next rerun; to be read, not changed."""
    return _compare(dataset.view_key, run.id, n, seed)


def banner(dataset: StoredDataset, view: SyntheticView) -> None:
    """What is looked at, and every reason not to trust it."""
    label, real = view.set.label, int((view.projection["kind"] == f"real {view.set.label}").sum())
    text = (
        f"**{len(view.set.sample_ids):,} synthetic {label} samples** beside the dataset's {real:,} real ones. A model "
        "made them: use them to enlarge a training set, never as evidence about biology."
    )
    if dataset.simulated:
        text += " This whole dataset is **simulated**: what is called real here was never measured either."
    st.info(text, icon=":material/science:")
    for warning in [*warnings(view.scorecard), *view.notes]:
        st.warning(warning, icon=":material/warning:")


def warnings(scorecard: pd.DataFrame) -> list[str]:
    """Where the simple baseline is better, and where samples look like copies, in words."""
    found = []
    compared = scorecard[scorecard["beats_baseline"].notna()]
    lost = compared[~compared["beats_baseline"].astype(bool)]
    if len(lost):
        names = ", ".join(title[0].lower() + title[1:] for title in lost["title"])
        found.append(f"The PCA-Gaussian baseline is better on {len(lost)} of {len(compared)} measures: {names}.")
    ratio = scorecard.set_index("metric")["synthetic"].get("closest_train_ratio")
    if ratio is not None and ratio < 0.9:
        found.append(
            f"Samples look copied: they lie at {ratio:.0%} of the distance that unseen real biosamples have to the "
            "closest training biosample."
        )
    leak = scorecard[(scorecard["metric"] == "membership_auc") & (scorecard["verdict"] == "fail")]
    if len(leak):
        found.append(
            "Samples give training biosamples away: the distance to the closest sample tells them from unseen ones "
            f"with an AUC of {leak['synthetic'].iloc[0]:.2f} (0.5 = not at all)."
        )
    return found


def show_scorecard(card: pd.DataFrame) -> None:
    """Every measure beside the same between two real sets, and beside the baseline."""
    passed = int((card["verdict"] == "pass").sum())
    st.markdown(f"**Scorecard: {passed} of {len(card)} measures reach their target**")
    shown = card.assign(verdict=card["verdict"].map({"pass": "✓ pass", "fail": "✗ fail"}))
    order = [name for name in SCORECARD if name in shown]
    st.dataframe(shown, hide_index=True, column_config=SCORECARD, column_order=order, height="content", alt="Scorecard")


def choose_sample(view: SyntheticView) -> tuple[str, str]:
    """One synthetic sample (in the address) and its nearest real biosample, named."""
    chosen = runs.pick("Synthetic sample, ringed in the map", view.set.sample_ids, "synthetic")
    row = view.projection.set_index("sample_id").loc[chosen]
    nearest = str(row["nearest_real"])
    st.caption(f"Its nearest real {view.set.label} biosample is **{nearest}**, cosine {row['nearest_cosine']:.3f}.")
    return chosen, nearest


def downloads(view: SyntheticView, run: Run, n: int, seed: int) -> None:
    """Counts of the drawn samples; each file is made when its button is pressed."""
    stem = f"synthetic-{view.set.label.replace(' ', '-')}-{run.id[-4:]}-n{n}-seed{seed}"
    st.markdown("**Download the synthetic counts**")
    with st.container(horizontal=True):
        for suffix, (words, mime) in FORMATS.items():
            st.download_button(
                words, file_content(run.id, view, suffix), f"{stem}.{suffix}", mime, icon=":material/download:",
                on_click="ignore", key=f"download_{suffix}",
            )  # fmt: skip
        reports.button("run", state.workspace().dataset(run.dataset), run.id)


def file_content(run_id: str, view: SyntheticView, suffix: str) -> Callable[[], bytes]:
    """Makes the file's bytes when called."""
    return partial(_write, state.workspace(), run_id, view, suffix)


def _write(workspace: Workspace, run_id: str, view: SyntheticView, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"synthetic.{suffix}"
        wf.export_synthetic(workspace, run_id, view.set, path)
        return path.read_bytes()
