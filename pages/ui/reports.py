"""The button that takes what a page shows away as one HTML file; the file is made when the button is pressed."""

from functools import partial

import streamlit as st

from core import workflows as wf
from core.store.datasets import StoredDataset
from core.types import Prediction
from pages.ui import state

HELP = "One HTML file with the figures, tables, equations and where they come from: to read, to print, to pass on."


def button(kind: str, dataset: StoredDataset, what: str | Prediction) -> None:
    """The report of a "gene" (named in any way), a "sample" (an explained prediction) or a "run" (its id)."""
    workspace, address = state.workspace(), state.address()  # known here alone: the file is made outside the session
    name = what.sample if isinstance(what, Prediction) else what
    if isinstance(what, Prediction):
        make = partial(wf.prediction_report, workspace, dataset.name, what, address)
    elif kind == "gene":
        make = partial(wf.gene_report, workspace, dataset.name, what, address)
    else:
        make = partial(wf.run_report, workspace, what, address)
    stem = wf.file_stem(f"{kind}-{name}", dataset)
    st.download_button(
        "Report", make, f"{stem}-report.html", "text/html", key=f"report-{kind}-{name}", on_click="ignore",
        icon=":material/summarize:", type="tertiary", help=HELP,
    )  # fmt: skip
