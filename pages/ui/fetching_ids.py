"""A pasted or uploaded list of biosample ids, beside search and label, for the choice from a published file."""

import streamlit as st

from core import workflows as wf
from core.errors import ArchscopeError
from core.store.workspace import Workspace
from pages.ui import state

SHOWN = 60  # ids of the list in use that stand in the field after a reload
NAMED = 20  # ids that are not there that are shown; all of them can be downloaded
HELP = "GSM accessions, with anything between them: a list, or a table with other columns, too."


def ask(workspace: Workspace) -> tuple[str, ...]:
    """The list in use, which the address names. Raises InputError where it names a list that is not here."""
    ids = wf.ids_of_address(workspace, state.param("find_ids"))
    title = f"Only these ids ({len(ids):,})" if ids else "Only these ids"
    with st.popover(title, icon=":material/format_list_bulleted:", type="primary" if ids else "secondary"):
        if "find_ids_text" not in st.session_state:
            st.session_state["find_ids_text"] = "\n".join(ids[:SHOWN])
        left, right = st.columns([3, 2])
        left.text_area("Ids", key="find_ids_text", height=120, help=HELP, placeholder="GSM1158284, GSM1482938 …")
        right.file_uploader("or a file with them", ["txt", "tsv", "csv"], key="find_ids_file", max_upload_size=20)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Use these ids", key="find_ids_use", on_click=_use, args=(workspace,))
            if ids:
                st.button("Clear the ids", key="find_ids_clear", type="tertiary", on_click=_clear)
            _say()
    return ids


def say_unknown(chosen: wf.RemoteChosen) -> None:
    """Names the ids of the list that the file does not have."""
    if not chosen.unknown:
        return
    some, more = ", ".join(chosen.unknown[:NAMED]), len(chosen.unknown) - NAMED
    text = f"{len(chosen.unknown):,} of {chosen.n_ids:,} ids are not in this file: {some}"
    st.warning(f"{text} and {more:,} more." if more > 0 else f"{text}.", icon=":material/help:")
    if more > 0:
        st.download_button("Download the ids that are not there", "\n".join(chosen.unknown), "ids-not-found.txt",
                           key="find_ids_unknown", on_click="ignore", icon=":material/download:")  # fmt: skip


def _use(workspace: Workspace) -> None:
    """Text and file together; what cannot be used is said, and the list in use stays."""
    try:
        ids = wf.ids_in(f"{st.session_state['find_ids_text']}\n{_of_file()}")
        st.session_state["find_ids_said"] = "" if ids else "There is no id in it: give GSM accessions."
        if ids:
            state.set_params(find_ids=wf.address_of_ids(workspace, ids))
    except ArchscopeError as error:
        st.session_state["find_ids_said"] = str(error)


def _of_file() -> str:
    upload = st.session_state.get("find_ids_file")
    return upload.getvalue().decode("utf-8-sig", errors="replace") if upload is not None else ""


def _clear() -> None:
    st.session_state.update(find_ids_text="", find_ids_said="")
    state.set_params(find_ids=None)


def _say() -> None:
    if said := st.session_state.get("find_ids_said"):
        st.error(said, icon=":material/error:")
