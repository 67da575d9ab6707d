"""Blocks over Dask workers: a LocalCluster of processes, or a scheduler that already runs elsewhere.

Tasks carry paths, never arrays, so workers need the same files under the same paths (a shared disk). A task may run
twice, where a worker died after it and before its result was fetched; every task writes its own files, so again is
harmless. How to run a cluster: docs/scale.md.
"""

import contextlib
import importlib
import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from types import TracebackType
from typing import Any, Self, TypeVar

from core import __version__
from core.engine.blas import call
from core.errors import ArchscopeError, EngineError, InputError
from core.settings import n_threads

T = TypeVar("T")
RETRIES = 3  # of a task that failed by chance, such as a shared disk that did not answer
LOST_WORKERS = 10  # that a task may lose before it counts as their killer; Dask's 3 is few where workers come and go
AHEAD = 2  # tasks in flight for each thread: one at work, one waiting, so that no worker waits for the network

SCHEDULER_LOST = "The Dask scheduler was lost: start it and this again; a build goes on where it stopped"


class DaskEngine:
    """Runs tasks on Dask and hands results back in the order of the tasks.

    Without a ``scheduler`` it starts ARCHSCOPE_THREADS worker processes here, of one thread each. Raises InputError
    where the scheduler does not answer, has no workers within ``timeout`` seconds, or one that lacks ARCHScope.
    """

    name = "dask"

    def __init__(self, scheduler: str | None = None, timeout: float = 30.0) -> None:
        self._distributed: Any = importlib.import_module("distributed")  # slow, and only this engine needs it
        self._open = contextlib.ExitStack()
        with contextlib.ExitStack() as opening:
            cluster = None if scheduler else opening.enter_context(self._local_cluster())
            self._client = opening.enter_context(self._connect(cluster or scheduler, timeout))
            self._open = opening.pop_all()

    @contextlib.contextmanager
    def _local_cluster(self) -> Generator[Any, None, None]:
        """Workers of this machine.

        Their scratch lies where Dask's setting ``temporary-directory`` says, else with the system's temporary files,
        never in the working directory; Dask clears what killed workers left there when the next ones start.
        """
        dask: Any = importlib.import_module("dask")
        with (
            dask.config.set({"distributed.scheduler.allowed-failures": LOST_WORKERS}),
            self._distributed.LocalCluster(
                n_workers=n_threads(),
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # any free port: Dask's own would clash with another build
                env={"ARCHSCOPE_THREADS": "1"},  # as many workers as threads were asked for: each takes one
            ) as cluster,
        ):
            yield cluster

    def _connect(self, address: Any, timeout: float) -> Any:
        try:
            client = self._distributed.Client(address, timeout=timeout, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(f"No Dask scheduler answers at {address}: start one, or leave --scheduler out.") from error
        try:
            client.wait_for_workers(1, timeout)
        except TimeoutError as error:
            client.close()
            raise InputError(f"The Dask scheduler at {address} has no workers: start some, then this.") from error
        self._check(client)
        return client

    def _check(self, client: Any) -> None:
        """A worker that cannot import the tasks leaves without a word, and the client would wait for ever."""
        for worker, found in client.run(_version, on_error="return").items():
            if found != __version__:
                client.close()
                raise InputError(
                    f"The Dask worker at {worker} cannot work with ARCHScope {__version__} ({found}): start it in the "
                    "project's folder, with the same version and packages."
                )

    @property
    def workers(self) -> int:
        """Threads over all workers, at least one; workers may come and go."""
        try:
            threads: dict[str, int] = self._client.nthreads()
        except OSError as error:
            raise EngineError(f"{SCHEDULER_LOST} ({error}).") from error
        return max(1, sum(threads.values()))

    def map(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Generator[T, None, None]:
        """``function(*task)`` for each task, in order; a lost worker's tasks are run again by the others.

        Two tasks for each thread are in flight at most, and only one result is on this side at a time. Closed early,
        or with a task that fails, it cancels the others. An ArchscopeError that a task raises is raised here as it
        was there; EngineError where too many workers were lost over one task, or the scheduler itself.
        """
        waiting: deque[Any] = deque()
        try:
            for task in tasks:
                waiting.append(self._client.submit(_call, function, task, pure=False, retries=RETRIES))
                if len(waiting) >= AHEAD * self.workers:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            self._client.cancel(list(waiting))

    def _result(self, future: Any) -> Any:
        try:
            found = future.result()
        except self._distributed.KilledWorker as error:
            raise EngineError(
                "Workers died one after another over the same task, most likely for want of memory: give each more, "
                "or start fewer. A build goes on where it stopped."
            ) from error
        except CancelledError as error:
            raise EngineError(f"{SCHEDULER_LOST} ({getattr(error, 'reason', error)}).") from error
        if isinstance(found, ArchscopeError):
            raise found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


def _version() -> str:
    return __version__


def _call(function: Callable[..., T], task: tuple[Any, ...]) -> T | ArchscopeError:
    """What a worker runs. An error that was raised on purpose is a result: to try again would change nothing."""
    os.environ.setdefault("ARCHSCOPE_THREADS", "1")  # a worker that says nothing else has one thread for a task
    try:
        return call(function, task)
    except ArchscopeError as error:
        return error
