"""One thread for linear algebra while tasks run.

Tasks are what runs side by side: more threads within them would only fight for the cores. And a product of matrices
that is split over threads is summed up in another order, so that a result would depend on the number of cores.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

T = TypeVar("T")


def blas_libraries() -> Any:
    """The BLAS libraries that are loaded by now; to look for them takes most of a millisecond."""
    return ThreadpoolController().select(user_api="blas")


def one_blas_thread(libraries: Any = None) -> AbstractContextManager[None]:
    """``with one_blas_thread():`` around work whose last digits must not depend on the number of cores.

    ``libraries``: those of ``blas_libraries``, where they are known already.
    OpenBLAS as pip installs it has one number of threads for the whole process, and one Python thread at a time may
    set it: whoever hands out tasks does. With OpenMP (conda) the number is each thread's own: tasks set it as well.
    """
    return cast(AbstractContextManager[None], (libraries or blas_libraries()).limit(limits=1))


def call(function: Callable[..., T], task: tuple[Any, ...], libraries: Any = None) -> T:
    """``function(*task)`` with one thread for linear algebra."""
    with one_blas_thread(libraries):
        return function(*task)
