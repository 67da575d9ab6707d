"""A build gives the same bytes however it is cut into blocks, run, or killed and taken up again."""

import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from core.errors import InputError, RecipeError
from core.expression import neighbourhood
from core.settings import PROJECT
from core.sources.archs4 import write_archs4
from core.store.workspace import Workspace
from core.workflows import BuildRequest, build, create_demo, making

build_module = sys.modules["core.workflows.build"]
STAGES = ("reading", "normalising", "measuring genes", "comparing biosamples", "storing")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    create_demo(Workspace(root), n_biosamples=300, n_genes=1000)
    return root / "demo"


def request(files, **options):
    return BuildRequest(files / "demo.h5", "mine", files / "demo_labels.tsv", files / "demo_lengths.tsv", **options)


def content(root):
    """Every file of the dataset but the manifest, which says when it was built."""
    folder = root / "datasets" / "mine"
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found.pop("manifest.json")
    return found


def values(root):
    """What does not depend on how biosamples are packed into files."""
    dataset = Workspace(root).dataset("mine")
    arrays = [dataset.counts(slice(None)), dataset.expression(slice(None)), dataset.members, dataset.target]
    return [*map(np.asarray, arrays), dataset.norms, *dataset.medians], dataset.rankings, dataset.biosamples


def same(one, other):
    for a, b in zip(one[0], other[0], strict=True):
        np.testing.assert_array_equal(a, b)
    pd.testing.assert_frame_equal(one[1], other[1], check_exact=True)
    pd.testing.assert_frame_equal(one[2], other[2], check_exact=True)


