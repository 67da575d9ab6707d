"""The dashboard with /live, /ready and /metrics beside its pages: ``streamlit run serve.py`` in place of app.py."""

from pathlib import Path

import streamlit as st

from pages.ui import health

app = st.App(Path(__file__).with_name("app.py"), routes=health.routes())
