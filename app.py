"""The router: page config, who may enter, navigation, dataset picker, job tray. All else is in pages/ and core/."""

import streamlit as st

from pages.ui import feedback, people, state, tray

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
may_enter = people.may_enter()
first, *others = [
    st.Page(f"pages/{name}.py", title=title, icon=icon, url_path="home" if name == "overview" else name)
    for name, (title, icon) in PAGES.items()
]
hidden = [  # the first one is at "/" alone, so /overview is a page of its own that shows the same
    st.Page(f"pages/{name}.py", title=name.capitalize(), url_path=name, visibility="hidden")
    for name in ("overview", "method")
]
page = st.navigation(
    [first, *others, *hidden],
    position="sidebar" if may_enter else "hidden",
)
if not may_enter:
    with feedback.calm():
        people.show_door()
    st.stop()
with st.sidebar, feedback.calm():
    state.pick_dataset()
    tray.show(state.workspace())
    people.show_who()
with feedback.calm():
    page.run()
