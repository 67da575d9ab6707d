"""HDF5 uploads in a process of their own: the same answers, and none of libhdf5's troubles."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import SampleFileError
from core.settings import PROJECT
from core.sources import sample_apart
from core.sources.sample_files import read_samples
from core.types import silent
from tests.sources import made_uploads as made
from tests.sources.conftest import ENSEMBL, SYMBOLS

BULK = np.random.default_rng(3).poisson(30, (3, 12))
NAMES = ["s1", "s2", "s3"]


def test_a_file_gives_the_same_samples_apart_as_here(tmp_path: Path) -> None:
    path = made.h5ad(tmp_path / "a.h5ad", BULK / 3, SYMBOLS, NAMES, columns={"gene_ids": ENSEMBL})
    told: list[str] = []
    with sample_apart.reader() as hdf5:
        apart = read_samples(path, "a.h5ad", lambda stage, *_, **__: told.append(stage), hdf5)
    here = read_samples(path, "a.h5ad")
    np.testing.assert_array_equal(apart.values, here.values)
    assert apart.values.dtype == here.values.dtype == np.float32
    assert (apart.gene_ids, apart.sample_names, apart.kind) == (here.gene_ids, here.sample_names, here.kind)
    assert (apart.notes, apart.counted) == (here.notes, here.counted)
    assert "reading the file" in told


def test_what_is_refused_here_is_refused_in_the_same_words(tmp_path: Path) -> None:
    path = made.kallisto_h5(tmp_path / "a.h5", ["ENST1"], [-1.0])
    with pytest.raises(SampleFileError) as here:
        read_samples(path, "a.h5")
    with pytest.raises(SampleFileError) as apart, sample_apart.reader() as hdf5:
        read_samples(path, "a.h5", silent, hdf5)
    assert str(apart.value) == str(here.value)


def test_one_process_reads_all_files_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    popen = subprocess.Popen
    monkeypatch.setattr(sample_apart.subprocess, "Popen", lambda *a, **k: started.append(a) or popen(*a, **k))
    ids = [f"ENST{i:011d}" for i in range(12)]
    files = {f"{n}/abundance.h5": made.kallisto_h5(tmp_path / n, ids, row.tolist()).read_bytes()
             for n, row in zip(NAMES, BULK, strict=True)}  # fmt: skip
    with sample_apart.reader() as hdf5:
        samples = read_samples(made.zipped(files), "all.zip", silent, hdf5)
    np.testing.assert_array_equal(samples.values, BULK)
    assert len(started) == 1


def test_a_table_of_text_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_apart.subprocess, "Popen", lambda *a, **k: pytest.fail("a process was started"))
    with sample_apart.reader() as hdf5:
        assert read_samples(b"gene\tcount\nTP53\t3\n", "a.tsv", silent, hdf5).sample_names == ["a"]


def child_of(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in for the reading process: Python that answers as ``code`` says; ``number`` is the file's."""
    popen = subprocess.Popen
    program = f"import os, sys, json, time\nnumber = int(sys.argv[1])\nsys.stdin.readline()\n{code}"

    def stand_in(command: list[str], **more: object) -> object:
        return popen([sys.executable, "-c", program, command[-1]], **more)

    monkeypatch.setattr(sample_apart.subprocess, "Popen", stand_in)


def read(path: Path) -> object:
    with sample_apart.reader() as hdf5:
        return hdf5(path, "a.h5", silent)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("os.kill(os.getpid(), 11)", "ended the process"),
        ("sys.exit(1)", "ended the process"),
        ("while True: pass", "comes to no end"),
        ("print('nonsense')", "nonsense"),
        ("print('[' * 100000)", "nonsense"),
        ("print('[1, 2]')", "nonsense"),
        ("print(json.dumps({'shape': [1, 2]}))", "nonsense"),
        ("print(json.dumps({'error': 'a.h5: two\\nlines'}))", "a.h5: two lines"),
    ],
)
def test_a_process_that_loops_dies_or_talks_nonsense(
    code: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_apart, "SILENT_S", 0.5)
    child_of(code, monkeypatch)
    path = tmp_path / "a.h5"
    path.write_bytes(b"x")
    with pytest.raises(SampleFileError, match=words):
        read(path)


ANSWER = {"shape": [1, 2], "type": "float32", "gene_ids": ["A", "B"], "sample_names": ["s"], "kind": "k", "notes": []}


@pytest.mark.parametrize(
    ("change", "values"),
    [
        ({}, [1.0, -1.0]), ({}, [np.nan, 1.0]), ({}, [np.inf, 1.0]), ({}, [1.0]), ({"shape": [2, 1]}, [1.0, 2.0]),
        ({"shape": [1, 10**12]}, [1.0]), ({"type": "object"}, [1.0, 2.0]), ({"gene_ids": ["A", 5]}, [1.0, 2.0]),
        ({"gene_ids": "AB"}, [1.0, 2.0]), ({"notes": [[]]}, [1.0, 2.0]), ({"kind": 5}, [1.0, 2.0]),
    ],
)  # fmt: skip
def test_an_answer_that_breaks_its_promises_is_refused(
    change: dict, values: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = np.array(values, dtype=np.float32).tobytes()
    child_of(
        f"os.write(number, {data!r})\nprint({json.dumps(ANSWER | change)!r}, flush=True)\ntime.sleep(9)", monkeypatch
    )
    path = tmp_path / "a.h5"
    path.write_bytes(b"x")
    with pytest.raises(SampleFileError, match="nonsense"):
        read(path)


def test_the_same_answer_kept_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.array([1.5, 2.0], dtype=np.float32).tobytes()
    child_of(f"os.write(number, {data!r})\nprint({json.dumps(ANSWER)!r}, flush=True)\ntime.sleep(9)", monkeypatch)
    path = tmp_path / "a.h5"
    path.write_bytes(b"x")
    assert read(path).values.tolist() == [[1.5, 2.0]]  # type: ignore[attr-defined]


def test_an_upload_that_is_given_up_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_one: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def noted(*a: object, **k: object) -> subprocess.Popen[bytes]:
        made_one.append(popen(*a, **k))  # type: ignore[call-overload]
        return made_one[-1]

    monkeypatch.setattr(sample_apart.subprocess, "Popen", noted)

    def give_up(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    path = made.kallisto_h5(tmp_path / "a.h5", ["ENST1"], [1.0])
    with pytest.raises(KeyboardInterrupt), sample_apart.reader() as hdf5:
        hdf5(path, "a.h5", give_up)
    assert made_one[0].returncode == -signal.SIGKILL


def test_memory_of_the_process_is_limited() -> None:
    code = (
        "import resource\nfrom core.sources import sample_child as c\n"
        "c.limit(resource.RLIMIT_AS, c.MEMORY)\n"
        "try:\n    bytearray(c.MEMORY)\nexcept MemoryError:\n    print('limited')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "limited"
