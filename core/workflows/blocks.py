"""The work on one block of a build. Tasks get a folder and numbers and leave files: any engine may run them, twice too.

The folder is that of the dataset in the making (``core.store.building``); ``plan.npz`` in it says what goes where. A
task whose files are there already has nothing to do: that is how a build that was stopped goes on.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import CountsFileError
from core.expression import metrics, neighbourhood, normalise
from core.expression.rare import RareGenes
from core.sources.archs4 import Archs4File
from core.sources.unchanged import Stamp, check_unchanged
from core.store.building import Arrays, load_arrays, save_arrays
from core.store.files import write_parquet
from core.store.tiles import TiledMatrix, TileFile, block_path, rows_a_tile, write_tiles
from core.types import CountMatrix, DoubleArray, FloatMatrix, IndexArray

NOBODY = np.empty(0, dtype=np.intp)
READ_BYTES = 64 << 20  # of Y that a task reads at a time


@lru_cache(maxsize=1)
def _opened(path: str, stamp: Stamp) -> Archs4File:
    """A counts file that stays open between blocks; ``stamp`` keeps two builds apart."""
    return Archs4File(Path(path)).__enter__()


def close_source() -> None:
    """Lets go of the counts file that a build had open."""
    _opened.cache_clear()


@lru_cache(maxsize=1)
def _plan(folder: str, stamp: int) -> Arrays:
    return load_arrays(Path(folder) / "plan.npz")


def plan_of(folder: Path) -> Arrays:
    """What goes where, as the build that made the folder wrote it down."""
    return _plan(str(folder), (folder / "plan.npz").stat().st_mtime_ns)


def sum_duplicates(counts: CountMatrix, group: IndexArray, n_genes: int) -> CountMatrix:
    """Adds up columns (m x file genes) of one group: m x n_genes; columns of group -1 are left out.

    Raises CountsFileError where a sum leaves uint32.
    """
    if np.array_equal(group, np.arange(n_genes)):
        return counts
    inside = group >= 0
    into = group[inside]
    result = np.zeros((len(counts), n_genes), dtype=np.uint32)
    for out, row in zip(result, counts, strict=True):  # a row at a time: 20 times as fast as np.add.at over all
        sums = np.bincount(into, row[inside], n_genes)  # in float64, exact up to 2^53
        if sums.max(initial=0) > np.iinfo(np.uint32).max:
            raise CountsFileError(
                "Counts of repeated genes, or of a gene's transcripts, add up to more than 4294967295: keep repeated "
                "genes apart, or check the file."
            )
        out[:] = sums
    return result


def ingest(folder: str, source: str, stamp: Stamp, number: int, start: int, stop: int) -> None:
    """Reads biosamples start..stop of the plan's rows, sums repeated genes; keeps the counts and their sums.

    ``stamp`` is that of the source before it was first looked at. Raises InputError where it changed since.
    """
    out = block_path(Path(folder) / "counts", number)
    if out.exists():
        return
    plan = plan_of(Path(folder))
    before = {Path(source): stamp}
    check_unchanged(before)
    try:
        file = _opened(source, stamp)
        file.prefetch(plan["rows"][stop : 2 * stop - start])
        read = file.read(plan["rows"][start:stop])
    finally:  # a file that was cut short under the reader fails for that reason, whatever the reader says
        check_unchanged(before)
    counts = sum_duplicates(read, plan["group"], int(plan["n_genes"]))
    by_gene, depth, zero_share = metrics.expressed(counts)
    parts = {"steps": normalise.target_steps(counts), "expressed": by_gene, "depth": depth, "zero_share": zero_share}
    save_arrays(out.with_suffix(".npz"), parts)
    write_tiles(out, counts, 1, "bytes")


def normalise_block(folder: str, number: int) -> None:
    """Maps a block's biosamples onto the target; keeps Y by gene in float32, and the length of each profile."""
    path = Path(folder)
    out = block_path(path / "expression", number)
    if out.exists():
        return
    plan, target = plan_of(path), np.load(path / "target.npy")
    source = TileFile(block_path(path / "counts", number))
    counts = np.empty(source.shape, dtype=np.uint32)
    source.read(np.arange(len(counts)), counts)
    y, norms = normalise.profiles_by_gene(counts, target, plan["keep"], plan["length"])
    np.save(out.with_suffix(".npy"), norms)
    write_tiles(out, y, rows_a_tile(len(counts)), "bits")


def expression_of(folder: Path) -> TiledMatrix:
    """Y of a dataset in the making."""
    return TiledMatrix(folder / "expression", tuple(plan_of(folder)["starts"].tolist()))


def measure_genes(folder: str, number: int, start: int, stop: int, compare: bool = False) -> FloatMatrix | None:
    """Statistics of genes start..stop (one row each), their neighbourhoods, and where float32 leaves those open.

    With ``compare``, in the same pass over Y, what these genes add to the cosine of every pair (lower triangle, n x n),
    which is returned and not kept.
    """
    path = Path(folder)
    out = path / "genes" / f"{number:06d}"
    done = out.with_suffix(".parquet").exists()
    if done and not compare:
        return None
    seen: list[tuple[pd.DataFrame, Arrays]] = []

    def measured() -> Iterator[FloatMatrix]:
        first = start
        for tile in _tiles(expression_of(path), start, stop):
            if not done:
                seen.append(_measure_tile(path, tile, first))
            first += len(tile)
            yield tile

    if compare:
        cosines = neighbourhood.gram(measured(), np.load(path / "norms.npy"), _rare_genes(path, slice(start, stop)))
    else:
        cosines = None
        for _ in measured():
            pass
    if not done:
        found = {name: np.concatenate([arrays[name] for _, arrays in seen]) for name in seen[0][1]}
        save_arrays(out.with_suffix(".npz"), found)
        write_parquet(out.with_suffix(".parquet"), pd.concat([frame for frame, _ in seen], ignore_index=True))
    return cosines


