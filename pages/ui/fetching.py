"""From ARCHS4: choose biosamples of a published file by what it says of them, and fetch those alone."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core import jobs
from core import workflows as wf
from core.access import Role
from core.errors import ArchscopeError
from core.sources.gencode_releases import OF_ARCHS4_V2
from core.sources.organisms import organism_of
from core.store.remote_cache import Listing
from core.store.runs import Run
from core.store.workspace import Workspace
from core.workflows import RemoteChoice
from pages.ui import building, feedback, fetching_ids, people

SHOWN = 200  # rows of the table
COLUMNS = ["sample_id", "series_id", "title", "source_name_ch1", "characteristics_ch1", "alignedreads"]
EXPLAIN = (
    "A full ARCHS4 file has tens of gigabytes. Here its list of biosamples is read once; then you choose, and only the "
    "counts of your choice are fetched. The result is an ordinary ARCHS4 file to build from."
)


def section(workspace: Workspace) -> None:
    """Everything from the choice of a file to the fetched slice; the address of the page restores it."""
    with st.expander("From ARCHS4: biosamples of a published file", key="from_archs4", icon=":material/cloud_download:",
                     expanded="remote" in st.query_params), feedback.errors():  # fmt: skip
        st.caption(EXPLAIN)
        source = _ask_source()
        if not source:
            return
        found = wf.listing_key(workspace, source)
        if found is None:
            _offer_reading(workspace, source)
            return
        listing = _listing(str(workspace.root), source, found)
        choice = replace(_ask_choice(listing), samples=fetching_ids.ask(workspace))
        chosen = _chosen(str(workspace.root), source, found, choice)
        fetching_ids.say_unknown(chosen)
        _show_chosen(listing, chosen)
        if len(chosen.rows):
            _offer_fetching(workspace, source, listing, choice, len(chosen.rows))


def _ask_source() -> str:
    """A release's id or an address; what is known of it stands below. Raises InputError for what is neither."""
    table = wf.releases().sort_values("level", kind="stable").set_index("id")  # genes first
    asked = st.selectbox(
        "Release or address", table.index.tolist(), index=None, key="remote", bind="query-params",
        accept_new_options=True, placeholder="Choose a release, or paste an address (https://, http://, s3://)",
    )  # fmt: skip
    if asked and asked in table.index:
        row = table.loc[asked]
        facts = [f"{row['biosamples']:,} biosamples"] if pd.notna(row["biosamples"]) else []
        facts += [f"{row['bytes'] / 1e9:,.1f} GB"] if pd.notna(row["bytes"]) else []
        st.caption(
            " · ".join([f"ARCHS4 {row['version']}, {row['organism']} {row['level']}s", *facts, f"`{row['address']}`"])
        )
    return (asked or "").strip()


def _offer_reading(workspace: Workspace, source: str) -> None:
    job = _newest(workspace, "metadata", {"source": source})
    if job is not None and job.status != "done":
        feedback.job_panel(job)
    if job is None or job.status not in jobs.LIVE:
        st.markdown("Its list of biosamples is not here yet. Reading a full one takes minutes; then it is kept.")
        if not people.welcome(Role.TRAINER, "Reading it"):
            return
        left, right = st.columns([1, 1])
        if left.button("Read its list of biosamples", type="primary", icon=":material/list_alt:", key="remote_read"):
            _start(workspace, "metadata", source, {"source": source})
        with right:
            _offer_download(workspace, source)


def _ask_choice(listing: Listing) -> RemoteChoice:
    left, middle, right = st.columns([3, 2, 1])
    words = left.text_input(
        "Search", key="find", bind="query-params", placeholder="brain cortex",
        help="Every word must be in an id, series, title, source name or characteristic.",
    )  # fmt: skip
    label = middle.text_input(
        "Label by rules", key="find_label", bind="query-params", placeholder="brain",
        help="What the rules of the Build form make of the metadata. With a search, only its hits are read.",
    )  # fmt: skip
    limit = right.number_input(
        "At most", 0, 100_000, 1_000, key="find_limit", bind="query-params", help="0: all. Else drawn at random."
    )
    left, middle, right = st.columns([3, 2, 1], vertical_alignment="bottom")
    regex = left.toggle("The search is a pattern (regular expression)", key="find_pattern", bind="query-params")
    single = middle.toggle(
        "Single cells, too", key="find_single", bind="query-params",
        help="Those of a single-cell probability of 0.5 or more. A build leaves them out as well.",
    )  # fmt: skip
    seed = right.number_input("Seed", 0, 2**31 - 1, 1, key="find_seed", bind="query-params", help="Of the draw.")
    st.caption(
        f"{len(listing.biosamples):,} biosamples × {len(listing.genes):,} {listing.level}s, "
        f"{listing.facts.size / 1e9:,.2f} GB, ARCHS4 {listing.about['version'] or 'of unknown version'}."
    )
    return RemoteChoice(
        "" if regex else words or "", words or "" if regex else "", (), label or "", int(limit) or None, int(seed),
        2.0 if single else 0.5,
    )  # fmt: skip


