"""Matrix products in tiles of one shape, each computed on the calling thread.

A BLAS library chooses its kernels, and how many threads it uses, by the shape of the whole
product. Here every call of the library has one shape: `TILE_ROWS` rows by one block of columns,
padded with zeros if there are fewer rows. The same rows at the same positions therefore give the
same bits, independent of the number of further rows and of cores.

Nothing more is guaranteed. Within a tile, some kernels (OpenBLAS for processors with AVX2 but
without AVX-512, for example) accumulate a product in an order that depends on its row and column.
At another position in a tile, or on another processor, the values of a row agree only up to float32
rounding.

Each call is small enough that the library does not start threads of its own. These wait by
spinning, which made products a hundred times slower on a busy machine. Callers that want more
cores multiply parts of the rows in threads of their own.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]

TILE_ROWS = 32

# OpenBLAS starts to use its threads somewhat above this number of multiplications.
_ONE_THREAD = 2**18
_COLUMN_STEP = 16


def padded_rows(rows: int) -> int:
    """Round a number of rows up to whole tiles."""
    return -(-rows // TILE_ROWS) * TILE_ROWS


class TiledMatrix:
    """A matrix and a bias, ready to be multiplied from the left by rows that end in a one.

    Args:
        matrix: (inputs, columns).
        bias: (columns,), becomes the last input's row.
    """

    def __init__(self, matrix: FloatArray, bias: FloatArray) -> None:
        self.inputs, self.columns = matrix.shape
        width = _ONE_THREAD // (TILE_ROWS * (self.inputs + 1)) // _COLUMN_STEP * _COLUMN_STEP
        width = min(max(width, _COLUMN_STEP), _round_up(self.columns, _COLUMN_STEP))
        blocks = -(-self.columns // width)
        self._blocks = np.zeros((blocks, self.inputs + 1, width), np.float32)
        for place, block in enumerate(self._blocks):
            columns = slice(place * width, (place + 1) * width)
            part = matrix[:, columns]
            block[:-1, : part.shape[1]] = part
            block[-1, : part.shape[1]] = bias[columns]

    @property
    def padded_columns(self) -> int:
        """The number of columns of a result; those from `columns` on are zeros."""
        blocks, _, width = self._blocks.shape
        return blocks * width

    def multiply(self, rows: FloatArray, out: FloatArray) -> None:
        """Write `rows @ matrix + bias` to `out`.

        Args:
            rows: (whole tiles, inputs + 1), the last column ones.
            out: (whole tiles, padded_columns), contiguous.
        """
        blocks, inputs, width = self._blocks.shape
        tiles = len(rows) // TILE_ROWS
        tiled = out.reshape(tiles, TILE_ROWS, blocks, width).transpose(0, 2, 1, 3)
        # Overflow is detected in the results; NumPy's warning would only reach the user's terminal.
        with np.errstate(over="ignore", invalid="ignore"):
            np.matmul(rows.reshape(tiles, 1, TILE_ROWS, inputs), self._blocks, out=tiled)

    def apply(self, rows: FloatArray) -> FloatArray:
        """Return `rows @ matrix + bias` of any number of rows, padded to whole tiles.

        Args:
            rows: (rows, inputs).

        Returns:
            (rows or more, padded_columns), a new array.
        """
        padded = np.zeros((padded_rows(len(rows)), self.inputs + 1), np.float32)
        padded[: len(rows), :-1], padded[: len(rows), -1] = rows, 1
        out = np.empty((len(padded), self.padded_columns), np.float32)
        self.multiply(padded, out)
        return out

    def take_columns(self, columns: npt.NDArray[np.integer]) -> FloatArray:
        """Return a copy of some columns, without the bias, as rows: (len(columns), inputs)."""
        width = self._blocks.shape[2]
        return self._blocks[columns // width, :-1, columns % width]


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step
