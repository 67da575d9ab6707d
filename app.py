"""The router: page config, navigation, dataset picker, job tray. Everything else is in pages/ and core/."""

from pathlib import Path

import streamlit as st

from pages.ui import feedback, state

PAGES = {
    "overview": ("Overview", ":material/dashboard:"),
    "rankings": ("Rankings", ":material/leaderboard:"),
    "neighbourhood": ("Neighbourhood", ":material/hub:"),
    "classify": ("Classify", ":material/biotech:"),
    "train": ("Train", ":material/model_training:"),
    "synthetic": ("Synthetic", ":material/auto_awesome:"),
    "data": ("Data", ":material/database:"),
}
SOURCE = "https://archs4.org"

st.set_page_config(page_title="ARCHScope", page_icon="🔭", layout="wide")
there = [name for name in PAGES if (Path(__file__).parent / "pages" / f"{name}.py").is_file()]
page = st.navigation(
    [
        st.Page(
            f"pages/{name}.py", title=PAGES[name][0], icon=PAGES[name][1], url_path=name, default=name == "overview"
        )
        for name in there
    ]
)
with st.sidebar, feedback.errors():
    state.pick_dataset()
    feedback.tray(state.workspace())
page.run()
