"""The build form: where counts, labels and lengths come from, how to normalise, and the job that does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core import jobs
from core import workflows as wf
from core.access import Role
from core.errors import ArchscopeError, LengthsError, RecipeError
from core.sources import confined
from core.sources.gencode_releases import PREFIX as GENCODE
from core.sources.label_sources import SHIPPED_PARENTS, SHIPPED_RULES
from core.sources.plain_names import kept_name
from core.store import guard, job_uploads, quotas
from core.store.runs import Run
from core.store.workspace import Workspace
from core.workflows import BuildRequest
from pages.ui import feedback, people, state

KINDS = ("build", "add")
CACHED = {
    "build": "was built before from the very same files and settings",
    "add": "has every biosample of the file already",
}
PATH, UPLOAD = "Path on this machine", "Upload"
MEASURES = {"spliced": "Spliced length", "genomic_span": "Genomic span", "none": "Do not divide"}
REPEATED = {"sum": "Add up", "keep": "Keep apart"}
COUNTS_TYPES, LABEL_TYPES, LENGTH_TYPES = (
    ["h5", "hdf5"],
    ["tsv", "txt", "csv", "gz"],
    ["tsv", "txt", "csv", "gtf", "gz"],
)


@dataclass(frozen=True)
class Source:
    """A file as the form gives it: a path that was typed, an upload that is not on disk yet, or a release's name."""

    path: str = ""
    upload: Any = None
    release: str = ""

    @property
    def given(self) -> bool:
        """Was anything given?"""
        return bool(self.path.strip()) or self.upload is not None or bool(self.release)

    def save(self, folder: Path) -> str | None:
        """The path to build from; an upload is written below ``folder`` first. None where nothing was given.

        Raises NotFoundError for a path that may not be opened from a page.
        """
        if self.release:
            return self.release  # the build fetches it
        if self.upload is None:
            return str(confined.real_path(self.path)) if self.path.strip() else None
        folder.mkdir(parents=True, exist_ok=True)
        target = folder.resolve() / kept_name(self.upload.name, "upload")
        with target.open("wb") as file:
            while block := self.upload.read(8 << 20):
                file.write(block)
        return str(target)


def form(workspace: Workspace) -> None:
    """Asks for everything that a build needs and starts it; bad input is one error and starts nothing."""
    st.header("Build a dataset", anchor=False)
    if not people.welcome(Role.TRAINER, "Building"):
        return
    where = st.segmented_control("Files come from", [PATH, UPLOAD], default=PATH, required=True, key="files_from")
    with st.form("build", enter_to_submit=False):
        allowed = "Letters, digits, '-', '_' and '.'. A dataset of that name is replaced once the build is done."
        name = st.text_input("Name", key="build_name", max_chars=64, placeholder="my-tissues", help=allowed)
        counts = ask("Counts (ARCHS4 layout, .h5)", "counts", where, COUNTS_TYPES)
        labels = ask("Labels: table or folder (optional)", "labels", where, LABEL_TYPES)
        rules, parents = _label_switches()
        lengths = _ask_lengths(where)
        settings = _settings()
        if not st.form_submit_button("Build", type="primary", icon=":material/build:"):
            return
    with feedback.errors():
        sources = {"counts": counts, "labels": labels, "lengths": lengths}
        sources |= {"label_rules": rules, "label_parents": parents}
        run = start(workspace, name.strip(), sources, settings)
        state.set_params(run=run.id)
        st.rerun()


def _ask_lengths(where: str) -> Source:
    """A file with lengths, or else a release of GENCODE."""
    left, right = st.columns([3, 2])
    with left:
        given = ask("Gene lengths: table or GENCODE GTF", "lengths", where, LENGTH_TYPES)
    table = wf.gencode_releases().set_index("release")
    told = "Its annotation (about 30 to 60 MB) is downloaded once and kept. ARCHS4 v2 counts against 41 and M30."
    release = right.selectbox(
        "or a GENCODE release", table.index.tolist(), index=None, key="build_gencode", placeholder="None", help=told,
        format_func=lambda name: f"{name}: {table.at[name, 'organism']}, Ensembl {table.at[name, 'ensembl']}",
    )  # fmt: skip
    if not release:
        return given
    return Source(given.path, given.upload, f"{GENCODE}v{release}")


def refuse_while_built(workspace: Workspace, name: str) -> None:
    """Raises RecipeError while a job builds the dataset of that name."""
    if any(run.kind in KINDS and run.dataset == name for run in jobs.active_runs(workspace)):
        raise RecipeError(f"{name!r} is being built already: wait for it, or cancel it first.")


def _label_switches() -> tuple[Source, Source]:
    """Whether to label by rules, and whether labels imply others; the tables that say how, where switched on."""
    left, right = st.columns(2)
    told = "Looks for tissues, cell types and cell lines in titles, source names and characteristics."
    rules = left.toggle("Label by rules", key="build_rules", help=told)
    told = "Cerebellum is brain, too. Labels from rules always get such parents; switched on, labels of a file do, too."
    parents = right.toggle("Add the parents of labels", key="build_parents", help=told)
    return Source(str(SHIPPED_RULES) if rules else ""), Source(str(SHIPPED_PARENTS) if parents else "")


