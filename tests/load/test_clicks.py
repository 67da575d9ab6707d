"""A click is not lost because somebody else's job began since this session last looked."""

import os
import shutil

import pytest

from core import jobs
from core.store.workspace import Workspace
from tests.load import apart
from tests.load.cast import cast_of
from tests.load.served import served
from tests.load.session import Session


@pytest.fixture
def app(demo_root, tmp_path):
    shutil.copytree(demo_root, tmp_path / "data")
    with served(tmp_path / "data", tmp_path / "app.log") as started:
        yield started


def test_a_training_starts_although_anothers_job_began_just_before(app):
    workspace = Workspace(app.root)
    person = cast_of(workspace).person(1)

    async def train():
        session = Session(app.address)
        async with session.connected():
            await session.open("", dataset=person.dataset)
            await session.go("Train", dataset=person.dataset, model="Classifier")
            fingerprint = workspace.dataset(person.dataset).fingerprint
            other = workspace.runs.create("generator", person.dataset, {"label": "brain"}, fingerprint)
            other.claim(os.getpid())  # of this process, which lives
            tree = session.tree
            seed, button = tree.labelled("number_input", "Seed"), tree.labelled("button", "Start training")
            await session.set_nodes([(seed, float(person.seed)), (button, True)])
        shutil.rmtree(other.path)
        return session.problems

    before = {run.id for run in workspace.runs.all(kind="classifier")}
    assert apart.run(train()) == []
    begun = [run for run in workspace.runs.all(kind="classifier") if run.id not in before]
    assert [run.recipe["parameters"]["seed"] for run in begun] == [person.seed]
    jobs.cancel(begun[0])
    started = workspace.runs.all(person.dataset, "classifier")
    assert person.seed in [run.recipe["parameters"].get("seed") for run in started]
