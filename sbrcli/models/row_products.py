"""Products of a matrix with vectors whose bits depend on neither their number nor their order.

A BLAS library may accumulate a row of a matrix product in another order than its neighbour (see
`sbrcli.models.tiled_matmul`). Here each vector is multiplied alone, in products of a matrix of
at most `_ONE_THREAD` numbers with one vector. These are the same calls however many vectors there
are, and too small for the library to start threads of its own.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]

# OpenBLAS divides a product with a vector among threads from 9,216 numbers on.
_ONE_THREAD = 2**13
_ROW_STEP = 8
# So many numbers of the matrix are multiplied by all vectors before the next ones: they stay in
# the cache meanwhile.
_CACHED = 2**16


class RowProducts:
    """A matrix whose rows are multiplied by vectors.

    Args:
        matrix: (rows, inputs) float32, contiguous; it is not copied, and may be mapped from a file.
        bias: (rows,) float32, added to each product.
    """

    def __init__(self, matrix: FloatArray, bias: FloatArray) -> None:
        self.rows, self.inputs = matrix.shape
        step = max(_ONE_THREAD // self.inputs // _ROW_STEP * _ROW_STEP, _ROW_STEP)
        self._step = min(step, self.rows)
        whole = self.rows // self._step
        self._split = whole * self._step
        self._blocks = matrix[: self._split].reshape(whole, 1, self._step, self.inputs)
        self._rest = matrix[None, None, self._split :]
        self._together = max(_CACHED // (self._step * self.inputs), 1)
        self._bias = bias

    def multiply(self, vectors: FloatArray) -> FloatArray:
        """Return `vectors @ matrix.T + bias`.

        Args:
            vectors: (n, inputs) float32.

        Returns:
            (n, rows) float32, a new array.
        """
        columns = np.ascontiguousarray(vectors, np.float32)[None, :, :, None]
        out = np.empty((len(vectors), self.rows), np.float32)
        split, blocks = self._split, self._blocks
        blocked = out[:, :split].reshape(len(vectors), len(blocks), self._step, 1)
        blocked = blocked.transpose(1, 0, 2, 3)
        # What diverges is found in the results; NumPy's warning would reach the user's terminal.
        with np.errstate(over="ignore", invalid="ignore"):
            if len(blocks) <= self._together:
                np.matmul(blocks, columns, out=blocked)
            else:
                for begin in range(0, len(blocks), self._together):
                    part = slice(begin, begin + self._together)
                    np.matmul(blocks[part], columns, out=blocked[part])
            if split < self.rows:
                out[:, split:] = np.matmul(self._rest, columns)[0, :, :, 0]
            out += self._bias
        return out
