"""Where the user is: the data folder, the dataset, and the parameters that the page's address carries.

The address is the truth. Streamlit drops it on a change of page, so what pages have in common (dataset, gene,
biosample) is also remembered for the session and written back.
"""

import runpy
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core import access, settings
from core.access import Role
from core.errors import ArchscopeError
from core.store import job_uploads
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace
from pages.ui import feedback, people

ROUTER = settings.PROJECT / "app.py"
SHARED = ("dataset", "gene", "sample", "run")
OF_A_DATASET = ("gene", "genes", "sample", "run", "list", "in_list", "compare", "trail", "lasso")


def workspace() -> Workspace:
    """The one workspace of this process (it holds the results database open). Raises StoreError, AccessError."""
    access.require(Role.VIEWER, "This server")
    return workspace_for_probes()


def workspace_for_probes() -> Workspace:
    """The same without asking who is there: for what monitors the app, where nobody is signed in. Raises StoreError."""
    return _workspace(str(settings.data_dir()))


@st.cache_resource(max_entries=8, show_spinner=False)
def _workspace(root: str) -> Workspace:
    made = Workspace(Path(root), persistent=True)
    job_uploads.sweep(made)
    return made


def param(name: str, default: str = "") -> str:
    """A parameter of the address, else what this session had last, else ``default``."""
    value = st.query_params.get(name)
    if value is None:
        value = st.session_state.get(f"last_{name}") if name in SHARED else None
        if value is None:
            return default
        if not by_itself():
            st.query_params[name] = value
    if name in SHARED:
        st.session_state[f"last_{name}"] = value
    return str(value)


def by_itself() -> bool:
    """Whether a part of the page runs alone.

    A part that looks again from time to time may have been asked to before the browser knew of the last change of the
    address: if it wrote there what it misses, it would take that change back.
    """
    context = get_script_run_ctx()
    return context is not None and bool(context.fragment_ids_this_run)


def set_params(**values: str | None) -> None:
    """Writes parameters into the address; None or "" takes one out."""
    for name, value in values.items():
        if value and st.query_params.get(name) != value:
            st.query_params[name] = value
        elif not value and name in st.query_params:
            del st.query_params[name]
        if name in SHARED:
            st.session_state[f"last_{name}"] = value or None


def link(**values: str) -> dict[str, str]:
    """Address parameters for a link to another page: the dataset, and what is given."""
    return {"dataset": param("dataset"), **{name: value for name, value in values.items() if value}}


def address() -> str:
    """The whole address of what is shown, as the browser has it; "" where there is no browser."""
    base, asked = st.context.url, urlencode(st.query_params.to_dict())
    return f"{base}?{asked}" if base and asked else base or ""


def known_dataset() -> StoredDataset | None:
    """The chosen dataset where there is one that can be read, else None."""
    try:
        return workspace().dataset(param("dataset"))
    except ArchscopeError:
        return None


def dataset_names() -> list[str]:
    """Names of the datasets there are."""
    return [found.name for found in workspace().datasets()]


def tell() -> None:
    """Says what a user has to know of the data folder, once a session: a database that is being rebuilt, say."""
    told: set[str] = st.session_state.setdefault("told", set())
    for notice in workspace().notices:
        if notice not in told:
            st.toast(notice, icon=":material/database:", duration="infinite")
            told.add(notice)


def pick_dataset() -> None:
    """The dataset picker; what belongs to another dataset leaves the address when the dataset changes."""
    tell()
    names = dataset_names()
    if not names:
        return
    current = param("dataset", names[0])
    st.session_state["dataset_picker"] = current if current in names else None
    set_params(dataset=current)
    st.selectbox("Dataset", names, key="dataset_picker", on_change=_picked, placeholder="Choose a dataset")
    if current in names and workspace().dataset(current).simulated:
        st.badge("simulated data", icon=":material/science:", color="orange")


def _picked() -> None:
    set_params(dataset=st.session_state["dataset_picker"], **dict.fromkeys(OF_A_DATASET))


def through_router() -> None:
    """Sends a page through app.py where Streamlit opened it directly.

    Before app.py has run once in a process, Streamlit takes the folder pages/ for its older kind of app and runs the
    page of a deep link by itself, without navigation, dataset picker or job tray.
    """
    context = get_script_run_ctx()
    routed = st.session_state.get("routed") and people.may_enter()
    if context and Path(context.main_script_path).name == ROUTER.name and not routed:
        runpy.run_path(str(ROUTER), run_name="__main__")
        st.stop()


def dataset() -> StoredDataset:
    """The chosen dataset; where there is none, the page ends here with what to do."""
    through_router()
    with feedback.errors():
        names = dataset_names()
        if not names:
            feedback.first_start(workspace())
            st.stop()
        return workspace().dataset(param("dataset", names[0]))
    return st.stop()
