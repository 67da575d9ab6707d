"""Gene names that a spreadsheet turned into dates or numbers: put right where only one gene can be meant.

Excel reads SEPT2, MARCH3 or DEC1 as a date and keeps no trace of the name (Ziemann et al. 2016, Genome Biology
17:177). September 2 can only have been SEPT2; March 1 was MARCH1 or MARC1, and stays lost unless the file has the
other one under a name that is no date.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from core.sources.organisms import organism_of_symbols

_MONTHS = {
    word: number
    for number, words in enumerate(
        ["jan", "feb", "mar march mrz", "apr", "may mai", "jun", "jul", "aug", "sep sept", "oct okt", "nov", "dec dez"],
        start=1,
    )
    for word in words.split()
}
_WORD = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY_MONTH = re.compile(rf"(\d{{1,2}})[-/. ]{{1,2}}({_WORD})\.?(?:[-/. ](\d{{4}}|\d\d))?", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"({_WORD})[-/. ](\d{{1,2}})", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d)(?:[ T]00:00:00)?")
_IN_FIGURES = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d\d)")
_FLOAT = re.compile(r"\d(?:\.\d+)?E\+\d{2}", re.IGNORECASE)  # a RIKEN clone, 2310009E13Rik without its end
_ANY = re.compile(
    rf"(?:{_DAY_MONTH.pattern}|{_MONTH_DAY.pattern}|{_ISO.pattern}|\d{{1,2}}[/.]\d{{1,2}}[/.](?:\d{{4}}|\d\d))",
    re.IGNORECASE,
)
SHOWN = 6


def _genes() -> dict[tuple[int, int], dict[str, set[str]]]:
    """By (month, number): the genes that may be meant, each with the other names it may have in a file."""
    genes: dict[tuple[int, int], dict[str, set[str]]] = {}
    for i in range(1, 12):
        genes[3, i] = {f"MARCHF{i}": {f"MARCH{i}"}}
    for i in (1, 2):
        genes[3, i][f"MTARC{i}"] = {f"MARC{i}", f"MOSC{i}"}
    for i in (*range(1, 13), 14):
        genes[9, i] = {f"SEPTIN{i}": {f"SEPT{i}"}}
    genes[9, 15] = {"SELENOF": {"SEP15"}}
    genes[12, 1] = {"DELEC1": {"DEC1"}, "BHLHE40": {"BHLHB2", "STRA13", "SHARP2"}}
    genes[12, 2] = {"BHLHE41": {"BHLHB3", "SHARP1"}}
    return genes


_GENES = _genes()


@dataclass(frozen=True)
class Repaired:
    """``ids`` with names put right; ``lost``: names that stand for no certain gene; ``notes`` name both."""

    ids: list[str]
    lost: frozenset[str]
    notes: list[str]


def repair(ids: list[str]) -> Repaired:
    """Gene names of a file (p) without what a spreadsheet made of them, where that is certain.

    Certain: of the genes that the date may have been (see ``_GENES``; every reading of the date counts), all but one
    are in the file under a name of their own, and no other row of the file may be the same gene.
    """
    dates = [name for name in ids if name[:1].isdigit() or name[3:5].strip("t")[:1] in tuple("-/. ")]
    dates = [name for name in dates if _ANY.fullmatch(name)]
    numbers = [name for name in ids if name[:1].isdigit() and _FLOAT.fullmatch(name)]
    found = _certain(dates, ids) if dates else {}
    lost = [name for name in dates if name not in found]
    notes = []
    if found:
        words = few([f"{name} is {gene}" for name, gene in found.items()])
        notes.append(f"Names that Excel had turned into dates were put right, as only one gene can be meant: {words}.")
    if lost:
        notes.append(f"{len(lost)} gene names look like dates ({few(lost)}): Excel changed them, they are lost.")
    if numbers:
        notes.append(f"{len(numbers)} gene names are numbers ({few(numbers)}): Excel changed them, they are lost.")
    repaired = [found.get(name, name) for name in ids] if found else ids
    return Repaired(repaired, frozenset([*lost, *numbers]), notes)


def _certain(dates: list[str], ids: list[str]) -> dict[str, str]:
    known = {name.upper() for name in ids}
    years = {match[1] for match in map(_ISO.fullmatch, dates) if match}
    one_year = len(years) == 1 and sum(_ISO.fullmatch(name) is not None for name in dates) > 1
    single: dict[str, str] = {}
    for name in dates:
        meant = {gene for reading in _readings(name, one_year) for gene in _left(reading, known)}
        if len(meant) == 1:
            single[name] = meant.pop()
    rows = Counter(dates)
    claims = Counter(single.values())
    mouse = organism_of_symbols(ids) == "mouse"
    return {
        name: gene.capitalize() if mouse else gene
        for name, gene in single.items()
        if rows[name] == 1 and claims[gene] == 1
    }


def _left(reading: tuple[int, int], known: set[str]) -> list[str]:
    """The genes of a date that the file does not have under a name of their own."""
    return [gene for gene, others in _GENES.get(reading, {}).items() if not known & {gene, *others}]


def _readings(name: str, one_year: bool) -> set[tuple[int, int]]:
    """Every (month, number) that a date may have been. The first of a month may stand for month and year: 2009-09-01
    was SEPT1 in the year 2009, or SEPT9; not where other dates of the file, of the same year, show which it was.
    """
    if match := _MONTH_DAY.fullmatch(name):
        return {(_MONTHS[match[1].lower()], int(match[2]))}
    if match := _IN_FIGURES.fullmatch(name):
        first, second = int(match[1]), int(match[3])
        orders = {(second, first)} if match[2] == "." else {(second, first), (first, second)}
        return {reading for month, day in orders for reading in _with_year(month, day, match[4], one_year)}
    if match := _ISO.fullmatch(name):
        return _with_year(int(match[2]), int(match[3]), match[1], one_year)
    match = _DAY_MONTH.fullmatch(name)
    return _with_year(_MONTHS[match[2].lower()], int(match[1]), match[3], one_year) if match else set()


def _with_year(month: int, day: int, year: str | None, one_year: bool) -> set[tuple[int, int]]:
    if year is None or day != 1 or one_year:
        return {(month, day)}
    return {(month, day), (month, int(year) % 100)}


def few(names: Iterable[str]) -> str:
    """Some names, each once."""
    distinct = list(dict.fromkeys(names))
    return ", ".join(distinct[:SHOWN]) + (", ..." if len(distinct) > SHOWN else "")
