"""Uploads as they come: without some genes, or as TPM, RPKM, CPM or logs; is the first label that of the full counts?

Real biosamples beside the checkout, where they are: once those that the model was trained on, and once one half of the
series with a model of the other half.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.child import PROJECT, run_core
from benchmarks.report import Row, Section
from benchmarks.setting import Setting
from benchmarks.timing import say
from core import workflows
from core.errors import NotFoundError, StoreError
from core.sources.archs4 import Archs4File, write_archs4
from core.sources.gene_matching import match_genes
from core.store.datasets import StoredDataset
from core.types import BoolArray, CountMatrix, DoubleArray, IndexArray, MatchedSamples, Measure, SampleSet, silent
from core.workflows.calling import Caller
from core.workflows.evidence import Evidence, Guesses
from core.workflows.uploading import complete

REAL = PROJECT.parent / "shared" / "data"
TREES, QUICK_TREES, QUICK_SAMPLES = 100, 20, 40
LOST, DRAWS = 0.3, 20
MOST_FILES = 60  # that are matched one by one
ANNOTATION_SD = 0.3  # of log length, between the lengths that an upload was divided by and those of the dataset
Change = Callable[[DoubleArray, DoubleArray, np.random.Generator], DoubleArray]


@dataclass(frozen=True)
class Variant:
    """What is done to counts (m x G) with lengths (G); ``per_length``: what has to be recognised (None: not asked)."""

    name: str
    change: Change
    per_length: bool | None
    target: float


def _per_million(values: DoubleArray) -> DoubleArray:
    result: DoubleArray = 1e6 * values / values.sum(axis=1, keepdims=True)
    return result


def _tpm(counts: DoubleArray, lengths: DoubleArray, rng: np.random.Generator) -> DoubleArray:
    return _per_million(counts / lengths)


def _other_annotation(counts: DoubleArray, lengths: DoubleArray, rng: np.random.Generator) -> DoubleArray:
    return _per_million(counts / (lengths * rng.lognormal(0.0, ANNOTATION_SD, len(lengths))))


def _rpkm(counts: DoubleArray, lengths: DoubleArray, rng: np.random.Generator) -> DoubleArray:
    return _per_million(counts) * 1000 / lengths


VARIANTS = (
    Variant("TPM", _tpm, True, 0.95),
    Variant("TPM, two decimals", lambda x, lengths, rng: _tpm(x, lengths, rng).round(2), True, 0.95),
    Variant("TPM, lengths of another annotation", _other_annotation, True, 0.95),
    Variant("log2(TPM + 1)", lambda x, lengths, rng: np.log2(1 + _tpm(x, lengths, rng)), True, 0.95),
    Variant("RPKM", _rpkm, True, 0.95),
    Variant("CPM", lambda x, lengths, rng: _per_million(x), False, 0.95),
    Variant("CPM, two decimals", lambda x, lengths, rng: _per_million(x).round(2), False, 0.95),
    Variant("log2(CPM + 1)", lambda x, lengths, rng: np.log2(1 + _per_million(x)), False, 0.95),
    Variant("Counts less up to a tenth, not whole", lambda x, _, rng: x * rng.uniform(0.9, 1, x.shape), False, 0.95),
)


def run(setting: Setting) -> Section:
    """Share of uploads whose first label is that of the full counts, and how often their unit was recognised."""
    counts = REAL / "human_tissue_counts.h5"
    if not counts.is_file():
        return Section(notes=["Skipped: this needs the real trial data in `shared/data` beside the checkout."])
    rows: list[Row] = []
    with Archs4File(counts) as file:
        everything, genes, biosamples = file.read(slice(None)), file.genes, file.biosamples
    known = _dataset(setting, "uploads-known", counts)
    rows += _rows(setting, known, everything, genes, biosamples, "trained on")
    upload = _second_half(biosamples["series_id"])
    half = setting.folder / "uploads-half.h5"
    write_archs4(half, everything[~upload], genes, biosamples[~upload].reset_index(drop=True), {})
    unseen = _dataset(setting, "uploads-unseen", half)
    learnt = biosamples["sample_id"].map(_tissues()).isin(_learnt(setting, unseen)).to_numpy()
    for who, what in ((upload & learnt, "series not seen"), (upload & ~learnt, "tissue not seen")):
        rows += _rows(setting, unseen, everything[who], genes, biosamples[who], what)
    note = (
        "Real biosamples, each judged as a file of its own. *ARCHScope* is the share whose first label is that of the "
        "full counts; *against* it stands the share where the values are ranked as they are. *Result* is the share "
        "whose unit (divided by length or not) was recognised. The other annotation has lengths that differ by a "
        f"log-normal factor (sd {ANNOTATION_SD}). For a tissue that the model was not trained on, the label is one of "
        "others whatever is done, so no target is set."
    )
    return Section(rows, notes=[note])


def _second_half(series: "pd.Series[str]") -> BoolArray:
    """Biosamples of a half of the series, drawn with a seed."""
    names = np.sort(series.unique().astype(str))
    drawn = np.random.default_rng(1).permutation(names)[: len(names) // 2]
    return series.isin(drawn.tolist()).to_numpy()


def _dataset(setting: Setting, name: str, counts: Path) -> StoredDataset:
    """A dataset with a trained classifier; made first where it is not there."""
    try:
        dataset = setting.workspace.dataset(name)
        if setting.workspace.active(dataset, "classifier") is not None:
            return dataset
    except (NotFoundError, StoreError):
        pass
    say(f"  building and training {name}")
    folder, trees = ["--data-dir", str(setting.workspace.root)], QUICK_TREES if setting.quick else TREES
    tables = ["--labels", str(_labels(setting, counts)), "--lengths", str(REAL / "gene_lengths.tsv")]
    run_core([*folder, "build", str(counts), "--name", name, *tables])
    run_core([*folder, "train", "classifier", name, "--trees", str(trees)])
    return setting.workspace.dataset(name)


def _tissues() -> dict[str, str]:
    labels = pd.read_csv(REAL / "human_tissue_labels.tsv", sep="\t", dtype=str)
    return dict(zip(labels["sample_id"], labels["tissue"], strict=True))


def _learnt(setting: Setting, dataset: StoredDataset) -> list[str]:
    """The labels that the dataset's model knows: those with enough biosamples."""
    some = workflows.classify_biosamples(setting.workspace, dataset.name, dataset.biosamples["sample_id"][:1].tolist())
    return list(some[0].probabilities)


