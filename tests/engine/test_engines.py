import os
import threading
import time
from pathlib import Path

import pytest

from core.engine import DaskEngine, LocalEngine, open_engine
from core.errors import InputError, RecipeError


def square(value, pause=0.0):
    time.sleep(pause)
    return value * value


def die_once(marker, value):
    """Kills its own process the first time: what a worker lost in the middle looks like."""
    if not Path(marker).exists():
        Path(marker).touch()
        os._exit(1)
    return value


def test_local_keeps_the_order_of_the_tasks():
    tasks = [(i, 0.01 * (5 - i % 5)) for i in range(20)]
    with LocalEngine(4) as engine:
        assert list(engine.map(square, tasks)) == [i * i for i in range(20)]


def test_local_holds_few_results_at_once():
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


def test_local_lets_errors_through():
    with pytest.raises(TypeError):
        list(LocalEngine(2).map(square, [("a",)]))


def test_dask_gives_the_same_and_survives_a_lost_worker(tmp_path):
    with DaskEngine() as engine:
        assert engine.workers >= 1
        assert list(engine.map(square, [(i,) for i in range(8)])) == [i * i for i in range(8)]
        assert list(engine.map(die_once, [(str(tmp_path / "died"), 7)])) == [7]
        assert (tmp_path / "died").exists()


def test_a_scheduler_that_does_not_answer_is_bad_input(monkeypatch):
    with pytest.raises(InputError, match="No Dask scheduler answers"):
        DaskEngine("tcp://127.0.0.1:9", timeout=1)


def test_names_are_checked():
    assert open_engine("local").name == "local"
    with pytest.raises(RecipeError, match="Unknown engine"):
        open_engine("spark")
    with pytest.raises(RecipeError, match="--engine dask"):
        open_engine("local", "tcp://127.0.0.1:1")
