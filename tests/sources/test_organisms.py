"""Organisms by the names of their genes."""

import pytest

from core.sources.organisms import organism_named, organism_of


@pytest.mark.parametrize(
    ("ids", "organism"),
    [
        (["ENSG00000141510.18", "ENSG00000111640"], "human"),
        (["ENST00000269305.9"], "human"),
        (["ENSGR0000182378.14", "ENSG00000182378.15_PAR_Y"], "human"),
        (["ENSMUSG00000059552.14", "ENSMUST00000108658"], "mouse"),
        (["ENSRNOG00000010756"], "rat"),
        (["ENSXETG00000012345"], "another species (ENSXET)"),
        (["ENSG00000141510", "ENSMUSG00000059552"], None),
        (["ENSG00000141510", "ENSG00000111640", "ENSMUSG00000059552"], "human"),
        (["TP53", "GAPDH", "C1orf112"], "human"),
        (["Trp53", "Gapdh", "mt-Co1", "H2-K1"], "mouse"),
        (["tp53", "gapdh"], None),
        (["7157", "2597"], None),
        ([], None),
    ],
)
def test_organism_of_a_file(ids: list[str], organism: str | None) -> None:
    assert organism_of(ids, ids) == organism


def test_names_in_counts_files() -> None:
    assert organism_named("Homo sapiens") == organism_named(" human ") == "human"
    assert organism_named("Mus musculus") == "mouse"
    assert organism_named("Danio rerio") is None and organism_named(None) is None
