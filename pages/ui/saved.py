"""Named sets of filters of the Rankings page: kept in the data folder, loaded into the widgets, deleted."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core import access
from core import workflows as wf
from core.access import Role
from core.errors import ArchscopeError
from core.store.datasets import StoredDataset
from pages.ui import feedback, people, state
from pages.ui.ranking_columns import CHOICES, COLUMNS

# Widgets that a set of filters holds, and what each is where nothing was chosen.
KEPT: dict[str, Any] = {
    "q": "", "regex": False, "min_mean": 0.0, "max_zeros": 100, "biotype": [], "sort": "signal", "reverse": False,
    "then": "", "then_reverse": False, "hide_mt": False, "columns": [],
}  # fmt: skip


def show(dataset: StoredDataset, loaded: Callable[[], None]) -> None:
    """Load, delete and save; ``loaded`` is called after filters were put in place."""
    with feedback.errors():
        known = wf.saved_filters(state.workspace(), dataset.name)
        if known:
            st.selectbox("Saved", list(known), key="saved_pick", width=300)
            with st.container(horizontal=True):
                st.button("Load", key="saved_load", on_click=_load, args=(dataset, loaded), icon=":material/input:")
                if access.may(Role.TRAINER):
                    st.button("Delete", key="saved_delete", on_click=_delete, args=(dataset,), icon=":material/delete:")
            st.divider()
        if not people.welcome(Role.TRAINER, "Saving filters"):
            return
        st.text_input("Save the present filters as", key="saved_name", max_chars=60, width=300)
        st.button("Save", key="saved_save", on_click=_save, args=(dataset,), icon=":material/save:")
    said = st.session_state.pop("saved_said", None)
    if said:
        (st.error if said[0] else st.caption)(said[1])


def _load(dataset: StoredDataset, loaded: Callable[[], None]) -> None:
    name = st.session_state["saved_pick"]
    try:
        values = wf.saved_filters(state.workspace(), dataset.name).get(name, {})
    except ArchscopeError as error:
        st.session_state["saved_said"] = (True, str(error))
        return
    for key, default in KEPT.items():
        st.session_state[key] = _fitting(dataset, key, values.get(key, default))
    loaded()


def _fitting(dataset: StoredDataset, key: str, value: Any) -> Any:
    """A saved value, or what of it the widget can take: files may have been edited, and datasets built anew."""
    default = KEPT[key]
    if not isinstance(value, int | float if isinstance(default, float) else type(default)):
        return default
    if key in ("sort", "then"):
        return value if value in COLUMNS else default
    if isinstance(value, list):
        known = CHOICES if key == "columns" else set(dataset.rankings["biotype"])
        return [each for each in value if each in known]
    return float(value) if isinstance(default, float) else value


def _delete(dataset: StoredDataset) -> None:
    _try(lambda: wf.delete_filters(state.workspace(), dataset.name, st.session_state["saved_pick"]), "Deleted.")


def _save(dataset: StoredDataset) -> None:
    values = {key: st.session_state.get(key, default) for key, default in KEPT.items()}
    _try(lambda: wf.save_filters(state.workspace(), dataset.name, st.session_state["saved_name"], values), "Saved.")


def _try(change: Callable[[], object], done: str) -> None:
    try:
        change()
        st.session_state["saved_said"] = (False, done)
    except ArchscopeError as error:
        st.session_state["saved_said"] = (True, str(error))