def _show_chosen(listing: Listing, chosen: wf.RemoteChosen) -> None:
    n, drawn = len(chosen.rows), chosen.n_matching
    if not n:
        feedback.empty("No biosample fits. Use fewer words, or others.")
        return
    of = f" of {drawn:,} that fit, drawn at random" if n < drawn else " that fit"
    series = listing.biosamples["series_id"].iloc[chosen.rows].nunique()
    st.markdown(" ".join([f"**{n:,} biosamples**{of}, from {series:,} series.", *chosen.notes]))
    rows = listing.biosamples.iloc[chosen.rows[:SHOWN]][COLUMNS]
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    config = {
        "sample_id": text("Biosample", width=110), "series_id": text("Series", width=100), "title": text("Title"),
        "source_name_ch1": text("Source"), "characteristics_ch1": text("Characteristics", width=300),
        "alignedreads": number("Aligned reads", format="compact", width=100),
    }  # fmt: skip
    st.dataframe(rows, hide_index=True, height=min(330, 40 + 35 * len(rows)), column_config=config, key="remote_table",
                 alt="Chosen biosamples of the remote file")  # fmt: skip
    if n > SHOWN:
        st.caption(f"The first {SHOWN} of {n:,}.")


def _offer_fetching(workspace: Workspace, source: str, listing: Listing, choice: RemoteChoice, n: int) -> None:
    parameters = wf.request_parameters(source, choice)
    measured, fetched = (_newest(workspace, kind, parameters) for kind in ("estimate", "fetch"))
    _say_estimate(measured, listing, n)
    if not people.welcome(Role.TRAINER, "Fetching"):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Fetch {n:,} biosamples", type="primary", icon=":material/cloud_download:", key="remote_fetch",
                     disabled=fetched is not None and fetched.status in jobs.LIVE):  # fmt: skip
            _start(workspace, "fetch", source, parameters)
        if st.button("Measure bytes and time", icon=":material/speed:", key="remote_estimate",
                     help="Looks up and fetches 16 of them."):  # fmt: skip
            _start(workspace, "estimate", source, parameters)
        _offer_download(workspace, source)
    if measured is not None and measured.status != "done":
        feedback.job_panel(measured)
    if fetched is not None and fetched.status != "done":
        feedback.job_panel(fetched)
        if fetched.status not in jobs.LIVE:
            st.caption("What was fetched is kept: fetch again to go on from there.")
    elif fetched is not None and fetched.result:
        _offer_build(fetched.result["metrics"], listing)


def _say_estimate(measured: Run | None, listing: Listing, n: int) -> None:
    if measured is not None and measured.status == "done" and measured.result:
        st.info(wf.Estimate(**measured.result["metrics"]).words, icon=":material/speed:")
        return
    size = wf.rough_bytes(listing, n)
    pace = listing.about["bytes"] / max(listing.about["seconds"], 1e-3)
    st.caption(
        f"About {size / 1e6:,.1f} MB (their share of the file), {feedback.duration(size / pace)} at the pace at which "
        "the list was read. Measure for a better estimate."
    )


def _offer_build(metrics: dict[str, Any], listing: Listing) -> None:
    path = Path(metrics["path"])
    if not path.is_file():
        return
    size = f"{path.stat().st_size / 1e6:,.1f} MB"
    st.success(f"{metrics['n']:,} biosamples are in `{path}` ({size}).", icon=":material/check_circle:")
    st.button(
        "Build this", type="primary", icon=":material/build:", key="remote_build", on_click=_fill_in, args=(path,),
        help="Fills in the form below.",
    )  # fmt: skip
    if st.session_state.get("counts_path") == str(path):
        hint = _fitting_release(listing)
        st.caption(f"The form *Build a dataset* below is filled in: add gene lengths{hint}, and build.")


def _fill_in(path: Path) -> None:
    """The Build form with the file's path, and labels by rules."""
    st.session_state.update(files_from=building.PATH, counts_path=str(path), build_name=path.stem, build_rules=True)


def _fitting_release(listing: Listing) -> str:
    """Which GENCODE release goes with the file, in words; "" where that is not known."""
    if not str(listing.about["version"] or "").startswith(("2", "v2")):
        return ""
    organism = organism_of(listing.genes["ensembl_gene_id"], listing.genes["symbol"])
    release = OF_ARCHS4_V2.get(organism or "")
    return f" (GENCODE {release} is what ARCHS4 v2 counts against)" if release else ""


def _offer_download(workspace: Workspace, source: str) -> None:
    """The whole file, for those who want it; how far it is, where it is under way."""
    job = _newest(workspace, "download", {"source": source})
    if st.button("Download the whole file", icon=":material/download:", type="tertiary", key="remote_download",
                 disabled=job is not None and job.status in jobs.LIVE):  # fmt: skip
        _start(workspace, "download", source, {"source": source})
    if job is not None and job.status != "done":
        feedback.job_panel(job)
    elif job is not None and job.result:
        st.caption(f"The whole file is in `{job.result['metrics']['path']}`.")


def _start(workspace: Workspace, kind: str, source: str, parameters: dict[str, Any]) -> None:
    name = source.rstrip("/").rsplit("/", 1)[-1].removesuffix(".h5")
    with feedback.errors():
        jobs.start(workspace, kind, name, parameters)
        st.rerun()


def _newest(workspace: Workspace, kind: str, parameters: dict[str, Any]) -> Run | None:
    """The newest job of a kind that was asked for this very thing."""
    wanted = json.loads(json.dumps(parameters))
    return next((run for run in workspace.runs.all(kind=kind) if run.recipe["parameters"] == wanted), None)


@st.cache_resource(max_entries=2, show_spinner="Opening the list of biosamples")
def _listing(root: str, source: str, key: str) -> Listing:
    found = wf.known_listing(Workspace(Path(root)), source)
    if found is None:
        raise ArchscopeError(f"The list of biosamples of {source} is damaged: read it again.")
    return found


@st.cache_data(max_entries=16, show_spinner="Searching")
def _chosen(root: str, source: str, key: str, choice: RemoteChoice) -> wf.RemoteChosen:
    return wf.choose_remote(_listing(root, source, key).biosamples, choice)
