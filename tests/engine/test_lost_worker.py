"""A build on Dask that loses a worker at every stage, held byte for byte against a build on this machine."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.expression import neighbourhood
from core.sources.demo import DemoFiles, write_demo
from core.store.workspace import Workspace
from core.workflows import BuildRequest, build, making

STAGES = ("reading", "normalising", "measuring genes", "comparing biosamples")
UNLIKE = {"manifest.json"}  # tells when, how long and on which engine


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a dataset that its input and recipe decide."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in UNLIKE]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def workers() -> list[psutil.Process]:
    """The worker processes of a cluster that this process started."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


class Killer:
    """Kills one of the workers, without a warning, at the first finished task of every stage."""

    def __init__(self) -> None:
        self.killed: dict[str, int] = {}

    def __call__(self, stage: str, done: float, total: float, **values: float | str) -> None:
        seen = set(self.killed)
        if stage in STAGES and stage not in seen:
            self.killed[stage] = -1  # the stage has begun; the next word of it is its first finished task
        elif self.killed.get(stage) == -1:
            victim = workers()[len(seen) % 2]
            victim.kill()
            self.killed[stage] = victim.pid


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> DemoFiles:
    return write_demo(tmp_path_factory.mktemp("files"), n_biosamples=200, n_genes=1000)


@pytest.fixture
def made(files: DemoFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, bytes]]:
    """Builds in a dozen blocks, in two threads or two processes; what the dataset holds."""
    monkeypatch.setenv("ARCHSCOPE_THREADS", "2")
    monkeypatch.setattr(making, "GENES_A_GRAM", 100)
    monkeypatch.setattr(making, "GENES_A_SUM", 100)
    monkeypatch.setattr(making, "GENES_A_MEASURE", 100)

    def make(engine: str, **how: object) -> dict[str, bytes]:
        workspace = Workspace(tmp_path / engine)
        request = BuildRequest(files.counts, "demo", files.labels, files.lengths, engine=engine, memory="1MB")
        build(workspace, request, **how)  # type: ignore[arg-type]
        return content(workspace.datasets_dir / "demo")

    return make


@pytest.mark.parametrize("limit", [0, neighbourhood.GRAM_LIMIT], ids=["sums", "cosines"])
def test_a_worker_lost_at_every_stage_changes_no_byte(
    made: Callable[..., dict[str, bytes]], monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(neighbourhood, "GRAM_LIMIT", limit)
    killer = Killer()
    here, there = made("local"), made("dask", progress=killer)
    assert len(set(killer.killed.values()) - {-1}) == len(STAGES)
    assert {"rankings.parquet", "members.npy", "target.npy", "counts/000009.tiles"} <= set(here)
    assert [name for name in here if here[name] != there.get(name)] == []
    assert set(there) == set(here)
