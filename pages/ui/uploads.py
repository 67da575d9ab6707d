"""Where the samples of the Classify page come from: an upload, an example or a biosample, as the address says."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace

import streamlit as st

from core import workflows as wf
from core.errors import AccessError
from core.store import quotas
from core.store.datasets import StoredDataset
from pages.ui import runs, state

KEPT = 20  # uploads of a session that its address can come back to
KEPT_BYTES = 2**30  # of all of them; the last one is kept whatever its size
EXAMPLES = {"example_brain.csv": "One brain sample", "example_mixed.csv": "Six samples of several tissues"}
MOST_OPTIONS = 500
UPLOAD_HELP = (
    "Recognised by content, plain or .gz, up to 5,000 samples:\n"
    "- CSV or TSV with a gene column (symbols or Ensembl ids) and a column for each sample: counts, TPM, RPKM, CPM, or "
    "log2(x + 1) of such; GCT\n"
    "- kallisto abundance.tsv or .h5, salmon quant.sf, STAR ReadsPerGene.out.tab, featureCounts, HTSeq-count, RSEM\n"
    "- single cells, added up to one sample: a 10x folder as .zip or .tar.gz, Cell Ranger .h5\n"
    "- .h5ad (an observation is a sample), .loom (a column is), ARCHS4-layout .h5\n"
    "- a .zip, .tar or .tar.gz of one table or of a quantifier's tables\n\n"
    "Not Excel: it turns gene names into dates. The file stays in this session, and is gone with it."
)
UNITS_HELP = (
    "Samples are compared by the order of their genes. Only division by gene length changes that order, so TPM, RPKM "
    "and FPKM are multiplied by length first. What was recognised is said below; choose it here if that is wrong."
)
UNIT_WORDS = {
    "auto": "recognised from the values",
    "counts": "counts (also expected counts, CPM, size factors)",
    "tpm": "divided by gene length (TPM, RPKM, FPKM)",
}
TYPES = [
    "csv", "tsv", "txt", "tab", "gz", "sf", "results", "counts", "count", "gct", "h5", "hdf5", "h5ad", "loom", "zip",
    "tar", "tgz",     "xlsx", "xls",  # to be refused in words that help
]  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A file's content with its name and what its values are, or a biosample of the dataset."""

    key: str
    name: str
    data: bytes | None = None
    units: str = "auto"


class Uploads:
    """The last few uploads of one session by the digest of their content, so that its address leads back to them."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()

    def keep(self, name: str, data: bytes) -> str:
        """Keeps a file; its digest. Raises AccessError where it is more than the session may hold."""
        digest = hashlib.sha256(data).hexdigest()[:16]
        if digest not in self._files:
            quotas.check_upload(self.size, len(data))
        self._files[digest] = (name, data)
        self._files.move_to_end(digest)
        while len(self._files) > 1 and (len(self._files) > KEPT or self.size > KEPT_BYTES):
            self._files.popitem(last=False)
        return digest

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(len(data) for _, data in self._files.values())

    def get(self, digest: str) -> tuple[str, bytes] | None:
        """Name and content of a file; None where this session does not have it."""
        return self._files.get(digest)


def _uploads() -> Uploads:
    """Those of this session, and of nobody else; they go with it."""
    kept: Uploads = st.session_state.setdefault("uploads", Uploads())
    return kept


def choose_source(dataset: StoredDataset) -> Source | None:
    """Asks for a file or a biosample; the choice is in the address (upload, example or biosample)."""
    left, right = st.columns(2, gap="large")
    with left:
        st.file_uploader(
            "Upload one or more samples", type=TYPES, key="upload_file", on_change=_uploaded,
            help=UPLOAD_HELP,
        )  # fmt: skip
        if said := st.session_state.pop("upload_said", ""):
            st.error(said, icon=":material/error:")
    with right:
        _choose_biosample(dataset)
        _choose_example(dataset)
    with left:
        return _with_units(_from_address(dataset))


def _from_address(dataset: StoredDataset) -> Source | None:
    upload, example, biosample = (state.param(name, "") for name in ("upload", "example", "biosample"))
    if upload:
        kept = _uploads().get(upload)
        if kept is None:
            st.info(
                "The upload that this link means is not here: uploads stay in the session that made them, and go with "
                "it. Upload the file again.",
                icon=":material/upload_file:",
            )
            return None
        return Source(upload, *kept)
    if example in EXAMPLES and dataset.simulated:
        path = state.workspace().root / "demo" / example
        if path.is_file():
            return Source(f"{example}:{path.stat().st_mtime_ns}", example, path.read_bytes())
    return Source(biosample, biosample) if biosample else None


def _with_units(source: Source | None) -> Source | None:
    """A file with what the user says of its values; the choice is in the address."""
    if source is None or source.data is None:
        return source
    units = runs.pick("Its values are", wf.UNITS, "units", UNIT_WORDS.__getitem__, help=UNITS_HELP)
    return replace(source, units=units)


def _choose_biosample(dataset: StoredDataset) -> None:
    frame = wf.unlabelled(state.workspace(), dataset.name)
    shown = frame.head(MOST_OPTIONS)
    titles = shown["title"].where(shown["title"] != "", shown["source_name_ch1"])
    words = {sample: f"{sample} · {title}" for sample, title in zip(shown["sample_id"], titles, strict=True)}
    chosen = state.param("biosample", "")
    st.session_state["pick_biosample"] = chosen or None
    st.selectbox(
        f"… or one of the {len(frame):,} biosamples without a label", [*words, *({chosen} - {"", *words})],
        key="pick_biosample", index=None, format_func=lambda sample: words.get(sample, sample), accept_new_options=True,
        placeholder="Choose, or type any GSM accession of the dataset", on_change=_chosen_biosample,
    )  # fmt: skip


def _choose_example(dataset: StoredDataset) -> None:
    folder = state.workspace().root / "demo"
    if not dataset.simulated or not (folder / next(iter(EXAMPLES))).is_file():
        return
    st.caption("… or try an example (simulated samples that are not in the dataset)")
    with st.container(horizontal=True):
        for file, words in EXAMPLES.items():
            st.button(words, key=f"try_{file}", icon=":material/science:", on_click=_only, kwargs={"example": file})


def _uploaded() -> None:
    file = st.session_state["upload_file"]
    try:
        _only(upload=_uploads().keep(file.name, file.getvalue()) if file else None)
    except AccessError as error:
        _only()
        st.session_state["upload_said"] = str(error)


def _chosen_biosample() -> None:
    _only(biosample=(st.session_state["pick_biosample"] or "").strip() or None)


def _only(**chosen: str | None) -> None:
    """One source in the address, none of the others."""
    state.set_params(**({"upload": None, "example": None, "biosample": None, "item": None, "units": None} | chosen))
