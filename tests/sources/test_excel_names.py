"""Names that a spreadsheet changed: repaired where one gene can be meant, else named as lost."""

import pytest

from core.sources.excel_names import repair

# Every date that Excel makes of the former symbols, day first, month first and ISO; 1 and 2 March may be MARC1, MARC2.
SEPT = {f"{i}-Sep": f"SEPTIN{i}" for i in (*range(1, 13), 14)}
MARCH = {f"{i}-Mar": f"MARCHF{i}" for i in range(3, 12)}


def test_dates_that_only_one_gene_can_be() -> None:
    dates = SEPT | MARCH | {"15-Sep": "SELENOF"}
    repaired = repair(["TP53", *dates])
    assert repaired.ids == ["TP53", *dates.values()] and not repaired.lost
    assert "2-Sep is SEPTIN2" in repaired.notes[0] and len(repaired.notes) == 1


@pytest.mark.parametrize(
    "date", ["2-Sep", "02-Sep", "Sep-02", "Sep-2", "2.Sep", "2-Sep-21", "2-Sep-2021", "2001-09-02",
             "2021-09-02 00:00:00", "2021/09/02", "02.09.2021", "9/2/2021", "2-SEP", "2-Sept"],
)  # fmt: skip
def test_every_way_to_write_a_date(date: str) -> None:
    assert repair(["TP53", date]).ids == ["TP53", "SEPTIN2"]


@pytest.mark.parametrize(
    "date", ["1-Mar", "2-Mar", "Mar-01", "2001-03-01", "1-Dec", "13-Sep", "4-Oct", "12-Mar", "3/9/2021", "2009-09-01"]
)
def test_dates_that_stay_lost(date: str) -> None:
    repaired = repair(["TP53", date])
    assert repaired.ids == ["TP53", date] and repaired.lost == {date}
    assert repaired.notes == [f"1 gene names look like dates ({date}): Excel changed them, they are lost."]


@pytest.mark.parametrize(
    ("date", "beside", "gene"),
    [
        ("1-Mar", "MTARC1", "MARCHF1"), ("1-Mar", "MARCH1", "MTARC1"), ("1-Dec", "BHLHE40", "DELEC1"),
        ("2001-03-01", "MTARC1", "MARCHF1"),
    ],
)  # fmt: skip
def test_the_other_candidate_under_a_name_of_its_own_settles_it(date: str, beside: str, gene: str) -> None:
    assert repair([beside, date, "TP53"]).ids == [beside, gene, "TP53"]


def test_a_gene_that_the_file_has_already_is_not_made_twice() -> None:
    assert repair(["SEPTIN2", "2-Sep"]).lost == {"2-Sep"}
    assert repair(["SEPT2", "2-Sep"]).lost == {"2-Sep"}
    assert repair(["2-Sep", "02-Sep", "TP53"]).lost == {"2-Sep", "02-Sep"}
    assert repair(["3-Mar", "3-Mar", "TP53"]).lost == {"3-Mar"}


def test_dates_of_one_year_are_days() -> None:
    assert repair(["2009-09-01", "2009-09-09", "TP53"]).ids == ["SEPTIN1", "SEPTIN9", "TP53"]
    assert repair(["2001-09-01", "2009-09-01", "TP53"]).ids == ["SEPTIN1", "2009-09-01", "TP53"]


def test_a_mouse_gene_is_written_as_mouse_genes_are() -> None:
    assert repair(["Trp53", "Gapdh", "2-Sep"]).ids == ["Trp53", "Gapdh", "Septin2"]


def test_numbers_are_named() -> None:
    repaired = repair(["Trp53", "2.31E+13", "2.31E+13"])
    assert repaired.lost == {"2.31E+13"}
    assert repaired.notes == ["2 gene names are numbers (2.31E+13): Excel changed them, they are lost."]


def test_names_of_genes_are_left_alone() -> None:
    names = ["Mir-21", "7SK", "5S_rRNA", "RP11-1.2", "SEPTIN2", "MARCHF3", "A1BG", "7157", "HLA-A", "AC000123.4", ""]
    repaired = repair(names)
    assert repaired.ids == names and not repaired.lost and not repaired.notes
