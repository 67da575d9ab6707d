"""The form that adds the biosamples of another file to the current dataset."""

from pathlib import Path

import streamlit as st

from core import access, jobs
from core.access import Role
from core.errors import RecipeError
from core.store import job_uploads
from core.store.datasets import StoredDataset
from core.store.runs import Run
from core.store.workspace import Workspace
from core.workflows import AddRequest
from pages.ui import building, feedback, state

TARGETS = {"moved": "Normalise all anew", "kept": "Keep earlier values"}
EXPLAIN = (
    "New biosamples change the common distribution that all are mapped onto. Normalise all anew: the result is that of "
    "building from all biosamples at once. Keep earlier values: new biosamples are mapped onto the distribution that "
    "is there, as an upload is. Counts that are there are not read again either way."
)


def form(workspace: Workspace, dataset: StoredDataset) -> None:
    """Asks for what to add and starts it; bad input is one error and starts nothing."""
    if not access.may(Role.TRAINER):
        return
    with st.expander(f"Add biosamples to {dataset.name}", icon=":material/library_add:"):
        st.caption(
            "From a newer release of the same file, or another slice of ARCHS4 with the same genes. "
            "Biosamples that the dataset has already are passed over. Models have to be trained anew."
        )
        with st.form("add", enter_to_submit=False):
            where = str(st.session_state.get("files_from", building.PATH))
            counts = building.ask("Counts (ARCHS4 layout, .h5)", "add_counts", where, building.COUNTS_TYPES)
            labels = building.ask("Labels (optional)", "add_labels", where, building.LABEL_TYPES)
            target = st.selectbox(
                "Target", list(TARGETS), format_func=TARGETS.__getitem__, key="add_target", help=EXPLAIN
            )
            if not st.form_submit_button("Add", icon=":material/library_add:"):
                return
        with feedback.errors():
            run = start(workspace, dataset.name, counts, labels, target == "kept")
            state.set_params(run=run.id)
            st.rerun()


def start(workspace: Workspace, name: str, counts: building.Source, labels: building.Source, kept: bool) -> Run:
    """Checks what was asked for and starts the job. Raises InputError, and then nothing was started."""
    if not counts.given:
        raise RecipeError("There is no counts file: give one in an ARCHS4 layout (.h5).")
    building.refuse_while_built(workspace, name)
    building.check_uploads(workspace, name, (counts, labels))
    with job_uploads.folder_for(workspace.root, name) as folder:
        files = {key: source.save(folder / key) for key, source in {"counts": counts, "labels": labels}.items()}
        paths = {key: Path(path) for key, path in files.items() if path}
        _ = AddRequest(name, **paths).inputs
        return jobs.start(workspace, "add", name, {**files, "keep_target": kept})
