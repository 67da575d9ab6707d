"""The router: page config, navigation, dataset picker, job tray. Everything else is in pages/ and core/."""

import streamlit as st

from pages.ui import feedback, state, tray

PAGES = {
    "overview": ("Overview", ":material/dashboard:"),
    "rankings": ("Rankings", ":material/leaderboard:"),
    "gene": ("Gene", ":material/genetics:"),
    "neighbourhood": ("Neighbourhood", ":material/hub:"),
    "samples": ("Samples", ":material/table_rows:"),
    "classify": ("Classify", ":material/biotech:"),
    "train": ("Train", ":material/model_training:"),
    "synthetic": ("Synthetic", ":material/auto_awesome:"),
    "data": ("Data", ":material/database:"),
}

st.session_state["routed"] = True
st.set_page_config(page_title="ARCHScope", page_icon="🔭", layout="wide")
page = st.navigation(
    [
        st.Page(f"pages/{name}.py", title=title, icon=icon, url_path=name, default=name == "overview")
        for name, (title, icon) in PAGES.items()
    ]
)
with st.sidebar, feedback.calm():
    state.pick_dataset()
    tray.show(state.workspace())
with feedback.calm():
    page.run()
