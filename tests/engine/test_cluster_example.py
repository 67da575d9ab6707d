"""The cluster that docs/scale.md describes, as processes of its own, and the page itself."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.__main__ import main
from core.settings import PROJECT
from core.sources.demo import write_demo
from core.store.workspace import Workspace
from tests.engine.test_lost_worker import content
from tests.serving import free_port

SCRIPT = PROJECT / "scripts" / "cluster_example.sh"
PAGE = PROJECT / "docs" / "scale.md"


def commands(text: str) -> list[str]:
    """Lines of the page's blocks that are marked as those of the example."""
    blocks = re.findall(r"<!-- cluster example -->\n+```bash\n(.*?)```", text, re.DOTALL)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_the_page_shows_the_commands_that_the_script_runs() -> None:
    shown, run = commands(PAGE.read_text()), {line.strip() for line in SCRIPT.read_text().splitlines()}
    assert [line for line in shown if line not in run] == []
    words = (" scheduler --host", " worker ", ".wait_for_workers", " build ", " train ")
    assert [word for word in words if not any(word in line for line in shown)] == []


def test_a_cluster_of_separate_processes_builds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = write_demo(tmp_path / "files", n_biosamples=200, n_genes=1000)
    given = {"COUNTS": files.counts, "LABELS": files.labels, "LENGTHS": files.lengths, "DATA": tmp_path / "there"}
    given |= {"SCRATCH": tmp_path / "scratch", "SCHEDULER_PORT": free_port(), "NAME": "small"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path} | {name: str(value) for name, value in given.items()}
    done = subprocess.run(
        [str(SCRIPT)], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Dataset 'small' built in" in done.stdout
    assert left_running(tmp_path) == []

    monkeypatch.setenv("ARCHSCOPE_THREADS", "2")
    here = ["--data-dir", str(tmp_path / "here")]
    labels, lengths = ["--labels", str(files.labels)], ["--lengths", str(files.lengths)]
    assert main([*here, "build", str(files.counts), "--name", "small", *labels, *lengths]) == 0
    assert main([*here, "train", "classifier", "small"]) == 0
    workspaces = [Workspace(tmp_path / name) for name in ("here", "there")]
    ours, theirs = (content(workspace.datasets_dir / "small") for workspace in workspaces)
    assert [name for name in ours if ours[name] != theirs.get(name)] == []
    assert set(theirs) == set(ours)
    assert len(np.load(tmp_path / "there" / "datasets" / "small" / "members.npy")) > 900
    metrics = [(workspace.runs.all("small")[0].result or {})["metrics"] for workspace in workspaces]
    assert json.dumps(metrics[0]) == json.dumps(metrics[1])


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that still name the folder."""
    lines = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(folder) in line]
