"""A GTF is gone through once and kept by its content; real lengths come back from a GTF made of them."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.gencode import write_gtf
from core.errors import LengthsError
from core.sources import gencode
from core.sources.gencode_releases import RELEASE_COLUMNS, read_releases


@pytest.fixture
def gtf(tmp_path: Path) -> Path:
    return write_gtf(tmp_path / "a.gtf", 300, 1200)


def _plain(path: Path) -> tuple[dict[str, int], dict[str, int], dict[str, str]]:
    """Spliced length, span and longest transcript by gene, with split strings; copies on Y apart, then the longest."""
    exons: dict[tuple[str, str, str], list[tuple[int, int]]] = {}
    for line in path.read_text().splitlines():
        fields = line.split("\t")
        if len(fields) == 9 and fields[2] == "exon":
            words = dict(part.split(" ", 1) for part in fields[8].strip("; ").split("; "))
            gene, transcript = (words[name].strip('"').split(".")[0] for name in ("gene_id", "transcript_id"))
            exons.setdefault((gene, fields[0], transcript), []).append((int(fields[3]), int(fields[4])))
    spliced: dict[str, int] = {}
    spans: dict[str, int] = {}
    longest: dict[str, str] = {}
    for (gene, _, transcript), parts in exons.items():
        length = sum(end - start + 1 for start, end in parts)
        spans[gene] = max(spans.get(gene, 0), max(e for _, e in parts) - min(s for s, _ in parts) + 1)
        if length > spliced.get(gene, 0):
            spliced[gene], longest[gene] = length, transcript
    return spliced, spans, longest


def test_a_realistic_gtf_by_a_plain_parser(gtf: Path) -> None:
    lengths, transcripts = gencode.read_annotation(gtf)
    spliced, spans, longest = _plain(gtf)
    by_id = lengths.set_index("ensembl_gene_id")
    assert by_id["spliced_bp"].to_dict() == spliced
    assert by_id["span_bp"].to_dict() == spans
    assert by_id["transcript_id"].to_dict() == longest
    assert len(transcripts) == 1200 and "_PAR_Y" in gtf.read_text()
    assert not transcripts["transcript_id"].str.contains(r"\.|PAR").any()


@pytest.mark.parametrize("packed", [False, True])
def test_a_second_reading_comes_from_what_was_kept(
    gtf: Path, tmp_path: Path, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if packed:
        gtf.write_bytes(gzip.compress(gtf.read_bytes()))
    kept = tmp_path / "annotations"
    first = gencode.read_annotation(gtf, kept)
    renamed = gtf.rename(tmp_path / "other.gtf")
    monkeypatch.setattr(gencode, "_read_gtf", lambda path: pytest.fail("gone through again"))
    second = gencode.read_annotation(renamed, kept)
    for one, other in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert len(list(kept.iterdir())) == 2


def test_other_content_and_damage_are_read_anew(gtf: Path, tmp_path: Path) -> None:
    kept = tmp_path / "annotations"
    first, _ = gencode.read_annotation(gtf, kept)
    for path in kept.iterdir():
        path.write_bytes(b"damaged")
    again, _ = gencode.read_annotation(gtf, kept)
    pd.testing.assert_frame_equal(first, again)
    gtf.write_text(gtf.read_text().replace('SIM1"', 'NEW1"'))
    changed, _ = gencode.read_annotation(gtf, kept)
    assert changed["symbol"][0] == "NEW1"
    assert len(list(kept.iterdir())) == 4


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(gtf: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    lengths, _ = gencode.read_annotation(gtf, tmp_path / "file" / "annotations")
    assert len(lengths) == 300


def test_a_gtf_that_cannot_be_used_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.gtf"
    path.write_text('chr1\tx\tgene\t1\t9\t.\t+\t.\tgene_id "ENSG1";\n')
    with pytest.raises(LengthsError, match="without exon lines"):
        gencode.read_annotation(path, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_old_and_new_names_of_copies_on_y(tmp_path: Path) -> None:
    """Before release 25 they were ENSGR..., after it ..._PAR_Y; both count with the gene on X, and do not add up."""
    lines = []
    for place, gene, transcript in [
        ("chrX", "ENSG00000182378.9", "ENST00000381657.2"), ("chrY", "ENSGR0000182378.9", "ENSTR0000381657.2"),
        ("chrX", "ENSG00000178605.13", "ENST00000326153.8"),
        ("chrY", "ENSG00000178605.13_PAR_Y", "ENST00000326153.8_PAR_Y"),
    ]:  # fmt: skip
        for start in (101, 301):
            attributes = f'gene_id "{gene}"; transcript_id "{transcript}"; gene_name "G";'
            lines.append(f"{place}\tHAVANA\texon\t{start}\t{start + 99}\t.\t+\t.\t{attributes}\n")
    (tmp_path / "a.gtf").write_text("".join(lines))
    lengths, transcripts = gencode.read_annotation(tmp_path / "a.gtf")
    assert lengths["ensembl_gene_id"].to_list() == ["ENSG00000182378", "ENSG00000178605"]
    assert lengths["spliced_bp"].to_list() == [200, 200] and lengths["span_bp"].to_list() == [300, 300]
    assert transcripts["transcript_id"].to_list() == ["ENST00000381657", "ENST00000326153"]


@pytest.mark.real
def test_a_gtf_made_of_the_real_lengths_gives_them_back(real_data: Path, tmp_path: Path) -> None:
    table = pd.read_csv(real_data / "gene_lengths.tsv", sep="\t", keep_default_na=False, dtype=str)
    table = table[table["longest_transcript_spliced_length"] != ""]
    rng = np.random.default_rng(3)
    with (tmp_path / "real.gtf").open("w") as file:
        for gene, symbol, text in table[["ensembl_gene_id", "symbol", "longest_transcript_spliced_length"]].values:
            length = int(float(text))
            parts = min(length, int(rng.integers(1, 4)))
            sizes = [length // parts] * (parts - 1) + [length - length // parts * (parts - 1)]
            for name, exons in (("1", [max(1, length // 3)]), ("2", sizes)):
                start = 1
                for size in exons:
                    words = f'gene_id "{gene}.4"; transcript_id "T{gene}{name}.1"; gene_name "{symbol}";'
                    file.write(f"chr1\tHAVANA\texon\t{start}\t{start + size - 1}\t.\t+\t.\t{words}\n")
                    start += size + 50
    lengths, _ = gencode.read_annotation(tmp_path / "real.gtf")
    genes = pd.DataFrame({"symbol": "", "ensembl_gene_id": table["ensembl_gene_id"]})
    found = gencode.match_lengths(genes, lengths, "spliced")
    np.testing.assert_array_equal(found, table["longest_transcript_spliced_length"].astype(float))
    assert len(found) > 58_000


def test_the_catalogue_is_whole() -> None:
    known = read_releases()
    assert tuple(known.columns) == RELEASE_COLUMNS
    assert not known.isna().any(axis=None) and known["release"].is_unique
    human, mouse = (known[known["organism"] == name] for name in ("human", "mouse"))
    # Since release 103 of Ensembl each has one of both species.
    assert dict(zip(human["ensembl"], human["release"], strict=True))[107] == "41"
    assert dict(zip(mouse["ensembl"], mouse["release"], strict=True))[107] == "M30"
    for row in known.itertuples():
        assert row.address.endswith(f"/release_{row.release}/gencode.v{row.release}.annotation.gtf.gz")
        assert f"Gencode_{row.organism}" in row.address
        assert row.assembly == ("GRCh38" if row.organism == "human" else "GRCm39" if row.ensembl >= 103 else "GRCm38")
    for rows in (human, mouse):
        assert rows["ensembl"].is_monotonic_decreasing and rows["date"].is_monotonic_decreasing
