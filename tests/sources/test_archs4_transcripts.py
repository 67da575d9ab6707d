"""Files of transcripts of every generation, human and mouse, against what plain h5py and pandas make of them."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from core.errors import CountsFileError
from core.sources import archs4_layouts as layouts
from core.sources.archs4 import Archs4File, write_archs4
from core.sources.sample_files import read_samples
from tests.sources.transcript_files import GENERATIONS, LAYOUT, WITH_GENES, make


@pytest.mark.parametrize("organism", ["human", "mouse"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_layout_is_read(tmp_path: Path, generation: str, organism: str) -> None:
    made = make(tmp_path / "t.h5", generation, organism)
    with Archs4File(made.path) as file:
        assert (file.level, file.layout) == ("transcript", LAYOUT[generation])
        assert file.genes["transcript_id"].tolist() == made.table["transcript_id"].tolist()
        known = generation in WITH_GENES
        for column, ours in (("ensembl_gene_id", "gene"), ("symbol", "symbol")):
            assert file.genes[column].tolist() == (made.table[ours].tolist() if known else [""] * len(made.table))
        assert file.organism == ("Homo sapiens" if organism == "human" else "Mus musculus")
        assert file.biosamples["sample_id"].tolist() == [f"GSM{i + 1}" for i in range(8)]
        np.testing.assert_array_equal(file.read(slice(None)), made.counts)
        np.testing.assert_array_equal(file.read([5, 2]), made.counts[[5, 2]])


def test_symbols_alone_name_genes_too(tmp_path: Path) -> None:
    made = make(tmp_path / "t.h5", "v11", change={"meta/transcripts/ensembl_gene_id": None})
    with Archs4File(made.path) as file:
        assert file.genes["symbol"].tolist() == made.table["symbol"].tolist()  # "missing" is none
        assert set(file.genes["ensembl_gene_id"]) == {""}


def test_of_genes_and_transcripts_those_that_fit_the_matrix_are_counted(tmp_path: Path) -> None:
    both = {"meta/genes/symbol": [f"GENE{i}" for i in range(12)]}
    made = make(tmp_path / "t.h5", change=both)
    with Archs4File(made.path) as file:
        assert file.level == "transcript"
    n = len(made.table)
    genes = make(tmp_path / "g.h5", change={"meta/genes/symbol": [f"GENE{i}" for i in range(n)],
                                            "meta/transcripts/ensembl_id": ["ENST00000000001"] * 3})  # fmt: skip
    with Archs4File(genes.path) as file:
        assert file.level == "gene" and len(file.genes) == n


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"meta/transcripts/ensembl_id": None, "meta/transcripts/number": [1, 2]}, "layout is unknown.*ensembl_gene"),
        (
            {"meta/transcripts/ensembl_id": ["ENST1"] * 3}
            | {f"meta/transcripts/{name}": None for name in ("ensembl_gene", "symbol", "biotype")},
            "name 3 transcripts and 8 biosamples",
        ),
        ({"meta/transcripts/symbol": ["A"] * 4}, "meta/transcripts/symbol has 4 values but"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path: Path, change: dict, words: str) -> None:
    with pytest.raises(CountsFileError, match=words) as caught:
        Archs4File(make(tmp_path / "t.h5", change=change).path)
    assert "\n" not in str(caught.value)


def test_a_file_of_tpm_is_refused_by_the_transcript(tmp_path: Path) -> None:
    made = make(tmp_path / "t.h5")
    with h5py.File(made.path, "a") as file:
        values = file["data/expression"][:] / 3.0
        del file["data/expression"]
        file["data/expression"] = values
    with (
        Archs4File(made.path) as file,
        pytest.raises(CountsFileError, match=r"GSM\d, transcript ENST\d+\.\d: counts must.*TPM holds no counts"),
    ):
        file.read(slice(None))


def test_a_written_file_of_transcripts_reads_back(tmp_path: Path) -> None:
    made = make(tmp_path / "t.h5")
    with Archs4File(made.path) as file:
        write_archs4(tmp_path / "again.h5", file.read(slice(None)), file.genes, file.biosamples, {"version": "2.6"})
        with Archs4File(tmp_path / "again.h5") as again:
            assert (again.level, again.layout) == ("transcript", "v2")
            assert again.genes.equals(file.genes) and again.biosamples.equals(file.biosamples)
            np.testing.assert_array_equal(again.read(slice(None)), made.counts)


def test_an_upload_of_transcripts_carries_the_genes_that_the_file_names(tmp_path: Path) -> None:
    made = make(tmp_path / "t.h5")
    samples = read_samples(made.path, "t.h5")
    named = [f"{t}|{g}|" if g else t for t, g in made.table[["transcript_id", "gene"]].itertuples(index=False)]
    assert samples.gene_ids == named and samples.counted
    assert read_samples(make(tmp_path / "u.h5", "v2.2").path, "u.h5").gene_ids == made.table["transcript_id"].tolist()


def test_an_unknown_layout_names_the_places_of_transcripts_too() -> None:
    text = layouts.describe_unknown({"data/expression", "meta/transcripts/other"})
    for place in ("meta/transcripts/ensembl_id (v2)", "meta/transcripts (v1 flat)", "meta/genes/symbol"):
        assert place in text
    assert "it has meta/transcripts/other." in text
