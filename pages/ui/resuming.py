"""Trainings of generators that were stopped: a button to go on from the last checkpoint."""

import streamlit as st

from core import jobs
from core import workflows as wf
from core.store.datasets import StoredDataset
from core.store.runs import Run
from pages.ui import feedback, people, runs, state

HELP = "It ends at the very weights of a training that was never stopped."


def button(run: Run) -> None:
    """Goes on with a stopped training, where it left a checkpoint."""
    if not wf.resumable(run) or not people.may_manage(run):
        return
    done, steps = wf.steps_done(run)
    words = f"Resume from step {done:,} of {steps:,}"
    if st.button(words, key=f"resume_{run.id}", icon=":material/resume:", help=HELP):
        with feedback.errors():
            jobs.launch(state.workspace(), wf.reopen_training(state.workspace(), run.id))
            st.rerun()


def offer(dataset: StoredDataset) -> None:
    """The newest training of a generator, where it was stopped and can go on."""
    found = state.workspace().runs.all(dataset.name, "generator")
    if not found or not wf.resumable(found[0]) or found[0].recipe["fingerprint"] != dataset.fingerprint:
        return
    reason = f" {found[0].error}" if found[0].error else ""
    with st.container(border=True):
        st.markdown(f":material/warning: The last training, {runs.name_of(found[0])}, was stopped.{reason}")
        button(found[0])
