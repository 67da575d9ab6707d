"""Blocks over Dask workers: a LocalCluster of processes, or a scheduler that already runs elsewhere.

Tasks carry paths, never arrays, so workers need the same files under the same paths (a shared disk).
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from core.errors import InputError
from core.settings import n_threads

T = TypeVar("T")
RETRIES = 3  # a task whose worker died runs again; every task writes its own rows, so again is harmless


class DaskEngine:
    """Runs tasks on Dask and hands results back in the order of the tasks.

    Raises InputError where the scheduler does not answer.
    """

    name = "dask"

    def __init__(self, scheduler: str | None = None, timeout: float = 20.0) -> None:
        distributed: Any = importlib.import_module("distributed")  # slow, and only this engine needs it

        self._cluster: Any = None
        if scheduler is None:
            self._cluster = distributed.LocalCluster(
                n_workers=n_threads(), threads_per_worker=1, dashboard_address=None
            )
        try:
            self._client: Any = distributed.Client(self._cluster or scheduler, timeout=timeout)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"No Dask scheduler answers at {scheduler}: start one, or leave --scheduler out."
            ) from error

    @property
    def workers(self) -> int:
        """Threads over all workers, at least one."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def map(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Iterator[T]:
        """``function(*task)`` for each task, in order; a lost worker's tasks are run again by the others."""
        futures = self._client.map(_call, [function] * len(tasks), list(tasks), pure=False, retries=RETRIES)
        for future in futures:
            yield future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()


def _call(function: Callable[..., T], task: tuple[Any, ...]) -> T:
    return function(*task)
