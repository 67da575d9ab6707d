"""BLAS's product of a matrix with its own transpose, without the interpreter lock.

``scipy.linalg.blas.ssyrk`` holds the lock, so threads would queue for it, and numpy's ``a.T @ a`` fills both triangles
into a new matrix every time. scipy offers BLAS to compiled code as function pointers (``scipy.linalg.cython_blas``);
ctypes lets go of the lock while it calls one.
"""

import ctypes
from functools import cache
from typing import Any

import numpy as np

from core.types import FloatMatrix

_FLOATS, _INT, _FLOAT = ctypes.c_void_p, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_float)
_SIGNATURE = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_char_p, _INT, _INT, _FLOAT, _FLOATS, _INT, _FLOAT, _FLOATS, _INT
)


@cache
def _ssyrk() -> Any:
    from scipy.linalg import cython_blas

    capsule = cython_blas.__pyx_capi__["ssyrk"]
    name, pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return _SIGNATURE(pointer(capsule, name(capsule)))


def add_products(rows: FloatMatrix, total: FloatMatrix) -> None:
    """Adds X'X (n x n) of X = ``rows`` (t x n, C order) to the lower triangle of ``total`` (n x n, C order)."""
    t, n = rows.shape
    if total.shape != (n, n) or not (rows.flags.c_contiguous and total.flags.c_contiguous):
        raise ValueError(f"add_products needs t x n and n x n in C order, got {rows.shape} and {total.shape}")
    if not rows.dtype == total.dtype == np.float32:
        raise ValueError(f"add_products needs float32, got {rows.dtype} and {total.dtype}")
    size, depth, one = ctypes.c_int(n), ctypes.c_int(t), ctypes.c_float(1.0)
    by = ctypes.byref
    # BLAS counts columns first: t x n in C order is n x t to it, and its upper triangle is the lower one here
    if t and n:
        _ssyrk()(b"U", b"N", by(size), by(depth), by(one), rows.ctypes.data, by(size), by(one), total.ctypes.data,
                 by(size))  # fmt: skip