def _settings() -> dict[str, Any]:
    left, middle, right = st.columns(3)
    told = "Spliced: sum of exons of the longest transcript. Genomic span: its introns too."
    published = "The published code divided by genomic span in bp."
    probability = "Leave out biosamples from this single-cell probability on"
    return {
        "length_measure": left.selectbox(
            "Divide by", list(MEASURES), format_func=MEASURES.__getitem__, key="build_measure", help=told
        ),
        "length_unit": middle.selectbox("Length in", ["kb", "bp"], key="build_unit", help=published),
        "repeated_genes": right.selectbox(
            "Repeated genes", list(REPEATED), format_func=REPEATED.__getitem__, key="build_repeated"
        ),
        "max_singlecell": st.slider(probability, 0.05, 1.05, 0.5, 0.05, key="build_limit", help="1.05 keeps all."),
    }


def start(workspace: Workspace, name: str, sources: dict[str, Source], settings: dict[str, Any]) -> Run:
    """Checks what was asked for and starts the job. Raises InputError, and then nothing was started."""
    if not name:
        raise RecipeError("The dataset has no name: give it one.")
    if not sources["counts"].given:
        raise RecipeError("There is no counts file: give one in an ARCHS4 layout (.h5).")
    if settings["length_measure"] != "none" and not sources["lengths"].given:
        raise LengthsError(
            "Gene lengths are missing: give a table or a GTF, choose a GENCODE release, or do not divide by length."
        )
    lengths = sources["lengths"]
    if lengths.release and (lengths.path.strip() or lengths.upload is not None):
        raise LengthsError("There are both a file of gene lengths and a GENCODE release: give one of them.")
    refuse_while_built(workspace, name)
    request = BuildRequest(Path("-"), name, lengths=Path("-"), **settings)
    request.recipe()  # the name and the settings, before an upload is written anywhere
    check_uploads(workspace, name, sources.values())
    with job_uploads.folder_for(workspace.root, name) as folder:
        files = {key: source.save(folder / key) for key, source in sources.items()}
        paths: dict[str, Any] = {key: Path(path) for key, path in files.items() if path}
        if lengths.release:
            wf.gencode_release(lengths.release)
            paths.pop("lengths")  # not here yet
        _ = BuildRequest(name=name, **paths, **settings).inputs
        return jobs.start(workspace, "build", name, {**files, **settings})


def check_uploads(workspace: Workspace, name: str, sources: Iterable[Source]) -> None:
    """Raises AccessError where the uploads of a form are more than whoever is here may upload, or keep."""
    guard.check(workspace.root, Role.TRAINER, "start", dataset=name)  # before anything is written
    size = sum(source.upload.size for source in sources if source.upload is not None)
    if size:
        quotas.check_upload(0, size)
        quotas.check_start(workspace, size)


def ask(label: str, key: str, where: str, types: list[str]) -> Source:
    """A field for a file, by path or as an upload."""
    if where == UPLOAD:
        return Source(upload=st.file_uploader(label, types, key=f"{key}_upload"))
    return Source(path=st.text_input(label, key=f"{key}_path", placeholder="/path/to/file") or "")


def follow(workspace: Workspace) -> None:
    """The build that the address names, or else the one that runs: progress, then how it went."""
    asked = state.param("run")
    running = [run for run in jobs.active_runs(workspace) if run.kind in KINDS]
    run = next((run for run in running if run.id == asked), running[0] if running else None)
    if run is None and asked:
        run = _finished(workspace, asked)
    if run is None:
        return
    feedback.job_panel(run)
    result = run.result
    if result and result["status"] == "done":
        _say_done(run, result["metrics"])


def _finished(workspace: Workspace, run_id: str) -> Run | None:
    try:
        run = workspace.runs.get(run_id)
    except ArchscopeError:
        return None
    return run if run.kind in KINDS else None


def _say_done(run: Run, metrics: dict[str, Any]) -> None:
    if metrics["cached"]:
        st.info(f"{run.dataset} {CACHED[run.kind]}: nothing had to be computed.", icon=":material/bolt:")
    else:
        st.caption(f"Built in {feedback.duration(metrics['seconds'])}.")
    for text in metrics["warnings"]:
        st.caption(f"• {text}")
    st.page_link("pages/rankings.py", label=f"Open the rankings of {run.dataset}", icon=":material/leaderboard:",
                 query_params={"dataset": run.dataset})  # fmt: skip


def dataset_columns() -> dict[str, Any]:
    """How the list of datasets is titled and formatted."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "name": text("Dataset", width=130),
        "simulated": st.column_config.CheckboxColumn("Simulated", width=85),
        "n_biosamples": number("Biosamples", format="localized", width=95),
        "n_genes": number("Genes", format="localized", width=80),
        "n_labels": number("Labels", format="localized", width=70),
        "n_series": number("Series", format="localized", width=70),
        "created": st.column_config.DatetimeColumn("Built (UTC)", format="YYYY-MM-DD HH:mm", width=135),
        "fingerprint": text("Fingerprint", help="Of the content of the files", width=120),
        "counts": text("Counts file", width=240),
    }
