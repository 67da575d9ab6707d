"""Every published layout of genes, human and mouse, is read with the fields that it has (transcripts: see there)."""

from typing import Any

import numpy as np
import pytest

from core.sources import archs4_layouts as layouts
from core.sources.archs4 import Archs4File
from tests.sources.conftest import MakeH5, counts_of

RELEASES = ("v1 flat", "v1 nested", "v2.1", "v2.2", "v2.5", "v2.6")
MOUSE_SYMBOLS = ["Trp53", "Gapdh", "Actb", "Alb", "Gfap", "Ins2", "Myh7", "Ttn", "Apob", "Sftpc", "Tg", "Nefl"]
MOUSE_IDS = [f"ENSMUSG{i:011d}" for i in range(1, 13)]
VERSION_KEY = {"v1 flat": "info/version"}
VERSIONS = {"v1 flat": "8", "v1 nested": "11", "v2.1": "2.1.2", "v2.2": "2.2", "v2.5": "2.5", "v2.6": "2.6"}
# Where each keeps the symbols and, if it does, the Ensembl ids and the aligned reads.
SYMBOL_KEY = {"v1 flat": "meta/genes", "v1 nested": "meta/genes/gene_symbol", "v2.1": "meta/genes/gene_symbol"}
ID_KEY = {
    "v1 nested": "meta/genes/ensembl_gene_id", "v2.2": "meta/genes/ensembl_gene_id", "v2.5": "meta/genes/ensembl_gene",
    "v2.6": "meta/genes/ensembl_gene",
}  # fmt: skip


def _organism(release: str) -> str:
    return "meta/Sample_organism_ch1" if release == "v1 flat" else "meta/samples/organism_ch1"


def _mouse(release: str) -> dict[str, Any]:
    change = {SYMBOL_KEY.get(release, "meta/genes/symbol"): MOUSE_SYMBOLS, _organism(release): ["Mus musculus"] * 5}
    if release in ID_KEY:
        change[ID_KEY[release]] = MOUSE_IDS
    return change


@pytest.mark.parametrize("release", RELEASES)
def test_mouse_genes(make_h5: MakeH5, release: str) -> None:
    with Archs4File(make_h5(release, change=_mouse(release), name="mouse.h5")) as file:
        assert file.organism == "Mus musculus"
        assert file.genes["symbol"].to_list() == MOUSE_SYMBOLS
        assert file.genes["ensembl_gene_id"].to_list() == (MOUSE_IDS if release in ID_KEY else [""] * 12)
        np.testing.assert_array_equal(file.read(slice(None)), counts_of(5, 12))


@pytest.mark.parametrize("release", RELEASES)
def test_the_version_is_told(make_h5: MakeH5, release: str) -> None:
    key = VERSION_KEY.get(release, "meta/info/version")
    with Archs4File(make_h5(release, change={key: VERSIONS[release]})) as file:
        assert file.version == VERSIONS[release]
        assert file.layout == (release if release.startswith("v1") else "v2")


def test_aligned_reads_of_v2_6_are_floating_point(make_h5: MakeH5) -> None:
    reads = np.array([1.5e6, np.nan, 2e7, 0.0, 3.25])
    with Archs4File(make_h5("v2.6", change={"meta/samples/alignedreads": reads})) as file:
        np.testing.assert_array_equal(file.biosamples["alignedreads"], reads)


@pytest.mark.parametrize("release", ["v1 nested", "v2.1", "v2.2"])
def test_aligned_reads_by_their_older_name(make_h5: MakeH5, release: str) -> None:
    with Archs4File(make_h5(release, change={"meta/samples/readsaligned": np.arange(5) * 10})) as file:
        np.testing.assert_array_equal(file.biosamples["alignedreads"], np.arange(5) * 10)


def test_repeated_symbols_are_kept_as_they_are(make_h5: MakeH5) -> None:
    symbols = ["A"] * 5 + [f"S{i}" for i in range(7)]
    with Archs4File(make_h5("v2.5", change={"meta/genes/symbol": symbols})) as file:
        assert file.genes["symbol"].to_list() == symbols
        assert file.genes["ensembl_gene_id"].is_unique


def test_an_unknown_layout_is_described() -> None:
    keys = {"data/expression", "meta/ensemblid", "meta/transcriptlength", "meta/samples/geo_accession"}
    assert layouts.recognise(keys, None) is None
    text = layouts.describe_unknown(keys)
    assert "it has meta/ensemblid, meta/samples/geo_accession, meta/transcriptlength." in text
    for expected in ("meta/genes/symbol", "meta/genes/gene_symbol", "meta/genes (v1 flat)", "meta/genes/ensembl_gene"):
        assert expected in text
    assert "it has nothing" in layouts.describe_unknown(["data/expression"])
    assert ", ..." in layouts.describe_unknown([f"meta/field{i}" for i in range(20)])