def _labels(setting: Setting, counts: Path) -> Path:
    """The labels of the biosamples that the file has."""
    with Archs4File(counts) as file:
        there = set(file.biosamples["sample_id"])
    labels = pd.read_csv(REAL / "human_tissue_labels.tsv", sep="\t", dtype=str)
    path = setting.folder / f"{counts.stem}-labels.tsv"
    labels[labels["sample_id"].isin(there)].to_csv(path, sep="\t", index=False)
    return path


def _rows(
    setting: Setting, dataset: StoredDataset, counts: CountMatrix, genes: pd.DataFrame, biosamples: pd.DataFrame,
    what: str,
) -> list[Row]:  # fmt: skip
    if setting.quick:
        some = np.linspace(0, len(counts) - 1, QUICK_SAMPLES).astype(np.intp)
        counts, biosamples = counts[some], biosamples.iloc[some]
    uploads = _Uploads(setting, dataset, genes, biosamples["sample_id"].to_list())
    full = uploads.labels(uploads.matched(counts, slice(None)))
    size = f"{len(counts)} biosamples, {what}"
    say(f"  {what}: genes lost, zeros left out")
    rows = [_lost_genes(uploads, counts, full, size), _left_out_zeros(uploads, counts, full, size)]
    for variant in VARIANTS:
        say(f"  {what}: {variant.name}")
        values = variant.change(counts.astype(np.float64), uploads.lengths, np.random.default_rng(2))
        rows.append(_unit_row(uploads, variant, values, full, size))
    return rows


