"""Blocks over the threads of this machine: numpy's sorts and products release the interpreter lock."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

from core.engine.blas import blas_libraries, call, one_blas_thread
from core.settings import n_threads

T = TypeVar("T")


class LocalEngine:
    """Runs tasks on a thread pool and hands results back in the order of the tasks."""

    name = "local"

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or n_threads()

    def map(self, function: Callable[..., T], tasks: Sequence[tuple[Any, ...]]) -> Generator[T, None, None]:
        """``function(*task)`` for each task, in order. At most one block beyond the workers waits in memory.

        Closed early, or with a task that fails, it drops what has not begun and waits for what has. Until it is
        through or closed, linear algebra has one thread, in the caller too.
        """
        libraries = blas_libraries()
        with one_blas_thread(libraries), _drained(ThreadPoolExecutor(self.workers)) as pool:
            waiting: deque[Future[T]] = deque()
            for task in tasks:
                waiting.append(pool.submit(call, function, task, libraries))
                if len(waiting) > self.workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing outlives a map."""


@contextmanager
def _drained(pool: ThreadPoolExecutor) -> Generator[ThreadPoolExecutor, None, None]:
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
