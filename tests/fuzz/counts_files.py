"""Counts files in ARCHS4's layouts: what a build reads before and while it goes through the counts."""

import random
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal

from core.sources.archs4 import Archs4File
from tests.fuzz import mutate, seeds
from tests.fuzz.hdf5_changes import changed_hdf5
from tests.fuzz.target import Target

_SMALL = 50_000_000  # counts that are read


def read_counts(data: bytes, folder: Path) -> None:
    """Probes a file, reads it in two ways, and plans a build of it."""
    from core.workflows.plan import BuildRequest, make_plan

    path = folder / "counts.h5"
    path.write_bytes(data)
    with Archs4File(path) as file:
        n, width = file.shape
        assert n >= 1 and width >= 1 and len(file.genes) == width and len(file.biosamples) == n, "shapes differ"
        assert file.biosamples["sample_id"].is_unique and (file.biosamples["sample_id"] != "").all(), (
            "ids of biosamples"
        )
        for table in (file.genes, file.biosamples):
            texts = table.select_dtypes(exclude="number")
            assert all(isinstance(value, str) for column in texts for value in texts[column]), "a name that is no text"
        if n * width <= _SMALL:
            whole = file.read(slice(None))
            assert whole.shape == (n, width) and whole.dtype == np.uint32, "counts do not fit"
            rows = np.arange(n)[::-1]
            for block, span in zip(file.blocks([rows[:2], rows[2:4]]), (rows[:2], rows[2:4]), strict=True):
                assert_array_equal(block, whole[span])
    plan = make_plan(BuildRequest(path, "fuzz", length_measure="none"))
    assert len(plan.genes) and len(plan.biosamples) and len(plan.group) == width, "a plan that does not fit"


def apart(data: bytes, folder: Path) -> None:
    """As a job reads it: in a process of its own, which may end; nothing else may."""
    import subprocess
    import sys

    path = folder / "case"
    path.write_bytes(data)
    code = ("import sys; from pathlib import Path; from tests.fuzz.counts_files import read_counts; "
            "read_counts(Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]))")  # fmt: skip
    try:
        subprocess.run(
            [sys.executable, "-c", code, str(path), str(folder)], timeout=20, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        return  # a build that comes to no end is a job that its user cancels


def make_counts(rng: random.Random) -> bytes:
    data = rng.choice(seeds.counts_files())
    if rng.random() < 0.55:
        data = changed_hdf5(rng, data)
        return mutate.flipped(rng, data) if rng.random() < 0.1 else data
    return mutate.by_bytes(rng, data)


TARGETS = [Target("ARCHS4 counts files, all layouts", make_counts, read_counts, 2.0, contained=apart)]
