"""A matrix of biosamples leaves in the format that a file's name ends with; it appears whole or not at all."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import InputError, RecipeError
from core.types import Progress, silent

SUFFIXES = (".h5", ".h5ad", ".parquet", ".csv", ".gct")
BLOCK_BYTES = 64 << 20  # of values that are in memory at a time


@dataclass(frozen=True)
class OutMatrix:
    """What is written: n biosamples x p genes, read some biosamples at a time.

    ``read(start, stop)`` gives the values of these biosamples, (stop - start) x p, of ``dtype``: uint32 for counts,
    float32 for anything else. ``genes`` (p rows) has at least symbol and ensembl_gene_id; ``biosamples`` (n rows) at
    least sample_id. ``labels`` (n x L bool, columns are labels) is empty where there are none. ``values`` says what the
    values are; ``provenance`` where they come from, for the formats that have a place for it.
    """

    genes: pd.DataFrame
    biosamples: pd.DataFrame
    read: Callable[[int, int], npt.NDArray[Any]]
    dtype: npt.DTypeLike
    values: str = "counts"
    labels: pd.DataFrame = field(default_factory=pd.DataFrame)
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """n biosamples, p genes."""
        return len(self.biosamples), len(self.genes)

    @property
    def is_counts(self) -> bool:
        """Whether the values are whole counts."""
        return np.dtype(self.dtype).kind == "u"

    def blocks(self, progress: Progress = silent) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Position of the first biosample and the values of some biosamples, about 64 MB at a time."""
        n, n_genes = self.shape
        rows = max(1, BLOCK_BYTES // (4 * n_genes))
        for start, stop in pairwise([*range(0, n, rows), n]):
            yield start, self.read(start, stop)
            progress("writing biosamples", stop, n)

    def gene_ids(self) -> list[str]:
        """One id a gene, none twice: the Ensembl id, else the symbol; repeats get -1, -2, ... as AnnData does."""
        plain = self.genes["ensembl_gene_id"].where(self.genes["ensembl_gene_id"] != "", self.genes["symbol"])
        return unique(plain.where(plain != "", "unnamed").to_list())


def unique(names: list[str]) -> list[str]:
    """The names with -1, -2, ... after those that came before; a name that is taken already is passed over."""
    taken, seen = set(names), set[str]()
    count: dict[str, int] = {}
    out = []
    for name in names:
        new = name
        while new in seen:
            count[name] = count.get(name, 0) + 1
            new = f"{name}-{count[name]}"
            if new in taken:
                new = name
        seen.add(new)
        out.append(new)
    return out


def write_matrix(path: Path, matrix: OutMatrix, progress: Progress = silent) -> None:
    """Writes by suffix: .h5 (ARCHS4, counts alone), .h5ad (AnnData), .parquet, .csv and .gct (genes x biosamples).

    Raises RecipeError where the format cannot hold it, InputError where the file cannot be written.
    """
    from core.sources import archs4_write, h5ad_write, table_write  # they need what is above

    writers = {
        ".h5": archs4_write.write_archs4_matrix,
        ".h5ad": h5ad_write.write_h5ad,
        ".parquet": table_write.write_parquet,
        ".csv": table_write.write_csv,
        ".gct": table_write.write_gct,
    }
    writer = writers[checked_suffix(path.suffix, SUFFIXES, path.name)]
    with set_aside(path) as aside:
        writer(aside, matrix, progress)


def checked_suffix(suffix: str, known: tuple[str, ...], name: str) -> str:
    """The suffix in lower case. Raises RecipeError for one that says no format."""
    if suffix.lower() not in known:
        raise RecipeError(f"{name!r} has no suffix to write by: end it in {', '.join(known[:-1])} or {known[-1]}.")
    return suffix.lower()


def check_out(path: Path, force: bool) -> None:
    """Raises RecipeError where there is no such folder, where a folder has that name, or a file that is to stay."""
    if not path.parent.is_dir():
        raise RecipeError(f"There is no folder {path.parent}: create it first.")
    if path.is_dir():
        raise RecipeError(f"{path} is a folder: name a file.")
    if path.exists() and not force:
        raise RecipeError(f"{path} is there already: choose another name, or replace it with --force.")


@contextlib.contextmanager
def set_aside(path: Path) -> Iterator[Path]:
    """A file to write to that takes the place of ``path`` when it is whole. Raises InputError where that fails."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield aside
        aside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}). Check the folder.") from error
    finally:
        aside.unlink(missing_ok=True)
