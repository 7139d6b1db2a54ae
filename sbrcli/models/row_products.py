"""Products of a matrix with vectors whose bits depend on neither their number nor their order.

A BLAS library may accumulate a row of a matrix product in another order than its neighbour (see
`sbrcli.models.tiled_matmul`). Here each vector is multiplied alone, in products of a matrix of
at most `_ONE_THREAD` numbers with one vector. These are the same calls however many vectors there
are, and too small for the library to start threads of its own. Many of them are divided among the
cores: which thread makes a call changes no bit.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
_Pair = tuple[FloatArray, FloatArray]

# OpenBLAS divides a product with a vector among threads from 9,216 numbers on.
_ONE_THREAD = 2**13
_ROW_STEP = 8
# So many numbers of the matrix are multiplied by all vectors before the next ones: they stay in
# the cache meanwhile.
_CACHED = 2**16
# From so many multiplications on, some 8 ms of one core, several threads are worth starting.
_MANY = 2**27
_MAX_THREADS = 8
_PARTS = 4
"""Of the work of a thread, so that one that is slowed down does less."""


class RowProducts:
    """A matrix whose rows are multiplied by vectors.

    Args:
        matrix: (rows, inputs) float32, contiguous; it is not copied, and may be mapped from a file.
        bias: (rows,) float32, added to each product.
        groups: how many groups of neighbouring rows are multiplied beside each other.
    """

    def __init__(self, matrix: FloatArray, bias: FloatArray, groups: int = 1) -> None:
        self.rows, self.inputs = matrix.shape
        self.groups, own = groups, self.rows // groups
        step = max(_ONE_THREAD // self.inputs // _ROW_STEP * _ROW_STEP, _ROW_STEP)
        step = min(step, own)
        whole = own // step
        split = whole * step
        grouped = matrix.reshape(groups, own, 1, self.inputs)
        self._blocks = grouped[:, :split].reshape(groups, whole, 1, step, self.inputs)
        self._rest = matrix.reshape(groups, 1, 1, own, self.inputs)[..., split:, :]
        self._together = max(_CACHED // (groups * step * self.inputs), 1)
        self._bias = bias.reshape(groups, 1, own)

    def multiply(self, vectors: FloatArray) -> FloatArray:
        """Return `vectors @ matrix.T + bias`.

        Args:
            vectors: (n, inputs) float32.

        Returns:
            (n, rows) float32, a new array; with several groups (groups, n, rows / groups).
        """
        own = np.ascontiguousarray(vectors, np.float32)
        out = np.empty((self.groups, len(own), self.rows // self.groups), np.float32)
        # What diverges is found in the results; NumPy's warning would reach the user's terminal.
        with np.errstate(over="ignore", invalid="ignore"):
            self.repeated(own, out)()
        return out[0] if self.groups == 1 else out

    def repeated(self, vectors: FloatArray, out: FloatArray) -> Callable[[], None]:
        """Return a function that writes the products of vectors, as these are when it is called.

        Args:
            vectors: (n, inputs) float32, contiguous.
            out: (groups, n, rows / groups) float32, contiguous; overwritten at each call.
        """
        columns, bias = vectors[:, :, None], self._bias
        groups, whole, _, step, _ = self._blocks.shape
        split = whole * step
        blocked = out[:, :, :split].reshape(groups, len(vectors), whole, step, 1)
        blocked = blocked.transpose(0, 2, 1, 3, 4)
        starts = range(0, whole, self._together)
        parts = [slice(begin, begin + self._together) for begin in starts]
        pairs = [(self._blocks[:, part], blocked[:, part]) for part in parts]
        if split < out.shape[2]:
            pairs.append((self._rest, out[:, None, :, split:, None]))

        def multiply_some(pairs: Sequence[_Pair]) -> None:
            for block, product in pairs:
                np.matmul(block, columns, out=product)

        def multiply() -> None:
            threads = min(_num_cores(), _MAX_THREADS, len(pairs))
            if len(vectors) * self.rows * self.inputs < _MANY or threads == 1:
                multiply_some(pairs)
            else:
                _divide(pairs, multiply_some, threads)
            np.add(out, bias, out=out)

        return multiply


def _divide(pairs: Sequence[_Pair], work: Callable[[Sequence[_Pair]], None], threads: int) -> None:
    """Let threads do their shares of the products, in neighbouring parts of the matrix."""

    def work_quietly(own: Sequence[_Pair]) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # each thread has its own
            work(own)

    size = -(-len(pairs) // (_PARTS * threads))
    shares = [pairs[begin : begin + size] for begin in range(0, len(pairs), size)]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work_quietly, shares):
            pass


def _num_cores() -> int:
    """Return the number of cores that this process may use."""
    own = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own is not None else os.cpu_count() or 1
