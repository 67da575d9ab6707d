"""One thread for linear algebra while tasks run.

Tasks are what runs side by side: more threads within them would only fight for the cores. And a product of matrices
that is split over threads is summed up in another order, so that a result would depend on the number of cores.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

T = TypeVar("T")


def one_blas_thread() -> AbstractContextManager[None]:
    """``with one_blas_thread():`` around work whose last digits must not depend on the number of cores.

    OpenBLAS as pip installs it has one number of threads for the whole process, and one Python thread at a time may
    set it: whoever hands out tasks does. With OpenMP (conda) the number is each thread's own: tasks set it as well.
    """
    return cast(AbstractContextManager[None], threadpool_limits(1, "blas"))


def call(function: Callable[..., T], task: tuple[Any, ...]) -> T:
    """``function(*task)`` with one thread for linear algebra."""
    with one_blas_thread():
        return function(*task)
