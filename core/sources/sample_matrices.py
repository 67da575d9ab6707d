"""GCT files (1.2 and 1.3), as GenePattern, GTEx and LINCS give them: where their samples and genes are.

Both start with the version and the dimensions. 1.3 has columns of row metadata between the id and the samples, and
rows of column metadata under the header.
"""

from core.errors import SampleFileError
from core.sources.gene_names import is_gene_id
from core.sources.sample_quantifiers import SYMBOL_HEADERS, TableForm
from core.sources.table_lines import Lines, cells_of

VERSIONS = ("#1.2", "#1.3")
_SYMBOLS = SYMBOL_HEADERS | {"pr_gene_symbol", "description", "gene"}
_MOST_ANNOTATION = 10_000


def is_gct(lines: Lines) -> bool:
    return lines.top.strip() in VERSIONS


def read_gct_head(lines: Lines) -> TableForm:
    """The form of a GCT file; ``lines`` then starts at the first row of data.

    Raises SampleFileError where the dimensions are missing or do not fit the header.
    """
    name = lines.name
    version = lines.top.strip()[1:]
    sizes = _sizes(lines.head(2), version, name)
    n_rows, n_samples, n_row_fields, n_column_fields = sizes
    head = [cells_of(line, "\t", name) for line in lines.head(4 + n_column_fields)[2:]]
    if len(head) < 2 + n_column_fields:
        raise SampleFileError(f"{name}: GCT {version} without rows of data. Export it again.")
    header, first = head[0], head[-1]
    start = 1 + n_row_fields
    start += header[0].lower() == "id" and [cell.lower() for cell in header[1:3]] == ["name", "description"]
    if len(header) != start + n_samples:
        raise SampleFileError(
            f"{name}, line 3: the dimensions promise {n_samples} samples, but the header has {len(header) - start}. "
            "The file is damaged: export it again."
        )
    lines.data_from = 3 + n_column_fields
    gene, symbol = _genes(header[:start], first)
    values = range(start, start + n_samples)
    return TableForm(
        f"GCT {version}", gene, symbol, values, header[start:], notes=_notes(n_row_fields, n_column_fields, version),
        n_rows=n_rows,
    )  # fmt: skip


def _sizes(head: list[str], version: str, name: str) -> tuple[int, int, int, int]:
    """Rows, samples, fields of a row beside its id, fields of a sample."""
    cells = head[1].split() if len(head) > 1 else []
    wanted = 2 if version == "1.2" else 4
    if len(cells) < wanted or not all(cell.isdigit() and len(cell) < 10 for cell in cells[:wanted]):
        raise SampleFileError(f"{name}, line 2: GCT {version} has {wanted} whole numbers there, its dimensions.")
    numbers = [int(cell) for cell in cells[:wanted]]
    if wanted == 4 and max(numbers[2:]) > _MOST_ANNOTATION:
        raise SampleFileError(f"{name}, line 2: more than {_MOST_ANNOTATION:,} fields of metadata. Leave them out.")
    return (numbers[0], numbers[1], 1, 0) if wanted == 2 else (numbers[0], numbers[1], numbers[2], numbers[3])


def _genes(header: list[str], first: list[str]) -> tuple[int, int | None]:
    """Columns of the gene and of its symbol: the id where it names genes, else a column of symbols."""
    lower = [cell.lower() for cell in header]
    gene = 1 if lower[:2] == ["id", "name"] else 0
    symbol = next((i for i, cell in enumerate(lower) if i != gene and cell in _SYMBOLS), None)
    sample = first[: len(header)]
    if symbol is not None and len(sample) > symbol and sample[gene].isdigit() and not is_gene_id(sample[gene]):
        return symbol, None
    return gene, symbol


def _notes(n_row_fields: int, n_column_fields: int, version: str) -> list[str]:
    if version == "1.2" or not n_row_fields + n_column_fields:
        return []
    return [f"Metadata of rows ({n_row_fields} columns) and of samples ({n_column_fields} rows) were passed over."]
