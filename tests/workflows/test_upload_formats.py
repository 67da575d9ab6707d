"""The same biosamples in the form that each program writes, from the file to the call."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from core import workflows
from core.errors import SampleFileError
from core.sources.matched import counts_of
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace
from core.types import Prediction
from tests.sources import made_uploads as made

Made = tuple[Path | bytes, str, np.ndarray]  # the upload, the kind it is read as, its counts (m x G)
Maker = Callable[[StoredDataset, np.ndarray, Path], Made]
ROWS = [5, 60]


def kallisto(dataset: StoredDataset, counts: np.ndarray, folder: Path) -> Made:
    """Two transcripts a gene, under the names of GENCODE's index; a part of the counts is not whole."""
    genes, share = dataset.genes, np.array([0.25, 0.75])
    names = [
        f"ENST{i:011d}.{j}|{gene}.4|-|-|{symbol}-20{j}|{symbol}|900|protein_coding|"
        for i, (gene, symbol) in enumerate(zip(genes["ensembl_gene_id"], genes["symbol"], strict=True))
        for j in (1, 2)
    ]
    split = (counts[0][:, None] * share).ravel()
    return made.kallisto_h5(folder / "a", names, split), "kallisto abundance.h5, GENCODE target ids", counts[:1]


def star(dataset: StoredDataset, counts: np.ndarray, folder: Path) -> Made:
    """A library of which the second read's strand is the gene's."""
    both = counts[0].astype(np.int64)
    columns = np.array([both + 3, both // 50, both])
    data = made.star(dataset.genes["ensembl_gene_id"] + ".1", columns)
    return data, "STAR ReadsPerGene.out.tab, Ensembl gene ids", counts[:1]


def ten_x(dataset: StoredDataset, counts: np.ndarray, folder: Path) -> Made:
    """A sample dealt out to 50 cells."""
    rng = np.random.default_rng(4)
    cells = np.array([rng.multinomial(count, np.full(50, 0.02)) for count in counts[0].astype(np.int64)])
    files = made.ten_x(cells, dataset.genes["ensembl_gene_id"].to_list(), dataset.genes["symbol"].to_list())
    return made.zipped(files), "10x folder (zip), Ensembl gene ids", counts[:1]


def h5ad(dataset: StoredDataset, counts: np.ndarray, folder: Path) -> Made:
    scaled = np.log1p(1e4 * counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
    names = [f"s{i}" for i in range(len(counts))]
    columns = {"gene_ids": dataset.genes["ensembl_gene_id"].to_list()}
    path = made.h5ad(
        folder / "a", scaled, dataset.genes["symbol"].to_list(), names, form="csr", columns=columns,
        layers={"counts": counts},
    )  # fmt: skip
    return path, "h5ad (AnnData), Ensembl gene ids", counts


def feature_counts(dataset: StoredDataset, counts: np.ndarray, folder: Path) -> Made:
    data = made.feature_counts(dataset.genes["ensembl_gene_id"].to_list(), ["x/s0.bam", "x/s1.bam"], counts)
    return data, "featureCounts table, Ensembl gene ids", counts


def gct(dataset: StoredDataset, counts: np.ndarray, folder: Path) -> Made:
    ids, symbols = (dataset.genes[column].to_list() for column in ("ensembl_gene_id", "symbol"))
    return made.gct(ids, ["s0", "s1"], counts, symbols), "GCT 1.2, Ensembl gene ids", counts


@pytest.mark.parametrize("maker", [kallisto, star, ten_x, h5ad, feature_counts, gct])
def test_a_biosample_is_called_alike_in_every_form(workspace: Workspace, tmp_path: Path, maker: Maker) -> None:
    dataset = workspace.dataset("demo")
    counts = dataset.counts(np.array(ROWS)).astype(np.int64)
    source, kind, expected = maker(dataset, counts, tmp_path)
    matched = workflows.read_upload(workspace, "demo", source, "unnamed.bin")
    assert matched.kind == kind and matched.matched.all() and not matched.unmatched
    np.testing.assert_allclose(counts_of(matched), expected, rtol=1e-6)
    found = workflows.classify(workspace, "demo", matched)
    assert [call(one) for one in found] == [call(one) for one in from_a_matrix(workspace, dataset, expected)]


def from_a_matrix(workspace: Workspace, dataset: StoredDataset, counts: np.ndarray) -> list[Prediction]:
    names = [f"s{i}" for i in range(len(counts))]
    frame = pd.DataFrame(counts.T, index=dataset.genes["ensembl_gene_id"], columns=names)
    return workflows.classify(
        workspace, "demo", workflows.read_upload(workspace, "demo", frame.to_csv().encode(), "m.csv")
    )


def call(one: Prediction) -> tuple[object, ...]:
    return one.predicted, round(one.probability, 5), round(one.novelty, 5), one.nearest["sample_id"].tolist()


@pytest.mark.parametrize(
    ("upload", "program"),
    [(made.salmon, "salmon"), (made.rsem_genes, "RSEM")],
)
def test_shares_of_reads_are_told_to_be_estimates(
    workspace: Workspace, upload: Callable[..., bytes], program: str
) -> None:
    genes = workspace.dataset("demo").genes["ensembl_gene_id"].to_list()
    matched = workflows.read_upload(workspace, "demo", upload(genes, np.arange(len(genes)) / 2), "x")
    assert f"The values were taken as counts as {program} estimates them." in matched.notes


def test_a_link_in_an_upload_is_refused_by_the_workflow_too(workspace: Workspace, tmp_path: Path) -> None:
    path = made.kallisto_h5(tmp_path / "a.h5", ["ENST1"], [1.0])
    with h5py.File(path, "a") as file:
        file["out"] = h5py.ExternalLink("other.h5", "/x")
    with pytest.raises(SampleFileError, match="/out is a link"):
        workflows.read_upload(workspace, "demo", path, "a.h5")
