"""Files of transcripts are built as sums of genes: against pandas, and against a build from a file of those sums."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.errors import CountsFileError, RecipeError
from core.sources.archs4 import Archs4File, write_archs4
from core.sources.gencode import strip_version
from core.store.workspace import Workspace
from core.workflows import AddRequest, BuildRequest, add, build
from core.workflows.blocks import sum_duplicates
from core.workflows.transcripts import sum_transcripts
from tests.sources.transcript_files import GENERATIONS, WITH_GENES, Made, make, write_gtf


def counts_by_gene(workspace: Workspace, name: str = "t", key: str = "ensembl_gene_id") -> pd.DataFrame:
    """Genes x biosamples of a dataset."""
    dataset = workspace.dataset(name)
    return pd.DataFrame(dataset.counts(slice(None)).T.astype(np.int64), index=dataset.genes[key].to_numpy())


def sums_of(made: Made, key: str = "gene") -> pd.DataFrame:
    sums = made.by_gene(key)
    return sums.set_axis([strip_version(name) for name in sums.index])


def same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(found.sort_index(), expected.sort_index(), check_names=False, check_dtype=False)


@pytest.mark.parametrize("organism", ["human", "mouse"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_layout_is_summed_to_genes(tmp_path: Path, generation: str, organism: str) -> None:
    made = make(tmp_path / "t.h5", generation, organism)
    gtf = write_gtf(tmp_path / "genes.gtf", made.table)
    workspace = Workspace(tmp_path / "data")
    outcome = build(workspace, BuildRequest(made.path, "t", lengths=gtf, memory="4GB"))
    same(counts_by_gene(workspace), sums_of(made))
    manifest = workspace.dataset("t").manifest
    assert manifest["transcripts_without_gene"] == made.table["transcript_id"][made.table["gene"] == ""].tolist()
    assert (manifest["level"], manifest["n_file_transcripts"]) == ("transcript", len(made.table))
    by = "the file's own genes" if generation in WITH_GENES else "genes.gtf"
    told = f"{len(made.table)} transcripts were added up to 12 genes, by {by}. 3 transcripts belong to no gene"
    assert any(text.startswith(told) for text in outcome.warnings)
    assert manifest["n_genes"] == 12 and manifest["repeated_genes"] == []


def test_the_dataset_is_that_of_a_file_of_the_sums(tmp_path: Path) -> None:
    made = make(tmp_path / "t.h5", n=12)
    gtf = write_gtf(tmp_path / "genes.gtf", made.table)
    sums = made.by_gene()
    genes = pd.DataFrame({"symbol": [f"GENE{int(g[4:15])}" for g in sums.index], "ensembl_gene_id": sums.index})
    with Archs4File(made.path) as file:
        write_archs4(tmp_path / "g.h5", sums.to_numpy().T.astype(np.uint32), genes, file.biosamples, {})
    workspace = Workspace(tmp_path / "data")
    for name in ("t", "g"):
        build(workspace, BuildRequest(tmp_path / f"{name}.h5", name, lengths=gtf))
    found, expected = (workspace.dataset(name).rankings.set_index("ensembl_gene_id") for name in ("t", "g"))
    columns = ["symbol", "mean", "signal", "mean_cosine", "length_bp"]
    pd.testing.assert_frame_equal(found.loc[expected.index, columns], expected[columns])


def test_blocks_do_not_change_the_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["core.workflows.build"], "MOST_ROWS", 3)
    made = make(tmp_path / "t.h5", n=10)
    workspace = Workspace(tmp_path / "data")
    build(workspace, BuildRequest(made.path, "t", length_measure="none"))
    assert len(workspace.dataset("t").blocks) == 5
    same(counts_by_gene(workspace), sums_of(made))


def test_symbols_alone_are_enough(tmp_path: Path) -> None:
    made = make(tmp_path / "t.h5", "v11", change={"meta/transcripts/ensembl_gene_id": None})
    workspace = Workspace(tmp_path / "data")
    build(workspace, BuildRequest(made.path, "t", length_measure="none"))
    same(counts_by_gene(workspace, key="symbol"), sums_of(made, "symbol"))


def test_the_copies_on_x_and_y_count_as_one_gene_and_versions_do_not_matter() -> None:
    features = pd.DataFrame(
        {
            "transcript_id": ["ENST00000000001.2", "ENST00000000001.2_PAR_Y", "ENST00000000002.1", "ENST00000000003.1"],
            "symbol": ["A", "A", "A", ""],
            "ensembl_gene_id": ["ENSG00000000001.5", "ENSG00000000001.5_PAR_Y", "ENSG00000000001.4", ""],
            "biotype": "",
        }
    )
    summed = sum_transcripts(features, None, "", Path("x.h5"))
    assert summed.group.tolist() == [0, 0, 0, -1] and summed.without == ["ENST00000000003.1"]
    assert summed.genes["ensembl_gene_id"].tolist() == ["ENSG00000000001"]
    assert summed.mapping["transcript_id"].tolist() == ["ENST00000000001", "ENST00000000002"]


@pytest.mark.parametrize("lengths", ["none", "table"])
def test_without_genes_a_gtf_is_asked_for(tmp_path: Path, lengths: str) -> None:
    made = make(tmp_path / "t.h5", "v2.2")
    table = tmp_path / "lengths.tsv"
    table.write_text(
        "symbol\tensembl_gene_id\tlongest_transcript_spliced_length\tlongest_transcript_genomic_span\ttranscript_id\n"
        f"GENE1\tENSG00000000001\t1000\t2000\t{made.table['transcript_id'][0]}\n"
    )
    given = {"length_measure": "none"} if lengths == "none" else {"lengths": table}
    with pytest.raises(RecipeError, match=r"does not say of which genes\. Give the GTF"):
        build(Workspace(tmp_path / "data"), BuildRequest(made.path, "t", **given))


def test_a_gtf_of_another_species_is_told(tmp_path: Path) -> None:
    made = make(tmp_path / "t.h5", "v2.2")
    gtf = write_gtf(tmp_path / "mouse.gtf", make(tmp_path / "m.h5", "v2.2", "mouse").table)
    with pytest.raises(CountsFileError, match=r"none of its \d+ transcripts \(ENST.*is in mouse.gtf \(ENSMUST"):
        build(Workspace(tmp_path / "data"), BuildRequest(made.path, "t", lengths=gtf))


def test_sums_beyond_uint32_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CountsFileError, match="a gene's transcripts, add up to more than 4294967295"):
        sum_duplicates(np.array([[2**32 - 1, 1, 5]], dtype=np.uint32), np.array([0, 0, -1]), 1)
    most = sum_duplicates(np.array([[2**32 - 2, 1, 5]], dtype=np.uint32), np.array([0, 0, -1]), 1)
    assert most.tolist() == [[2**32 - 1]]


@pytest.mark.parametrize("generation", ["v2.2", "v2.6"])
def test_transcripts_are_added_to_genes_and_genes_to_transcripts(tmp_path: Path, generation: str) -> None:
    first = make(tmp_path / "first.h5", generation, n=6)
    gtf = write_gtf(tmp_path / "genes.gtf", first.table)
    ids = [f"GSM{i + 101}" for i in range(7)]
    second = make(tmp_path / "second.h5", generation, n=7, seed=9, change={"meta/samples/geo_accession": ids})
    sums = second.by_gene()
    genes = pd.DataFrame({"symbol": [f"GENE{int(g[4:15])}" for g in sums.index], "ensembl_gene_id": sums.index})
    with Archs4File(second.path) as file:
        write_archs4(tmp_path / "sums.h5", sums.to_numpy().T.astype(np.uint32), genes, file.biosamples, {})
    expected = pd.concat([sums_of(first), sums_of(second).add_prefix("b")], axis=1).set_axis(range(13), axis=1)
    for base, more in (("first", "second"), ("first", "sums")):
        workspace = Workspace(tmp_path / more)
        build(workspace, BuildRequest(tmp_path / f"{base}.h5", "t", lengths=gtf))
        add(workspace, AddRequest("t", tmp_path / f"{more}.h5"))
        same(counts_by_gene(workspace), expected)
    workspace = Workspace(tmp_path / "turned")
    build(workspace, BuildRequest(tmp_path / "sums.h5", "t", lengths=gtf))
    add(workspace, AddRequest("t", tmp_path / "first.h5"))
    same(counts_by_gene(workspace), pd.concat([sums_of(second), sums_of(first)], axis=1).set_axis(range(13), axis=1))
    told = workspace.dataset("t").manifest["added"][0]["summed"]
    assert told.startswith(f"{len(first.table)} transcripts were added up to 12 genes") and "3 transcripts" in told


def test_adding_transcripts_without_genes_to_a_dataset_that_knows_none_is_refused(tmp_path: Path) -> None:
    made = make(tmp_path / "t.h5", "v2.2")
    sums = made.by_gene()
    genes = pd.DataFrame({"symbol": sums.index, "ensembl_gene_id": sums.index})
    with Archs4File(made.path) as file:
        more = file.biosamples.assign(sample_id=[f"GSM{i + 50}" for i in range(8)])
        write_archs4(tmp_path / "g.h5", sums.to_numpy().T.astype(np.uint32), genes, more, {})
    workspace = Workspace(tmp_path / "data")
    build(workspace, BuildRequest(tmp_path / "g.h5", "t", length_measure="none"))
    with pytest.raises(CountsFileError, match=r"knows of which genes\. Build the dataset with --lengths and the GTF"):
        add(workspace, AddRequest("t", made.path))
