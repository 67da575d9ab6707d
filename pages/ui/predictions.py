"""What a model says of the samples on the Classify page, of a whole file and of the one that is looked at."""

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
from core.store.workspace import Workspace
from core.types import MatchedSamples, Prediction
from pages.ui import reports, state
from pages.ui.uploads import Source

KEPT = 8  # files whose predictions are kept
KEPT_BYTES = 2**30  # of their values in all; the last file is kept whatever its size
MOST_JSON = 200  # samples, each of which has to be compared with the whole dataset
Key = tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """Predictions of all samples of a source. ``matched``: what was read of a file; None for a biosample, whose
    prediction is explained already. ``key`` names it in caches.
    """

    key: Key
    found: list[Prediction]
    matched: MatchedSamples | None = None

    @property
    def n_bytes(self) -> int:
        """Memory of its values."""
        return self.matched.values.nbytes if self.matched else 0


class _Answers:
    """The last few answers; not in Streamlit's cache, which would copy the values at every rerun."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Answer | None:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def keep(self, answer: Answer) -> Answer:
        with self._lock:
            self._known[answer.key] = answer
            while len(self._known) > 1 and (len(self._known) > KEPT or self._size() > KEPT_BYTES):
                self._known.popitem(last=False)
        return answer

    def _size(self) -> int:
        return sum(answer.n_bytes for answer in self._known.values())


def _answers() -> _Answers:
    """Those of this session: what was uploaded in it is nobody else's."""
    kept: _Answers = st.session_state.setdefault("answers", _Answers())
    return kept


def classified(dataset: StoredDataset, run: Run, source: Source) -> Answer:
    """What the run says of every sample of the source. Raises ArchscopeError."""
    key = (dataset.view_key, run.id, source.key, source.name, source.units)
    return _answers().get(key) or _answers().keep(_classify(dataset, run, source, key))


def _classify(dataset: StoredDataset, run: Run, source: Source, key: Key) -> Answer:
    workspace = state.workspace()
    if source.data is None:
        with st.spinner("Comparing with every biosample of the dataset …"):
            return Answer(key, wf.classify_biosamples(workspace, dataset.name, [source.name], run.id))
    bar = st.progress(0.0, "Reading the file")

    def progress(stage: str, done: float, total: float, **values: float | str) -> None:
        share = done / total if total else 1.0
        bar.progress(min(share, 1.0), f"{stage[0].upper()}{stage[1:]}: {share:.0%}")

    try:
        matched = wf.read_upload(workspace, dataset.name, source.data, source.name, source.units, progress)
        found = wf.call(workspace, dataset.name, matched, run.id, progress)
    finally:
        bar.empty()
    return Answer(key, found, matched)


def explained(dataset: StoredDataset, run: Run, answer: Answer, position: int) -> Prediction:
    """The prediction of one sample with its nearest biosamples and its unusually high genes."""
    if answer.matched is None:
        return answer.found[position]
    return _explained(answer.key, position, dataset.name, run.id, answer)


@st.cache_data(max_entries=64, scope="session", show_spinner="Comparing with every biosample of the dataset …")
def _explained(key: Key, position: int, name: str, run_id: str, _answer: Answer) -> Prediction:
    assert _answer.matched is not None
    return wf.explain(state.workspace(), name, _answer.matched, position, _answer.found[position], run_id)


def show_matching(answer: Answer) -> None:
    """How the file was read: its kind, the genes found, the ids that were not, and what was assumed."""
    matched = answer.matched
    if matched is None:
        return
    first = answer.found[0]
    expected, share = first.genes_expected, first.genes_matched / first.genes_expected
    st.markdown(
        f"Read as **{matched.kind}**: {len(matched):,} sample{'s' * (len(matched) != 1)}, "
        f"{first.genes_matched:,} of the dataset's {expected:,} genes found ({share:.1%}), "
        f"{len(matched.unmatched):,} ids not known."
    )
    for note in matched.notes:
        st.caption(f":material/info: {note}")
    if matched.unmatched:
        with st.expander(f"{len(matched.unmatched):,} ids that are not in the dataset"):
            st.dataframe(pd.DataFrame({"id in the file": matched.unmatched}), hide_index=True, height=200)


