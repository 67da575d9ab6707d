"""A matrix that grows row by row in four bytes a value, whole numbers or not."""

import numpy as np
import numpy.typing as npt

from core.types import DoubleArray, SampleValues


class ValueStore:
    """Rows (genes) of a matrix of known width (m samples).

    They are kept as uint32 as long as every value is whole, and from the first that is not as float32, in the same
    memory: what an upload is used for is the order of its values, and 24 bits tell any two measured values apart.
    """

    def __init__(self) -> None:
        self._whole = True
        self._rows = 0
        self.open(0, 0)

    def open(self, rows: int, width: int) -> None:
        """Makes room for at most so many rows; the system gives memory as it is written to."""
        self._memory: npt.NDArray[np.uint32] = np.empty((rows, width), dtype=np.uint32)

    def add(self, values: DoubleArray) -> None:
        """The next rows (r x m, finite, >= 0)."""
        span = slice(self._rows, self._rows + len(values))
        if self._whole and not ((values == np.floor(values)) & (values < 2**32)).all():
            self._give_up_whole()
        self._kept()[span] = values
        self._rows = span.stop

    def values(self) -> SampleValues:
        """What was added, turned: m x rows, without a copy."""
        return self._kept()[: self._rows].T

    def _kept(self) -> npt.NDArray[np.uint32] | npt.NDArray[np.float32]:
        return self._memory if self._whole else self._memory.view(np.float32)

    def _give_up_whole(self) -> None:
        floats = self._memory.view(np.float32)
        for row in range(self._rows):
            floats[row] = self._memory[row]
        self._whole = False
