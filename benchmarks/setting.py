"""What a run of the benchmarks works on: sizes, repetitions, the simulated files and the datasets built from them."""

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.child import Measured, run_core
from benchmarks.simulate import N_GENES, Simulated, simulate
from benchmarks.timing import say
from core.errors import NotFoundError, StoreError
from core.expression import metrics, neighbourhood, normalise
from core.store.datasets import StoredDataset
from core.store.workspace import Workspace


@dataclass(frozen=True)
class Setting:
    """``sizes``: biosamples, ascending. ``folder`` keeps files from one run to the next."""

    folder: Path
    sizes: tuple[int, ...]
    n_genes: int = N_GENES
    rounds: int = 3
    quick: bool = False

    @property
    def small(self) -> int:
        """The size at which results are compared."""
        return self.sizes[0]

    @property
    def middle(self) -> int:
        """The size at which contenders that hold everything in memory race."""
        return self.sizes[len(self.sizes) // 2]

    @property
    def large(self) -> int:
        """The size at which the store is asked."""
        return self.sizes[-1]

    def judges(self, n: int, meant_for: int) -> bool:
        """Whether a target that is meant for ``meant_for`` biosamples of all genes can be judged at this size."""
        return n == meant_for and self.n_genes == N_GENES

    @cached_property
    def workspace(self) -> Workspace:
        """Where datasets are built."""
        return Workspace(self.folder / "built")

    def files(self, n: int) -> Simulated:
        """Simulated counts of ``n`` biosamples, with lengths and labels."""
        told = [0]

        def progress(stage: str, done: float, total: float, **values: float | str) -> None:
            if done == total or done - told[0] >= 1000:
                told[0] = int(done)
                say(f"  {stage}: {done:.0f} of {total:.0f} biosamples")

        return simulate(self.folder, n, self.n_genes, progress=progress)

    def name(self, n: int) -> str:
        """What the dataset of ``n`` biosamples is called."""
        return f"n{n}x{self.n_genes}"

    def build(self, n: int, *options: str, name: str = "", environment: dict[str, str] | None = None) -> Measured:
        """Builds in a process of its own, from nothing."""
        name = name or self.name(n)
        self.drop(name)
        files = self.files(n)
        inputs = [str(files.counts), "--labels", str(files.labels), "--lengths", str(files.lengths)]
        command = ["--data-dir", str(self.workspace.root), "build", *inputs, "--name", name, *options]
        return run_core(command, environment)

    def drop(self, name: str) -> None:
        """Removes a dataset, half-built ones too."""
        shutil.rmtree(self.workspace.datasets_dir / name, ignore_errors=True)
        shutil.rmtree(self.workspace.datasets_dir / f".{name}.building", ignore_errors=True)

    def dataset(self, n: int) -> StoredDataset:
        """The dataset of ``n`` biosamples; built first where it is not there, or of an older format."""
        try:
            return self.workspace.dataset(self.name(n))
        except (NotFoundError, StoreError):
            say(f"  building {self.name(n)} first")
            self.build(n)
            return self.workspace.dataset(self.name(n))


def warm_up() -> None:
    """Compiles the loops, for the types that they get here, so that no contender pays for it."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(3.0, (64, 300)).astype(np.uint32)
    target = normalise.target_of(normalise.target_steps(counts), len(counts))
    y = np.ascontiguousarray(normalise.to_target(counts, target).T.astype(np.float32))
    ordered = np.sort(y, axis=1)
    metrics.describe_sorted(ordered)
    members = neighbourhood.members(y, ordered)
    norms = np.linalg.norm(y.astype(np.float64), axis=0)
    neighbourhood.mean_cosine_gram(members, neighbourhood.gram([y], norms))
    neighbourhood.squared_sums([members], [y], norms)