def _measure_tile(path: Path, tile: FloatMatrix, start: int) -> tuple[pd.DataFrame, Arrays]:
    """Statistics of a tile's genes, of which the first is gene ``start``; members, and edges that are open."""
    plan = plan_of(path)
    ordered = np.sort(tile, axis=1)
    members = neighbourhood.members(tile, ordered)
    labels = metrics.Labels(plan["label_names"].tolist(), plan["label_rows"], plan["label_columns"])
    frame = metrics.tile_statistics(tile, ordered, labels)
    frame["n_neighbours"] = members.shape[1]
    frame["n_tied"] = neighbourhood.tied_at_zero(ordered)
    rows = np.flatnonzero(neighbourhood.unsettled(ordered))
    edges = [neighbourhood.edge_of(tile[row], ordered[row]) for row in rows]
    counts = np.array([(len(edge.low), len(edge.high), edge.skip, edge.take) for edge in edges], dtype=np.intp)
    on_edge = np.concatenate([NOBODY, *(part for edge in edges for part in (edge.low, edge.high))])
    return frame, {"members": members, "unsettled": start + rows, "edges": counts.reshape(-1, 4), "on_edge": on_edge}


def exact_values(folder: str, number: int, rows: IndexArray, genes: IndexArray) -> DoubleArray:
    """Y in float64 of pairs of a biosample (by position in its block, ascending) and a gene, one value a pair."""
    path = Path(folder)
    plan, target = plan_of(path), np.load(path / "target.npy")
    source = TileFile(block_path(path / "counts", number))
    needed, among = np.unique(rows, return_inverse=True)
    counts = np.empty((len(needed), source.shape[1]), dtype=np.uint32)
    source.read(needed, counts)
    q = normalise.to_target_at(counts, among, plan["keep"][genes], target)
    return normalise.divide_by_length(q, plan["length"][genes])


def gram(folder: str, start: int, stop: int, rows: IndexArray) -> FloatMatrix:
    """What genes start..stop add to the cosine of all pairs of the biosamples at ``rows`` (lower triangle)."""
    path = Path(folder)
    norms = np.load(path / "norms.npy")
    tiles = _tiles(expression_of(path), start, stop)
    return neighbourhood.gram((np.take(tile, rows, axis=1) for tile in tiles), norms[rows])


def _rare_genes(path: Path, genes: slice) -> RareGenes:
    """Of a range of genes; ``rare.npz`` is written before genes are measured."""
    found, length = load_arrays(path / "rare.npz"), plan_of(path)["length"]
    return RareGenes(found["floor"], found["rare"][genes], length[genes])


def project(folder: str, start: int, stop: int) -> tuple[FloatMatrix, FloatMatrix]:
    """The axes at genes start..stop (c x t), and what these genes add to where each unit profile lies on them (n x c).

    Axes are weighted sums of sampled unit profiles: weights and rows in sample.npz. Rare genes have no part in them:
    they tell hardly any two biosamples apart, and the index only finds candidates.
    """
    path = Path(folder)
    sample, norms = load_arrays(path / "sample.npz"), np.load(path / "norms.npy")
    inverse = np.divide(1.0, norms, out=np.zeros(len(norms)), where=norms > 0)
    weights = (sample["weights"] * inverse[sample["rows"]]).astype(np.float32)
    axes: list[FloatMatrix] = []
    points: FloatMatrix = np.zeros((len(norms), len(weights)), dtype=np.float32)
    frequent = ~load_arrays(path / "rare.npz")["rare"][start:stop]
    passed = 0
    for tile in _tiles(expression_of(path), start, stop):
        here = frequent[passed : passed + len(tile)]
        passed += len(tile)
        part: FloatMatrix = np.zeros((len(weights), len(tile)), dtype=np.float32)
        kept = tile[here]
        part[:, here] = weights @ np.take(kept, sample["rows"], axis=1).T
        points += kept.T @ part[:, here].T
        axes.append(part)
    points *= inverse[:, None]
    return np.concatenate(axes, axis=1), points


def sum_profiles(folder: str, number: int, start: int, stop: int) -> None:
    """What genes start..stop add to the squared lengths of summed unit profiles, for the sets in sets.npz."""
    path = Path(folder)
    out = path / "sums" / f"{number:06d}.npz"
    if out.exists():
        return
    sets = load_arrays(path / "sets.npz")
    stripes = _tiles(expression_of(path), start, stop)
    squared = neighbourhood.squared_sums(list(sets.values()), stripes, np.load(path / "norms.npy"))
    save_arrays(out, dict(zip(sets, squared, strict=True)))


def genes_at_once(n: int) -> int:
    """Genes over n biosamples that make a tile to read: whole tiles of the store (64 genes), fewer where n is large."""
    return 64 * max(1, min(16, READ_BYTES // (64 * 4 * n)))


def _tiles(matrix: TiledMatrix, start: int, stop: int) -> Iterator[npt.NDArray[Any]]:
    step = genes_at_once(matrix.n)
    for a in range(start, stop, step):
        yield matrix.genes(slice(a, min(a + step, stop)))


def parts(folder: Path, name: str, numbers: Iterable[int]) -> Iterator[Arrays]:
    """What the tasks of one kind left, in order."""
    for number in numbers:
        yield load_arrays(folder / name / f"{number:06d}.npz")


def frames(folder: Path, count: int) -> pd.DataFrame:
    """The statistics of all genes."""
    tables = [pd.read_parquet(folder / "genes" / f"{number:06d}.parquet") for number in range(count)]
    return pd.concat(tables, ignore_index=True)
