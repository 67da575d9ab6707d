from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.expression.syrk import add_products


@pytest.mark.parametrize(("t", "n"), [(1, 1), (5, 3), (3, 70), (200, 40), (0, 4)])
def test_the_lower_triangle_is_numpys_product(rng, t, n):
    rows = rng.normal(size=(t, n)).astype(np.float32)
    before = rng.normal(size=(n, n)).astype(np.float32)
    total = before.copy()
    add_products(rows, total)
    expected = before + rows.T.astype(np.float64) @ rows
    np.testing.assert_allclose(np.tril(total), np.tril(expected), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(np.triu(total, 1), np.triu(before, 1))


def test_threads_do_not_disturb_each_other(rng):
    rows = [rng.normal(size=(300, 50)).astype(np.float32) for _ in range(16)]
    totals = [np.zeros((50, 50), dtype=np.float32) for _ in rows]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_products, rows, totals))
    for row, total in zip(rows, totals, strict=True):
        np.testing.assert_allclose(np.tril(total), np.tril(row.T @ row), rtol=1e-4, atol=1e-4)


def test_what_blas_could_not_use_is_refused(rng):
    rows, total = np.zeros((4, 3), dtype=np.float32), np.zeros((3, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="C order"):
        add_products(np.asfortranarray(rows), total)
    with pytest.raises(ValueError, match="n x n"):
        add_products(rows, np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(ValueError, match="float32"):
        add_products(rows.astype(np.float64), total)
