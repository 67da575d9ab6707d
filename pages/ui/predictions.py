"""What the Classify page is made of: where a sample comes from, and what the model says of it."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core import workflows as wf
from core.store.datasets import StoredDataset
from core.store.files import clean
from core.store.runs import Run
from core.types import MatchedSamples, Prediction
from pages.ui import state

KEPT = 20  # uploads that a link can come back to, while the app runs
EXAMPLES = {"example_brain.csv": "One brain sample", "example_mixed.csv": "Six samples of several tissues"}
MOST_OPTIONS = 500
UPLOAD_HELP = (
    "CSV or TSV (plain or .gz): a gene column (symbols or Ensembl ids) and a column of raw counts for each sample; "
    "kallisto abundance.tsv; or an ARCHS4-layout .h5. The file is read by this app alone and not stored."
)
TYPES = ["csv", "tsv", "txt", "gz", "h5", "hdf5"]


@dataclass(frozen=True)
class Source:
    """A file's content with its name, or a biosample of the dataset."""

    key: str
    name: str
    data: bytes | None = None


class _Uploads:
    """The last few uploads by the digest of their content, so that an address leads back to them."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, name: str, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()[:16]
        with self._lock:
            self._files[digest] = (name, data)
            self._files.move_to_end(digest)
            while len(self._files) > KEPT:
                self._files.popitem(last=False)
        return digest

    def get(self, digest: str) -> tuple[str, bytes] | None:
        with self._lock:
            return self._files.get(digest)


@st.cache_resource
def _uploads() -> _Uploads:
    return _Uploads()


def choose_source(dataset: StoredDataset) -> Source | None:
    """Asks for a file or a biosample; the choice is in the address (upload, example or biosample)."""
    left, right = st.columns(2, gap="large")
    with left:
        st.file_uploader(
            "Upload counts of one or more samples", type=TYPES, key="upload_file", on_change=_uploaded,
            help=UPLOAD_HELP,
        )  # fmt: skip
    with right:
        _choose_biosample(dataset)
        _choose_example(dataset)
    return _from_address(dataset)


def classified(dataset: StoredDataset, run: Run, source: Source) -> tuple[MatchedSamples | None, list[Prediction]]:
    """What was matched (None for a biosample of the dataset) and what the run says. Raises ArchscopeError."""
    return _classified(dataset.key, run.id, source.key, dataset.name, source)


@st.cache_data(max_entries=8, show_spinner="Comparing with every biosample of the dataset …")
def _classified(
    build: str, run_id: str, key: str, name: str, _source: Source
) -> tuple[MatchedSamples | None, list[Prediction]]:
    workspace = state.workspace()
    if _source.data is None:
        return None, wf.classify_biosamples(workspace, name, [_source.name], run_id)
    matched = wf.read_upload(workspace, name, _source.data, _source.name)
    return matched, wf.classify(workspace, name, matched, run_id)


def show_matching(matched: MatchedSamples | None, found: Sequence[Prediction]) -> None:
    """How the file was read: its kind, the genes found, the ids that were not, and what was assumed."""
    if matched is None:
        return
    expected, share = found[0].genes_expected, found[0].genes_matched / found[0].genes_expected
    st.markdown(
        f"Read as **{matched.kind}**: {len(matched.sample_names):,} sample{'s' * (len(matched.sample_names) != 1)}, "
        f"{found[0].genes_matched:,} of the dataset's {expected:,} genes found ({share:.1%}), "
        f"{len(matched.unmatched):,} ids not known."
    )
    for note in matched.notes:
        st.caption(f":material/info: {note}")
    if matched.unmatched:
        with st.expander(f"{len(matched.unmatched):,} ids that are not in the dataset"):
            st.dataframe(pd.DataFrame({"id in the file": matched.unmatched}), hide_index=True, height=200)


def show_verdict(found: Prediction) -> None:
    """The call in figures, and in words where the model would rather not make it."""
    columns = st.columns([2, 1, 1, 1])
    columns[0].metric(
        "Reads most like" if found.abstained else "Predicted label", " + ".join(found.predicted) or "none"
    )
    columns[1].metric("Probability", f"{found.probability:.2f}")
    columns[2].metric(
        "Genes matched",
        f"{found.genes_matched:,}",
        f"of {found.genes_expected:,}",
        delta_color="off",
        delta_arrow="off",
    )
    columns[3].metric(
        "Novelty", f"{found.novelty:.2f}",
        help="Share of training biosamples that lie closer to their own nearest biosample of another series than this "
             "sample does to its nearest: 0 = at home, 1 = unlike all.",
    )  # fmt: skip
    if found.abstained:
        reasons = "".join(f"\n- {reason}" for reason in found.reasons)
        st.warning(
            f"The model abstains: take the label as a hint, not as a call.{reasons}", icon=":material/front_hand:"
        )


def to_json(found: Sequence[Prediction], run: Run) -> str:
    """The whole result with the run that made it, as JSON."""
    whole = {"run": run.id, "dataset": run.dataset, "fingerprint": run.recipe["fingerprint"]}
    return json.dumps(clean(whole | {"samples": wf.predictions_json(found)}), indent=2, ensure_ascii=False)


def gene_table(found: Prediction, label: str) -> pd.DataFrame:
    """The unusually high genes with columns that say what they hold."""
    names = {"value": "value (log2)", "z_all": "z, all", "z_label": f"z, {label or 'label'}"}
    order = ["symbol", "value", "z_all", "z_label", "ensembl_gene_id"]
    return found.high_genes[order].round(2).rename(columns=names)


def downloads(found: Sequence[Prediction], run: Run) -> None:
    """The result of the whole file: rows as the command line writes them, and JSON with everything."""
    stem = f"{run.dataset}-classified-{found[0].sample if len(found) == 1 else f'{len(found)}-samples'}"
    table = wf.predictions_table(found)
    makers: dict[str, Callable[[], bytes]] = {
        "csv": lambda: table.to_csv(index=False).encode(),
        "parquet": lambda: table.to_parquet(None, index=False),
        "json": lambda: to_json(found, run).encode(),
    }
    words = {"csv": "CSV", "parquet": "Parquet", "json": "JSON with everything"}
    with st.container(horizontal=True):
        for suffix, make in makers.items():
            st.download_button(words[suffix], make, f"{stem}.{suffix}", key=f"result_{suffix}", on_click="ignore",
                               icon=":material/download:")  # fmt: skip


def _from_address(dataset: StoredDataset) -> Source | None:
    upload, example, biosample = (state.param(name, "") for name in ("upload", "example", "biosample"))
    if upload:
        file = _uploads().get(upload)
        if file is None:
            st.info(
                "The upload that this link means is not kept any more. Upload the file again.",
                icon=":material/upload_file:",
            )
            return None
        return Source(upload, *file)
    if example in EXAMPLES and dataset.simulated:
        path = state.workspace().root / "demo" / example
        if path.is_file():
            return Source(f"{example}:{path.stat().st_mtime_ns}", example, path.read_bytes())
    return Source(biosample, biosample) if biosample else None


def _choose_biosample(dataset: StoredDataset) -> None:
    frame = wf.unlabelled(state.workspace(), dataset.name)
    words = {
        row.sample_id: f"{row.sample_id} · {row.title or row.source_name_ch1}"
        for row in frame.head(MOST_OPTIONS).itertuples()
    }
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
    _only(upload=_uploads().keep(file.name, file.getvalue()) if file else None)


def _chosen_biosample() -> None:
    _only(biosample=(st.session_state["pick_biosample"] or "").strip() or None)


def _only(**chosen: str | None) -> None:
    """One source in the address, none of the others."""
    state.set_params(**({"upload": None, "example": None, "biosample": None, "item": None} | chosen))
