"""``python -m benchmarks.open_index HOW WHERE SAID DATA``: opens a counts file, timed by ``benchmarks.index``."""

import json
import sys
import time
from pathlib import Path

import h5py

from core.sources.archs4 import Archs4File
from core.store.workspace import Workspace
from core.workflows import read_listing

FIELDS = ("geo_accession", "series_id", "title", "source_name_ch1", "characteristics_ch1")


def main(how: str, where: str, said: str, data: str) -> None:
    """Opens the file and writes what it took, as JSON, to ``said``."""
    found: dict[str, float] = {}
    begun, used = time.perf_counter(), time.process_time()
    if how == "h5py":
        with h5py.File(where) as file:
            lists = [file[f"meta/samples/{name}"].asstr()[:] for name in FIELDS]
            found["n"] = len(lists[0])
    elif how == "local":
        with Archs4File(Path(where)) as archs4:
            found["n"] = archs4.shape[0]
    else:
        about = read_listing(Workspace(Path(data)), where).about
        found |= {"requests": about["requests"], "bytes": about["bytes"]}
    found |= {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - used}
    Path(said).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
