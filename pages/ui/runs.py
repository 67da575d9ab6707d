"""Trainings on a page: choose one by its id, say in words what it is, and what to do where there is none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core import jobs
from core import workflows as wf
from core.store.datasets import StoredDataset
from core.store.runs import Run
from pages.ui import feedback, state

KIND_WORDS = {"classifier": "classifier", "generator": "generator of synthetic samples"}


def pick(label: str, options: Sequence[str], name: str, words: Callable[[str], str] = str, **more: Any) -> str:
    """A select box whose choice is the address's ``name`` (an id of ``options``; the first where it is not there)."""
    key = f"pick_{name}"
    wanted = state.param(name, "")
    st.session_state[key] = wanted if wanted in options else options[0]
    return str(
        st.selectbox(label, options, key=key, format_func=words, on_change=_into_address, args=(name, key), **more)
    )


def pick_run(dataset: StoredDataset, kind: str, label: str) -> Run | None:
    """The finished run that the address names, else the one in use; stops at an empty state where there is none."""
    workspace = state.workspace()
    usable = workspace.usable_runs(dataset, kind)
    active = workspace.active(dataset, kind)
    if active is None:
        none_yet(dataset, kind)
        return None
    by_id = {active.id: active} | {run.id: run for run in usable}
    chosen = pick(label, list(by_id), kind, lambda run_id: name_of(by_id[run_id], run_id == active.id))
    return by_id[chosen]


def none_yet(dataset: StoredDataset, kind: str) -> None:
    """Empty state: the training that is under way, or how to start one."""
    underway = [run for run in jobs.active_runs(state.workspace()) if run.dataset == dataset.name and run.kind == kind]
    if underway:
        st.info(
            f"The first {KIND_WORDS[kind]} is being trained. This page fills when it is done.",
            icon=":material/hourglass_top:",
        )
        feedback.job_panel(underway[0])
        return
    if not dataset.label_names:
        st.info(
            "This dataset has no labels to learn from. Build it again with labels on the Data page.",
            icon=":material/label_off:",
        )
        return
    st.info(f"No {KIND_WORDS[kind]} is trained on “{dataset.name}” yet.", icon=":material/model_training:")
    st.page_link(
        "pages/train.py",
        label="Train one",
        icon=":material/arrow_forward:",
        query_params=state.link(model=TABS[kind]),
    )


TABS = {"classifier": "Classifier", "generator": "Synthetic samples"}


def name_of(run: Run, in_use: bool = False) -> str:
    """A run in a few words: when, what, and the end of its id."""
    return f"{wf.model_name(run)} · in use" if in_use else wf.model_name(run)


def headline(kind: str, metrics: Mapping[str, Any]) -> dict[str, float | str | None]:
    """The few scores that a run is judged by at a glance; None where there is none (yet)."""
    if kind == "classifier":
        splits = metrics.get("splits") or {}
        random, series = (splits.get(name) or {} for name in ("random", "series"))
        return {
            "F1, random": (random.get("model") or {}).get("samples_f1"),
            "majority": (random.get("majority") or {}).get("samples_f1"),
            "published": (random.get("published_forest") or {}).get("samples_f1"),
            "F1, series": (series.get("model") or {}).get("samples_f1"),
        }
    card = metrics.get("scorecard") or []
    compared = [row["beats_baseline"] for row in card if row["beats_baseline"] is not None]
    loss = metrics.get("critic_loss") or {}
    return {
        "targets met": f"{sum(row['verdict'] == 'pass' for row in card)} of {len(card)}" if card else None,
        "≥ PCA-Gaussian": f"{sum(compared)} of {len(compared)}" if compared else None,
        "first loss": loss.get("first"),
        "last loss": loss.get("last"),
    }


def _into_address(name: str, key: str) -> None:
    state.set_params(**{name: st.session_state[key]})
