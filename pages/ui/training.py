"""What the Train page is made of: the forms, a live job, the history, runs side by side, one run in detail."""

from typing import Any

import pandas as pd
import streamlit as st

from core import jobs
from core import workflows as wf
from core.figures import train as charts
from core.store.datasets import StoredDataset
from core.workflows import RunView
from pages.ui import feedback, runs, state, widgets

LIVE = ("queued", "running")


def start(dataset: StoredDataset, kind: str, parameters: dict[str, Any]) -> None:
    """Starts a training as a job, and puts it into the address."""
    run = jobs.start(state.workspace(), kind, dataset.name, parameters)
    state.set_params(**{f"{kind}_runs": run.id})
    st.toast(f"Training started: {runs.describe(parameters)}", icon=":material/model_training:")


def show_live(dataset: StoredDataset, kind: str) -> None:
    """Every training of this kind that runs or waits: its panel, and its curve as it grows."""
    for run in jobs.active_runs(state.workspace()):
        if run.dataset == dataset.name and run.kind == kind:
            with st.container(border=True):
                st.markdown(f"**Training** · {runs.name_of(run)}")
                feedback.job_panel(run)
                _live_chart(run.id, kind)


@st.fragment(run_every=2.0)
def _live_chart(run_id: str, kind: str) -> None:
    view = wf.run_view(state.workspace(), run_id)
    if view.run.status in LIVE:
        _progress_chart(view, kind, f"live_{run_id}")


def _progress_chart(view: RunView, kind: str, key: str) -> None:
    """Trees grown, or the losses; nothing before there is a figure to draw."""
    if kind == "classifier" and "trees" in view.steps:
        widgets.chart(charts.tree_progress(view.steps), key=key)
    elif kind == "generator" and charts.curve_columns(view.steps):
        widgets.chart(charts.loss_curves({"this run": view.steps}), key=key)
