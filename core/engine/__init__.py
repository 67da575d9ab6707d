"""Map a function over blocks, on this machine's cores or on Dask; the caller cannot tell the difference.

``engine.map(function, tasks)`` gives ``function(*task)`` for each task in the order of the tasks. Tasks run side by
side, each with one thread for linear algebra; functions and tasks are picklable, and a task may run more than once.
"""

from core.engine.blas import one_blas_thread
from core.engine.dask import DaskEngine
from core.engine.local import LocalEngine
from core.errors import RecipeError

Engine = LocalEngine | DaskEngine

__all__ = ["DaskEngine", "Engine", "LocalEngine", "one_blas_thread", "open_engine"]


def open_engine(name: str = "local", scheduler: str | None = None) -> Engine:
    """The engine called ``name`` ("local" or "dask"); ``scheduler`` is a Dask address, else a cluster is started here.

    Raises RecipeError for an unknown name, or a scheduler without Dask.
    """
    if name == "dask":
        return DaskEngine(scheduler)
    if name != "local":
        raise RecipeError(f"Unknown engine {name!r}: choose 'local' or 'dask'.")
    if scheduler:
        raise RecipeError("A scheduler address only goes with the dask engine: add '--engine dask'.")
    return LocalEngine()