def show_verdict(found: Prediction, run: Run) -> None:
    """The call in figures, by which model, and in words where the model would rather not make it."""
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
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"By the model {wf.model_name(run)} (run `{run.id}`).", width="content")
        if not found.nearest.empty:
            reports.button("sample", state.workspace().dataset(run.dataset), found)
    if found.abstained:
        reasons = "".join(f"\n- {reason}" for reason in found.reasons)
        st.warning(
            f"The model abstains: take the label as a hint, not as a call.{reasons}", icon=":material/front_hand:"
        )


def to_json(found: Sequence[Prediction], run: Run) -> str:
    """The whole result with the run that made it, as JSON; the predictions must be explained."""
    whole = {"run": run.id, "dataset": run.dataset, "fingerprint": run.recipe["fingerprint"]}
    return json.dumps(clean(whole | {"samples": wf.predictions_json(found)}), indent=2, ensure_ascii=False)


def gene_table(found: Prediction, label: str) -> pd.DataFrame:
    """The unusually high genes with columns that say what they hold."""
    names = {"value": "value (log2)", "z_all": "z, all", "z_label": f"z, {label or 'label'}"}
    order = ["symbol", "value", "z_all", "z_label", "ensembl_gene_id"]
    return found.high_genes[order].round(2).rename(columns=names)


def decision_table(found: Prediction) -> pd.DataFrame:
    """The genes that decided, with columns that say what they hold."""
    names = {"value": "value (log2)", "usual": "usual (log2)"}
    order = ["symbol", "contribution", "value", "usual", "ensembl_gene_id"]
    decimals = {"contribution": 4, "value": 2, "usual": 2}
    return found.deciding_genes[order].round(decimals).rename(columns=names)


def unit_of(run: Run) -> str:
    """What contributions of genes to a label are measured in, by the family of the model."""
    linear = run.recipe["parameters"].get("family") == "linear"
    return "log-odds over the next label" if linear else "share of votes"


def downloads(dataset: StoredDataset, run: Run, answer: Answer) -> None:
    """The result of the whole file: the command line's rows, safe for a spreadsheet or with their provenance, and JSON
    with everything.
    """
    count, address = len(answer.found), state.address()
    which = answer.found[0].sample if count == 1 else f"{count}-samples"
    stem = wf.file_stem(f"{run.dataset}-classified-{which}", dataset)
    table = wf.predictions_table(answer.found)
    makers: dict[str, Callable[[], bytes]] = {
        "csv": lambda: wf.to_csv(table),
        "parquet": lambda: wf.to_parquet(table, wf.provenance(dataset, address, model=run.id)),
    }
    if count <= MOST_JSON:
        workspace = state.workspace()  # of this session; a download is made outside of it
        makers["json"] = lambda: _whole_json(workspace, run, answer).encode()
    words = {"csv": "CSV", "parquet": "Parquet", "json": "JSON with everything"}
    with st.container(horizontal=True):
        for suffix, make in makers.items():
            st.download_button(words[suffix], make, f"{stem}.{suffix}", key=f"result_{suffix}", on_click="ignore",
                               icon=":material/download:")  # fmt: skip
    if count > MOST_JSON:
        st.caption(
            "JSON with the nearest biosamples and high genes of every sample: "
            f"`python -m core classify {dataset.name} FILE --format json`"
        )


def _whole_json(workspace: Workspace, run: Run, answer: Answer) -> str:
    matched = answer.matched
    if matched is None:
        return to_json(answer.found, run)
    each = enumerate(answer.found)
    return to_json([wf.explain(workspace, run.dataset, matched, place, one, run.id) for place, one in each], run)
