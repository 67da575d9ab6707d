"""Named sets of genes in a .gmt file: a line a set, its fields parted by tabs (name, description, genes)."""

from collections import Counter
from dataclasses import dataclass

from core.errors import GeneSetsError

LARGEST = 64 << 20  # bytes; all of MSigDB is below 40 MB


@dataclass(frozen=True)
class GeneSet:
    """One set: its genes as the file names them, each once, in the order of the file."""

    name: str
    description: str
    genes: tuple[str, ...]


def read_gmt(content: bytes | str, name: str) -> list[GeneSet]:
    """The sets of a .gmt file, in its order. ``name`` of the file, for messages.

    Raises GeneSetsError for a file that is no text, too large or empty, a line without genes or name, or a name that
    stands there twice.
    """
    if len(content) > LARGEST:
        raise GeneSetsError(f"{name} is larger than {LARGEST >> 20} MB: keep the gene sets that matter.")
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
    except UnicodeDecodeError as error:
        raise GeneSetsError(f"{name} is not text in UTF-8: give a .gmt file, unpacked.") from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise GeneSetsError(f"{name} is empty: a .gmt file has a line a set, parted by tabs: name, description, genes.")
    sets = [_set(line, number, name) for number, line in lines]
    again, times = Counter(each.name for each in sets).most_common(1)[0]
    if times > 1:
        raise GeneSetsError(f"{name} has the set {again!r} {times} times: give every set a name of its own.")
    return sets


def _set(line: str, number: int, file: str) -> GeneSet:
    fields = [field.strip() for field in line.split("\t")]
    if len(fields) < 3:
        raise GeneSetsError(
            f"{file}, line {number}: {len(fields)} field{'s' * (len(fields) != 1)} where a .gmt file has a name, a "
            "description and at least one gene, parted by tabs."
        )
    if not fields[0]:
        raise GeneSetsError(f"{file}, line {number}: the set has no name: give it one in the first field.")
    # some programs write a weight after a comma (GENE,1.0)
    genes = tuple(dict.fromkeys(gene for field in fields[2:] if (gene := field.split(",")[0].strip())))
    if not genes:
        raise GeneSetsError(f"{file}, line {number}: the set {fields[0]!r} has no genes: take it out, or add some.")
    return GeneSet(fields[0], fields[1], genes)
