"""What every engine promises, held against both; and what only threads or only processes can get wrong."""

import tempfile
import threading
import time
from pathlib import Path

import distributed
import pytest
from threadpoolctl import threadpool_limits

from core.engine import DaskEngine, LocalEngine, dask, open_engine
from core.errors import ArchscopeError, EngineError, InputError, RecipeError, StoreError
from tests.engine import tasks


@pytest.fixture(scope="module")
def dask_engine():
    """Two workers of one thread."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARCHSCOPE_THREADS", "2")
        patch.setenv("ARCHSCOPE_DATA", "somewhere")
        with DaskEngine() as engine:
            yield engine


@pytest.fixture(params=["local", "dask"])
def engine(request):
    return LocalEngine(2) if request.param == "local" else request.getfixturevalue("dask_engine")


def marks(folder):
    return len(list(Path(folder).iterdir()))


def test_results_come_in_the_order_of_the_tasks(engine):
    given = [(i, 0.02 * (5 - i % 5)) for i in range(20)]
    assert list(engine.map(tasks.square, given)) == [i * i for i in range(20)]
    assert list(engine.map(tasks.square, [])) == []
    assert engine.workers == 2


def test_few_tasks_are_in_flight(engine, tmp_path):
    results = engine.map(tasks.leave_mark, [(str(tmp_path), i) for i in range(40)])
    for taken in range(1, 4):
        next(results)
        time.sleep(0.5)
        assert taken <= marks(tmp_path) <= taken + dask.AHEAD * engine.workers
    results.close()


def test_closing_early_drops_what_has_not_begun(engine, tmp_path):
    results = engine.map(tasks.leave_mark, [(str(tmp_path), i, 0.3) for i in range(40)])
    assert next(results) == 0
    results.close()
    time.sleep(1)
    assert marks(tmp_path) <= 1 + engine.workers + 1
    assert list(engine.map(tasks.square, [(3,)])) == [9]


@pytest.mark.parametrize("kind", ["ArchscopeError", "CountsFileError", "StoreError", "RecipeError", "CancelledError"])
def test_an_error_on_purpose_arrives_as_it_was_raised(engine, tmp_path, kind):
    with pytest.raises(ArchscopeError) as caught:
        list(engine.map(tasks.fail, [(str(tmp_path), kind)]))
    assert type(caught.value).__name__ == kind
    assert str(caught.value) == f"what is wrong in {kind}, where, what to do"
    assert marks(tmp_path) == 1  # nobody tried again


def test_a_bug_arrives_as_it_was_raised(engine, tmp_path):
    with pytest.raises(KeyError, match="what is wrong"):
        list(engine.map(tasks.fail, [(str(tmp_path), "KeyError")]))
    assert marks(tmp_path) == (1 if engine.name == "local" else 1 + dask.RETRIES)


def test_an_error_ends_the_others(engine, tmp_path):
    failing = [(tasks.fail, str(tmp_path / "failed"), "StoreError")]
    (tmp_path / "failed").mkdir()
    (tmp_path / "others").mkdir()
    others = [(tasks.leave_mark, str(tmp_path / "others"), i, 0.2) for i in range(40)]
    with pytest.raises(StoreError):
        list(engine.map(_any, failing + others))
    time.sleep(0.5)
    assert marks(tmp_path / "others") < 8


def _any(function, *arguments):
    return function(*arguments)


def test_linear_algebra_has_one_thread_within_tasks(engine):
    with threadpool_limits(2, "blas"):
        for count in (1, 8):
            found = list(engine.map(tasks.blas_threads, [(0.02,)] * count))
            assert all(threads and set(threads) == {1} for threads in found)
            assert set(tasks.blas_threads()) == {2}


def test_a_map_that_ends_early_or_badly_gives_the_threads_back():
    with threadpool_limits(2, "blas"):
        results = LocalEngine(2).map(tasks.blas_threads, [(0.02,)] * 6)
        assert set(next(results)) == {1}
        results.close()
        assert set(tasks.blas_threads()) == {2}
        for _ in LocalEngine(2).map(tasks.blas_threads, [(0.02,)] * 6):
            break  # nobody closes it: it goes with its last reference
        assert set(tasks.blas_threads()) == {2}
        with pytest.raises(TypeError):
            list(LocalEngine(2).map(tasks.square, [("a",)]))
        assert set(tasks.blas_threads()) == {2}


def test_maps_within_maps_give_the_threads_back_last():
    outer = LocalEngine(2)
    with threadpool_limits(2, "blas"):
        for _ in outer.map(tasks.square, [(1,)] * 6):
            assert all(set(found) == {1} for found in LocalEngine(2).map(tasks.blas_threads, [()] * 3))
            assert set(tasks.blas_threads()) == {1}
        assert set(tasks.blas_threads()) == {2}


def test_local_runs_as_many_tasks_at_once_as_it_has_workers():
    running, most, lock = 0, 0, threading.Lock()

    def count(_):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    list(LocalEngine(2).map(count, [(i,) for i in range(12)]))
    assert most <= 2


def test_the_environment_reaches_the_workers(dask_engine):
    """But each worker takes one thread: there are as many of them as threads were asked for."""
    names = ("ARCHSCOPE_DATA", "ARCHSCOPE_THREADS", "OPENBLAS_NUM_THREADS")
    assert list(dask_engine.map(tasks.environment, [names])) == [["somewhere", "1", "1"]]


def test_a_lost_worker_costs_nothing(dask_engine, tmp_path):
    given = [(str(tmp_path / "died"), i) for i in range(8)]
    assert list(dask_engine.map(tasks.die_once, given)) == list(range(8))
    assert (tmp_path / "died").exists()


def test_a_task_that_kills_every_worker_is_given_up_in_words(monkeypatch):
    monkeypatch.setattr(dask, "LOST_WORKERS", 1)
    with DaskEngine() as engine:
        with pytest.raises(EngineError, match="want of memory"):
            list(engine.map(tasks.die, [()]))
        assert list(engine.map(tasks.square, [(3,)])) == [9]


def test_workers_leave_nothing_behind(tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)  # look again
    with DaskEngine() as engine:
        assert list(engine.map(tasks.square, [(3,)])) == [9]
        assert list(tmp_path.glob("scratch/*/worker-*")) != []
    assert list(tmp_path.glob("scratch/*/worker-*")) == []
    assert [path for path in tmp_path.glob("here/*") if not path.name.startswith(".coverage")] == []


def cluster(workers):
    """A scheduler that is not ours to stop, with workers in this process."""
    return distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address="127.0.0.1:0"
    )


def test_a_scheduler_that_does_not_answer_is_bad_input():
    with pytest.raises(InputError, match="No Dask scheduler answers"):
        DaskEngine("tcp://127.0.0.1:9", timeout=1)


def test_a_scheduler_without_workers_is_bad_input():
    with cluster(0) as elsewhere, pytest.raises(InputError, match="has no workers"):
        DaskEngine(elsewhere.scheduler_address, timeout=1)


def test_a_worker_of_another_version_is_bad_input(monkeypatch):
    monkeypatch.setattr(dask, "__version__", "99")  # in this process, not in the workers'
    with pytest.raises(InputError, match=r"worker at tcp://.* cannot work with ARCHScope 99"):
        DaskEngine()


@pytest.mark.parametrize("ahead", [1, 100])
def test_a_scheduler_that_is_lost_ends_the_map_in_words(monkeypatch, ahead):
    """Whether the map waits for a result then, or has tasks to hand out."""
    monkeypatch.setattr(dask, "AHEAD", ahead)
    with cluster(1) as elsewhere, DaskEngine(elsewhere.scheduler_address, timeout=2) as engine:
        results = engine.map(tasks.square, [(i, 0.05) for i in range(20)])
        assert next(results) == 0
        elsewhere.close()
        with pytest.raises(EngineError, match="scheduler was lost"):
            list(results)


def test_names_are_checked():
    assert open_engine("local").name == "local"
    with pytest.raises(RecipeError, match="Unknown engine"):
        open_engine("spark")
    with pytest.raises(RecipeError, match="--engine dask"):
        open_engine("local", "tcp://127.0.0.1:1")