@pytest.fixture(scope="module")
def reference(files, tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    build(Workspace(root), request(files))
    return root


@pytest.mark.parametrize("rows", [1, 7, 64, 299])
def test_the_size_of_blocks_changes_nothing(files, reference, tmp_path, monkeypatch, rows):
    monkeypatch.setattr(build_module, "MOST_ROWS", rows)
    build(Workspace(tmp_path), request(files))
    assert max(np.diff(Workspace(tmp_path).dataset("mine").blocks)) == rows
    same(values(tmp_path), values(reference))


def test_neither_do_memory_and_threads(files, reference, tmp_path, monkeypatch):
    monkeypatch.setenv("ARCHSCOPE_THREADS", "3")
    build(Workspace(tmp_path), request(files, memory="1MB"))
    assert len(Workspace(tmp_path).dataset("mine").blocks) > 10
    same(values(tmp_path), values(reference))


def test_by_sums_the_mean_cosine_is_the_same(files, reference, tmp_path, monkeypatch):
    monkeypatch.setattr(neighbourhood, "GRAM_LIMIT", 0)
    monkeypatch.setattr(making, "GENES_A_SUM", 100)
    build(Workspace(tmp_path), request(files))
    found, expected = values(tmp_path)[1], values(reference)[1]
    np.testing.assert_allclose(found["mean_cosine"], expected["mean_cosine"], rtol=1e-6)
    dataset = Workspace(tmp_path).dataset("mine").manifest
    np.testing.assert_allclose(
        dataset["random_cosine"], Workspace(reference).dataset("mine").manifest["random_cosine"], rtol=1e-6
    )
    assert not list((tmp_path / "datasets" / "mine").rglob("s*.np*"))


KILLED = """
import os, signal, sys
from pathlib import Path
from core.engine import local
from core.expression import neighbourhood
from core.store.workspace import Workspace
from core.workflows import BuildRequest, build, making
build_module = sys.modules["core.workflows.build"]
files, root, stage, after, limit = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
build_module.MOST_ROWS = 40
neighbourhood.GRAM_LIMIT = limit
making.GENES_A_SUM = 200
calls = 0
def progress(now, done, total, **values):
    global calls
    calls += now == stage
    if calls > after:
        os.kill(os.getpid(), signal.SIGKILL)
request = BuildRequest(files / "demo.h5", "mine", files / "demo_labels.tsv", files / "demo_lengths.tsv")
build(Workspace(root), request, progress)
"""


def run_and_kill(files, root, stage, after, limit):
    arguments = [str(files), str(root), stage, str(after), str(limit)]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=PROJECT, check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("limit", [0, 6000])
def test_a_build_killed_at_any_stage_goes_on_to_the_same_bytes(files, tmp_path, monkeypatch, limit):
    monkeypatch.setattr(build_module, "MOST_ROWS", 40)
    monkeypatch.setattr(neighbourhood, "GRAM_LIMIT", limit)
    monkeypatch.setattr(making, "GENES_A_SUM", 200)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    build(Workspace(whole), request(files))
    for after, stage in enumerate(STAGES):
        run_and_kill(files, stopped, stage, min(after, 1) if stage != "storing" else 0, limit)
        assert Workspace(stopped).datasets() == []
    left = stopped / "datasets" / ".mine.building"
    finished = {path: path.stat().st_mtime_ns for path in left.rglob("*.tiles")}
    assert len(finished) == 2 * 8
    build(Workspace(stopped), request(files))
    assert content(stopped) == content(whole)
    assert not left.exists()


def test_what_is_finished_is_not_done_again(files, tmp_path, monkeypatch):
    run_and_kill(files, tmp_path, "reading", 2, 6000)
    folder = tmp_path / "datasets" / ".mine.building" / "counts"
    done = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.tiles")}
    assert done
    build(Workspace(tmp_path), request(files, memory="900MB"))
    kept = tmp_path / "datasets" / "mine" / "counts"
    assert {name: (kept / name).stat().st_mtime_ns for name in done} == done
    assert np.diff(Workspace(tmp_path).dataset("mine").blocks).max() == 40, "the blocks of the first attempt stay"


def test_an_engine_that_does_not_start_leaves_what_is_finished(files, tmp_path):
    run_and_kill(files, tmp_path, "reading", 2, 6000)
    folder = tmp_path / "datasets" / ".mine.building" / "counts"
    done = sorted(folder.glob("*.tiles"))
    assert done
    with pytest.raises(RecipeError, match="--engine dask"):
        build(Workspace(tmp_path), request(files, scheduler="tcp://127.0.0.1:9"))
    assert sorted(folder.glob("*.tiles")) == done


def test_other_content_starts_over(files, tmp_path):
    run_and_kill(files, tmp_path, "normalising", 0, 6000)
    build(Workspace(tmp_path), request(files, length_unit="bp"))
    assert Workspace(tmp_path).dataset("mine").unit.endswith("per bp")


def small(tmp_path, counts, **options):
    """A dataset built from plain counts (n x G), without labels or lengths."""
    n, n_genes = counts.shape
    genes = pd.DataFrame({"symbol": [f"G{j}" for j in range(n_genes)]})
    biosamples = pd.DataFrame({"sample_id": [f"GSM{i}" for i in range(n)], "series_id": "GSE1"})
    write_archs4(tmp_path / "small.h5", counts.astype(np.uint32), genes, biosamples, {"version": "2.5"})
    build(Workspace(tmp_path), BuildRequest(tmp_path / "small.h5", "small", length_measure="none", **options))
    return Workspace(tmp_path).dataset("small")


EDGES = {
    "one biosample": np.array([[0, 3, 3, 9]]),
    "one gene": np.array([[4], [0], [2]]),
    "one of each": np.array([[5]]),
    "nothing expressed": np.zeros((7, 5)),
    "constant biosamples": np.repeat([[3], [0], [4294967295]], 6, axis=1),
    "largest counts": np.array([[0, 4294967295, 1], [4294967295, 4294967294, 0], [16383, 16384, 16385]]),
    "a gene expressed once": np.eye(25, 6),
}


@pytest.mark.parametrize("case", EDGES)
def test_edges(tmp_path, case):
    counts = EDGES[case].astype(np.uint32)
    dataset = small(tmp_path, counts)
    np.testing.assert_array_equal(dataset.counts(slice(None)), counts)
    y = dataset.expression(slice(None))
    logs = np.log2(1.0 + counts)
    np.testing.assert_allclose(dataset.target, np.sort(logs, axis=1).mean(axis=0), rtol=1e-9)
    assert np.isfinite(y).all()
    found = dataset.rankings
    expressed = (counts > 0).sum(axis=0)
    k = found["n_neighbours"].iloc[0]
    assert found["mean_cosine"].isna().tolist() == ((expressed == 0) | ((k < 2) & (expressed != 1))).tolist()
    assert (found["mean_cosine"][expressed == 1] == 0).all()
    np.testing.assert_allclose(found["zero_share"], (counts == 0).mean(axis=0))
    np.testing.assert_allclose(found["p95"], np.percentile(y, 95, axis=1), rtol=1e-6)


def test_permuting_biosamples_permutes_the_dataset(tmp_path):
    rng = np.random.default_rng(8)
    counts = rng.negative_binomial(1, 0.01, (90, 60))
    counts = np.unique(counts, axis=0)  # a stable order tells equal biosamples apart by place
    order = rng.permutation(len(counts))
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = small(tmp_path / "one", counts), small(tmp_path / "other", counts[order])
    np.testing.assert_array_equal(other.expression(slice(None)), one.expression(slice(None))[:, order])
    untied = (one.rankings["n_tied"] == 0).to_numpy()
    assert untied.sum() > 30
    found, expected = order[np.asarray(other.members)], np.asarray(one.members)
    np.testing.assert_array_equal(np.sort(found[untied]), np.sort(expected[untied]))
    for column in ("mean", "p95", "signal", "zero_share", "signal_rank"):
        np.testing.assert_allclose(other.rankings[column].astype(float), one.rankings[column].astype(float), rtol=1e-12)


def test_dask_gives_the_same_bytes(files, reference, tmp_path):
    build(Workspace(tmp_path), request(files, engine="dask"))
    same(values(tmp_path), values(reference))


def test_a_build_under_way_is_not_disturbed(files, tmp_path):
    def again(stage, done, total, **values):
        with pytest.raises(InputError, match="being built right now"):
            build(Workspace(tmp_path), request(files))

    build(Workspace(tmp_path), request(files), again)
    assert [dataset.name for dataset in Workspace(tmp_path).datasets()] == ["mine"]
