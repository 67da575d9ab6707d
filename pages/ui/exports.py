"""Taking things away with their provenance: tables as CSV and Parquet, charts as an HTML file; made when asked for."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core import workflows as wf
from core.figures import export
from core.store.datasets import StoredDataset
from pages.ui import feedback, state

MIMES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
IMAGES = {"svg": "SVG", "png": "PNG"}
IMAGE_SCALE = 3  # a PNG has so many pixels for one of the screen
HTML_HELP = "One file that opens in any browser, with what it shows and where it comes from. It saves SVG and PNG, too."
IMAGE_HELP = "What the camera in every chart's own menu saves, in this session."


def table_file(frame: pd.DataFrame, kind: str, dataset: StoredDataset | None) -> Callable[[], bytes]:
    """Makes the file of a table when it is called, with the view's address as it is now."""
    address = state.address()

    def make() -> bytes:
        return wf.to_csv(frame) if kind == "csv" else wf.to_parquet(frame, wf.provenance(dataset, address))

    return make


def image_options(key: str) -> dict[str, Any]:
    """What a chart's own menu saves: the format that the user chose last, named by the dataset, its content and key."""
    form = st.session_state.get("image_format", "svg")
    name = wf.file_stem(key, state.known_dataset())
    return {"format": form, "filename": name} | ({"scale": IMAGE_SCALE} if form == "png" else {})


def figure_menu(figure: go.Figure, key: str, caption: str) -> None:
    """A small button below a chart: the chart as HTML, and the format of images. Nothing is made before it is open."""
    feedback.part(_figure_menu)(figure, key, caption)


def _figure_menu(figure: go.Figure, key: str, caption: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        menu = st.popover(
            "", icon=":material/download:", key=f"export-{key}", on_change="rerun", help="Export this chart"
        )
    if not menu.open:
        return
    dataset = state.known_dataset()
    stem = wf.file_stem(key, dataset)
    with menu:
        st.download_button(
            "Interactive HTML", _html_file(figure, caption, stem, dataset), f"{stem}.html", "text/html",
            key=f"html-{key}", on_click="ignore", icon=":material/download:", help=HTML_HELP,
        )  # fmt: skip
        chooser = f"image-{key}"
        st.session_state[chooser] = st.session_state.get("image_format", "svg")
        st.segmented_control(
            "The camera in a chart's menu saves", list(IMAGES), key=chooser, format_func=IMAGES.__getitem__,
            required=True, help=IMAGE_HELP, on_change=_image_chosen, args=(chooser,),
        )  # fmt: skip
    if st.session_state.pop("image_changed", False):
        st.rerun()  # of the whole page: the setting is every chart's


def _image_chosen(chooser: str) -> None:
    st.session_state["image_format"] = st.session_state[chooser]
    st.session_state["image_changed"] = True


def _html_file(figure: go.Figure, caption: str, stem: str, dataset: StoredDataset | None) -> Callable[[], bytes]:
    address, page = state.address(), st.session_state.get("page_name", "ARCHScope")
    title = f"{page}: {dataset.name}" if dataset is not None else page

    def make() -> bytes:
        return export.to_html(figure, title, caption, wf.provenance(dataset, address), stem)

    return make
