import json
import shutil

import pytest

from core.errors import NotFoundError
from core.store.workspace import Workspace


@pytest.fixture
def mine(demo_root, tmp_path):
    """A data folder of one's own, to change."""
    shutil.copytree(demo_root / "datasets", tmp_path / "datasets")
    shutil.copytree(demo_root / "runs", tmp_path / "runs")
    return Workspace(tmp_path)


@pytest.mark.parametrize("wrong", ["", "nope", "../demo", ".demo.building"])
def test_names_stay_inside(mine, wrong):
    with pytest.raises(NotFoundError):
        mine.dataset(wrong)


def test_a_dataset_is_opened_once_until_it_changes(mine):
    first = mine.dataset("demo")
    assert mine.dataset("demo") is first
    manifest = first.path / "manifest.json"
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "fingerprint": "other"}))
    assert mine.dataset("demo").fingerprint == "other"


def test_the_first_run_is_active_until_one_is_chosen(mine):
    dataset = mine.dataset("demo")
    old = mine.active(dataset, "classifier")
    new_path = mine.runs_dir / "99991231-000000-classifier-beef"
    shutil.copytree(old.path, new_path)
    assert mine.active(dataset, "classifier").id == old.id
    mine.activate(mine.runs.get(new_path.name))
    assert mine.active(dataset, "classifier").id == new_path.name
    assert Workspace(mine.root).active(dataset, "classifier").id == new_path.name


def test_runs_of_other_content_are_not_used(mine):
    dataset = mine.dataset("demo")
    dataset.fingerprint = "other"
    assert mine.active(dataset, "classifier") is None


def test_only_finished_runs_can_be_used(mine):
    with pytest.raises(NotFoundError, match="only a finished run"):
        mine.activate(mine.runs.create("classifier", "demo", {}))


def test_one_app_a_data_folder(tmp_path):
    import subprocess
    import sys

    code = "import sys, pathlib; from core.store.workspace import Workspace; Workspace(pathlib.Path(sys.argv[1]), True)"
    workspace = Workspace(tmp_path, persistent=True)
    second = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "another ARCHScope uses this data folder" in second.stderr
    workspace.results.close()
