"""The audit log on the Data page, for admins of a shared server: the newest entries, and all of them to take away."""

import streamlit as st

from core import access
from core.access import Role
from core.store.audit import AuditLog
from pages.ui import feedback, state, widgets

SHOWN = 200
TITLES = {
    "time": "When (UTC)", "person": "Who", "role": "Role", "action": "What", "kind": "Kind", "dataset": "Dataset",
    "run": "Run", "outcome": "Outcome", "detail": "Detail",
}  # fmt: skip
WIDE = {"time": 165, "person": 170, "role": 70, "action": 110, "kind": 90, "dataset": 110, "run": 130, "outcome": 80}


def section() -> None:
    """The newest entries; nothing on a laptop, and for anybody but admins."""
    if not access.roles_on() or not access.may(Role.ADMIN):
        return
    with feedback.errors():
        log = AuditLog(state.workspace().root).read()
        with st.expander(f"Audit log ({len(log):,})", key="audit", icon=":material/history_edu:"):
            if log.empty:
                st.caption("Nobody has changed anything yet.")
                return
            shown = log.head(SHOWN)
            columns = {name: st.column_config.TextColumn(words, width=WIDE.get(name)) for name, words in TITLES.items()}
            st.dataframe(shown.assign(time=shown["time"].str[:19].str.replace("T", " ")), hide_index=True,
                         column_config=columns, height=min(420, 40 + 35 * len(shown)), alt="Audit log")  # fmt: skip
            if len(shown) < len(log):
                st.caption(f"The newest {SHOWN} of {len(log):,}; the download has all.")
            widgets.downloads(log, "audit")
