"""The loops over genes of a tile and their neighbourhoods, compiled with numba like those of ``kernels``.

Arrays are C-contiguous; t = genes of a tile, n = all biosamples, k = members of a neighbourhood.
"""

import numpy as np
import numpy.typing as npt

from core.expression.kernels import compiled, vectorised

STRIPE = 64  # genes that one pass over the selected profiles sums: 16 to 128 were tried


@compiled
def describe_rows(ordered: npt.NDArray[np.float32], out: npt.NDArray[np.float64]) -> None:
    """Writes mean, variance (n - 1), Gini coefficient, median and median absolute deviation (t x 5) of ascending rows.

    ``ordered`` t x n; NaN where undefined.
    """
    n = ordered.shape[1]
    for i in range(len(ordered)):
        median, deviation = _median_and_deviation(ordered[i])
        total, weighted, squares = _sums(ordered[i], median)
        mean = median + total / n
        # sum_j (2 j + 1 - n) x_j is the same for x_j less the median, because the weights add up to 0
        out[i, 0] = mean
        out[i, 1] = max(0.0, squares - total * total / n) / (n - 1) if n > 1 else np.nan
        out[i, 2] = weighted / (n * n * mean) if mean > 0 else np.nan
        out[i, 3], out[i, 4] = median, deviation


@vectorised
def _sums(row: npt.NDArray[np.float32], median: float) -> tuple[float, float, float]:
    """Of an ascending row less its median: the sum, the sum weighted by 2 j + 1 - n, and the sum of squares."""
    total, weighted, squares = 0.0, 0.0, 0.0
    for j in range(len(row)):
        value = np.float64(row[j]) - median
        total += value
        weighted += np.float64(2 * j + 1 - len(row)) * value
        squares += value * value
    return total, weighted, squares


@compiled
def _median_and_deviation(row: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Median of an ascending row, and the median of the distances from it."""
    n = len(row)
    median = (np.float64(row[(n - 1) // 2]) + np.float64(row[n // 2])) / 2.0
    return median, (_distance(row, median, (n - 1) // 2) + _distance(row, median, n // 2)) / 2.0


@compiled
def _distance(row: npt.NDArray[np.float32], median: float, rank: int) -> float:
    """The distance from the median at a rank (0 = nearest), without sorting: they grow to both sides of the middle.

    Looks for how many of the ``rank + 1`` nearest lie to the left, by bisection.
    """
    middle = len(row) // 2
    low, high = max(0, rank + 1 - (len(row) - middle)), min(rank + 1, middle)
    while low < high:
        left = (low + high) // 2
        if median - row[middle - 1 - left] < row[middle + rank - left] - median:
            low = left + 1
        else:
            high = left
    nearest_left = median - row[middle - low] if low > 0 else 0.0
    nearest_right = row[middle + rank - low] - median if low <= rank else 0.0
    return float(max(nearest_left, nearest_right))


@compiled
def sum_labels(
    tile: npt.NDArray[np.float32],
    rows: npt.NDArray[np.intp],
    columns: npt.NDArray[np.intp],
    out: npt.NDArray[np.float64],
) -> None:
    """Adds the values of each label's biosamples to ``out`` (t x L): biosample ``rows[i]`` has label ``columns[i]``."""
    for gene in range(len(tile)):
        for i in range(len(rows)):
            out[gene, columns[i]] += tile[gene, rows[i]]


@compiled
def select_window(
    tile: npt.NDArray[np.float32], ordered: npt.NDArray[np.float32], start: int, members: npt.NDArray[np.int32]
) -> None:
    """Writes which biosamples (t x k) stand at positions start .. start + k of a stable ascending sort of each row.

    ``tile`` t x n in biosample order, ``ordered`` the same rows ascending.
    """
    k = members.shape[1]
    values = np.empty(k, dtype=np.float32)
    for i in range(len(tile)):
        low, high = ordered[i, start], ordered[i, start + k - 1]
        skip = start - np.searchsorted(ordered[i], low)
        take = start + k - np.searchsorted(ordered[i], high)
        found = 0
        for j in range(tile.shape[1]):
            value = tile[i, j]
            if value < low or value > high:
                continue
            if value == high:
                if take == 0:
                    continue
                take -= 1
            if value == low and skip > 0:
                skip -= 1
                continue
            at = found  # insertion: equal values stay in biosample order
            while at > 0 and values[at - 1] > value:
                values[at] = values[at - 1]
                members[i, at] = members[i, at - 1]
                at -= 1
            values[at] = value
            members[i, at] = j
            found += 1


@compiled
def pair_sums(sets: npt.NDArray[np.int32], cosines: npt.NDArray[np.float32], out: npt.NDArray[np.float64]) -> None:
    """Writes the sum of ``cosines`` (n x n, of which the lower triangle is read) over the pairs of each set (t x k).

    Sets are ascending.
    """
    for i in range(len(sets)):
        total = 0.0
        for a in range(1, sets.shape[1]):
            row = cosines[sets[i, a]]
            for b in range(a):
                total += row[sets[i, b]]
        out[i] = total


@compiled
def scale_pairs(factor: npt.NDArray[np.float32], total: npt.NDArray[np.float32]) -> None:
    """Multiplies the lower triangle of ``total`` (n x n) by the factors (n) of both biosamples."""
    for i in range(len(factor)):
        for k in range(i + 1):
            total[i, k] *= factor[i] * factor[k]


@compiled
def add_squared_sums(
    members: npt.NDArray[np.int32], units: npt.NDArray[np.float32], out: npt.NDArray[np.float64]
) -> None:
    """Adds to ``out`` (t) the squared length of the sum of the unit profiles of each set (t x k).

    ``units`` (n x STRIPE) are some genes of the unit profiles.
    """
    k = members.shape[1]
    fours = k - k % 4
    total = np.zeros(STRIPE, dtype=np.float32)
    for i in range(len(members)):
        total[:] = 0
        for a in range(0, fours, 4):  # four at once: the running sum is loaded and stored a quarter as often
            # unsigned, so that no index is checked for being negative
            one, two = np.uint32(members[i, a]), np.uint32(members[i, a + 1])
            three, four = np.uint32(members[i, a + 2]), np.uint32(members[i, a + 3])
            for c in range(STRIPE):
                total[c] += (units[one, c] + units[two, c]) + (units[three, c] + units[four, c])
        for a in range(fours, k):
            for c in range(STRIPE):
                total[c] += units[np.uint32(members[i, a]), c]
        square = 0.0
        for c in range(STRIPE):
            square += np.float64(total[c]) ** 2
        out[i] += square