class _Uploads:
    """Puts values of biosamples through what an upload goes through, without the text of a file."""

    def __init__(self, setting: Setting, dataset: StoredDataset, genes: pd.DataFrame, names: list[str]) -> None:
        self.dataset, self._names = dataset, names
        run = setting.workspace.active(dataset, "classifier")
        if run is None:
            raise NotFoundError(f"{dataset.name} has no classifier.")
        self._caller = Caller(dataset, run)
        self._ids = genes["symbol"].to_numpy()
        self.lengths = dataset.genes["length_bp"].to_numpy(dtype=np.float64)

    def matched(
        self, values: CountMatrix | DoubleArray, genes: IndexArray | slice, rows: slice = slice(None)
    ) -> MatchedSamples:
        """Samples of a file with these genes alone; values are kept as a file's are."""
        kept = values if values.dtype == np.uint32 else values.astype(np.float32)
        samples = SampleSet(kept[rows][:, genes], self._ids[genes].tolist(), self._names[rows], "file")
        return match_genes(samples, self.dataset.genes, self.dataset.transcripts)

    def labels(self, matched: MatchedSamples) -> list[str]:
        """First label of each sample."""
        return [found.predicted[0] for found in self._caller.call(matched)]

    def measures(self, matched: MatchedSamples) -> tuple[Measure, ...]:
        """What each sample is taken for in a file of its own."""
        evidence = Evidence(self.dataset, matched, self.lengths)
        found = []
        for i in range(len(matched)):
            guesses = Guesses.of(matched.part(i, i + 1), "auto", True, silent)
            if not all(guesses.certain):
                guesses.weigh(evidence, silent)
            found += guesses.measures
        return tuple(found)


def _unit_row(uploads: _Uploads, variant: Variant, values: DoubleArray, full: list[str], size: str) -> Row:
    plain = uploads.matched(values, slice(None))
    measures = uploads.measures(plain)
    found = uploads.labels(replace(plain, measures=measures, lengths=uploads.lengths))
    right = np.mean([measure.per_length == variant.per_length for measure in measures])
    return _row(variant.name, size, found, full, uploads.labels(plain), f"{right:.1%} recognised", variant.target)


def _lost_genes(uploads: _Uploads, counts: CountMatrix, full: list[str], size: str) -> Row:
    """Every group of biosamples loses genes of its own."""
    rng = np.random.default_rng(3)
    found: list[str] = []
    bounds = np.linspace(0, len(counts), min(DRAWS, len(counts)) + 1).astype(int)
    for start, stop in pairwise(bounds):
        genes = np.flatnonzero(rng.random(counts.shape[1]) >= LOST)
        found += uploads.labels(uploads.matched(counts, genes, slice(start, stop)))
    return _row(f"{LOST:.0%} of the genes lost", size, found, full, None, "", 0.97)


def _left_out_zeros(uploads: _Uploads, counts: CountMatrix, full: list[str], size: str) -> Row:
    """Files that list expressed genes only: taken as 0 where that is recognised, against taken as missing."""
    zero, missing, recognised = [], [], 0
    some = np.unique(np.linspace(0, len(counts) - 1, MOST_FILES).astype(np.intp)).tolist()
    for i in some:
        matched = uploads.matched(counts, np.flatnonzero(counts[i]), slice(i, i + 1))
        noted = complete(uploads.dataset, matched)
        recognised += noted.rest_is_zero
        zero += uploads.labels(noted)
        missing += uploads.labels(matched)
    wanted, size = [full[i] for i in some], size.replace(str(len(counts)), str(len(some)), 1)
    return _row("Zeros left out", size, zero, wanted, missing, f"{recognised / len(some):.1%} recognised", 0.97)


def _row(
    what: str, size: str, found: list[str], full: list[str], as_is: list[str] | None, result: str, target: float
) -> Row:
    share = float(np.mean(np.array(found) == np.array(full)))
    other = "" if as_is is None else f"{np.mean(np.array(as_is) == np.array(full)):.1%}"
    if size.endswith("tissue not seen"):
        return Row(what, size, f"{share:.1%}", other, result)
    return Row(what, size, f"{share:.1%}", other, result, f"at least {target:.0%}", share >= target)
