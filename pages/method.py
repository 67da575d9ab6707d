"""Method: docs/method.md as it is, inside the app; it is not in the navigation, pages link to it."""

import re

import streamlit as st

from core.settings import PROJECT
from pages.ui import state, widgets

state.through_router()
text = (PROJECT / widgets.DOCS).read_text(encoding="utf-8")
with st.container(width=860):
    st.markdown(re.sub(r"\[([^\]]+)\]\([^)]+\.md\)", r"`docs/\1`", text))  # other documents are not in the app
