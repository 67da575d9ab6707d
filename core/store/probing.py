"""Whether the results database and datasets can be used, found out without changing or holding anything."""

from pathlib import Path

import duckdb

from core.errors import ArchscopeError
from core.store.datasets import FORMAT, StoredDataset
from core.store.files import read_json
from core.store.results_database import Trouble, trouble_of
from core.store.tiles import TileFile, block_path

FILES = ("genes", "rankings", "biosamples", "labels", "transcripts")
ARRAYS = ("target.npy", "norms.npy", "medians.npy", "members.npy", "totals.npz")


def database_state(path: Path) -> str:
    """ "none" (made at the first start), "free", "held" by a running app, or what is wrong with it: "damaged", "newer",
    "refused" (no right to read it).
    """
    if not path.exists():
        return "none"
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        states = {Trouble.LOCKED: "held", Trouble.NEWER: "newer", Trouble.REFUSED: "refused"}
        found = trouble_of(error)
        return states.get(found, "damaged") if found else "damaged"
    return "free"


def dataset_trouble(path: Path) -> str:
    """What is missing or damaged in a dataset's folder, as far as names, sizes and heads of files tell; "" for nothing.

    Contents are checked when they are read (every tile has a checksum).
    """
    try:
        manifest = read_json(path / "manifest.json")
        if manifest["format"] != FORMAT:
            return "another version of ARCHScope wrote it: build it again"
        dataset = StoredDataset(path)
        wanted = [*(f"{name}.parquet" for name in FILES), *ARRAYS]
        missing = [name for name in wanted if not (path / name).is_file()]
        if not (path / "counts").is_dir():
            return "it came without its counts: build it again from the same files"
        if missing:
            return f"{', '.join(missing)} missing: build it again, or restore a backup"
        for part in ("counts", "expression"):
            for number in range(len(dataset.blocks) - 1):
                TileFile(block_path(path / part, number))  # a file that was cut short tells by its head
    except (ArchscopeError, KeyError, TypeError) as error:
        return str(error) or type(error).__name__
    return ""
