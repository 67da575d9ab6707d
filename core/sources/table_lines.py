"""The first lines of an uploaded table, its header, and where its rows stand, for messages."""

import csv

from core.errors import SampleFileError
from core.sources.gene_names import is_gene_id
from core.sources.text_stream import TextStream

_GENE_HEADERS = {
    "",
    "gene",
    "genes",
    "gene_id",
    "geneid",
    "symbol",
    "gene_symbol",
    "ensembl_gene_id",
    "target_id",
    "id",
}


class Lines:
    """Line numbers for messages: the parser passes over blank lines, so its rows are not the file's lines.

    ``top``: the first line of all; ``first`` and ``second``: those with content, without leading ``#`` lines.
    """

    def __init__(self, stream: TextStream) -> None:
        self.name = stream.name
        self._stream = stream
        self.data_from = 0
        self.top = ""
        with stream.text() as text:
            for line in text:
                self.top = self.top or line.rstrip("\n")
                if line.strip() and not line.startswith("#"):
                    self.first, self.second = line.rstrip("\n"), next(text, "")
                    return
                self.data_from += 1
        raise SampleFileError(f"{self.name}: has no rows.")

    def skip_header(self, present: bool) -> None:
        """The first line is no data."""
        self.data_from += present

    def head(self, count: int) -> list[str]:
        """The first so many lines of the file, fewer where it has fewer."""
        with self._stream.text() as text:
            return [line.rstrip("\n") for line, _ in zip(text, range(count), strict=False)]

    def at(self, row: int) -> str:
        """Where the row'th data row stands: "FILE, line N"."""
        with self._stream.text() as text:
            full = (i for i, line in enumerate(text, 1) if i > self.data_from and line.strip(" \n"))
            return f"{self.name}, line {next(i for k, i in enumerate(full) if k == row)}"


def cells_of(line: str, delimiter: str, name: str) -> list[str]:
    """The stripped cells of a line. Raises SampleFileError where it is no table row."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error as error:
        raise SampleFileError(f"{name}: the first line is no table row ({error}). Give CSV or TSV text.") from error


def is_header(cells: list[str]) -> bool:
    """A first line is data only if every cell but the first is a number and the first could be a gene.

    HTSeq-count may write the symbol between an Ensembl id and the count, and no header.
    """
    if len(cells) == 3 and is_gene_id(cells[0]) and is_number(cells[2]):
        return False
    numbers = len(cells) > 1 and all(cell in ("", "NA") or is_number(cell) for cell in cells[1:])
    return not numbers or cells[0].lower() in _GENE_HEADERS


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
