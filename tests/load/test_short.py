"""The short version of ``python -m tests.load``: a few sessions at once on a real app, without a clock."""

import shutil
import time

import pytest

from core.settings import job_memory
from core.store.workspace import Workspace
from tests.load import crowd
from tests.load.behaviour import BACK, TRAIN, UPLOAD
from tests.load.cast import cast_of
from tests.load.sampling import Sampler
from tests.load.served import served

SESSIONS, ACTIONS = 8, 4


@pytest.fixture
def app(demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "data")
    with served(tmp_path / "data", tmp_path / "app.log", {"ARCHSCOPE_JOBS": "1"}) as started:
        yield started


def test_sessions_at_once_see_what_is_their_own_and_no_error(app):
    workspace = Workspace(app.root)
    cast = cast_of(workspace)
    plan = crowd.Plan(SESSIONS, 300.0, (0.0, 0.3), 0, uploads=1, trainings=("classifier",), actions=ACTIONS)
    with Sampler(app) as sampler:
        log = crowd.play(app, cast, plan)
        _wait_for(lambda: sampler.jobs)
    assert log.problems == []
    assert log.foreign == []
    assert app.tracebacks() == 0
    assert log.actions >= SESSIONS * ACTIONS
    assert [len(log.times[kind]) for kind in (UPLOAD, BACK, TRAIN)] == [1, 1, 1]
    newest = workspace.runs.all("demo", "classifier")[0]
    assert newest.recipe["parameters"]["seed"] == cast.person(1).seed
    assert sampler.jobs == 1
    assert 0 < sampler.promised <= job_memory()


def _wait_for(what, seconds=120.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)
