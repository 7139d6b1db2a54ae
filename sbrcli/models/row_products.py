"""Products of a matrix with vectors whose bits depend on neither their number nor their order.

A BLAS library may accumulate a row of a matrix product in another order than its neighbour (see
`sbrcli.models.tiled_matmul`). There are two ways around it:

- Vectors are multiplied in tiles of few rows by blocks of the matrix. The shapes, and not the
  numbers, decide in which order the library adds, so products of tiles of equal rows show whether a
  row's bits depend on its place or on the size of the tile. With AVX-512, OpenBLAS has a kernel for
  such small products in which they do not.
- If they do, each vector is multiplied alone, which takes twice as long if there are many.

Either way, these are too small for the library to start threads of its own. Many of them are
divided among the cores: which thread makes a call changes no bit.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]

_TILES = (8, 4, 2)
"""Rows of a tile: the first for most vectors, the smallest that holds them for the last few."""

# The numbers of a tile's product with a block: OpenBLAS's kernel for small products takes 1,200.
_TILE_PRODUCT = 1_200
# Multiplications of a tile with a block; OpenBLAS starts threads somewhat above these.
_TILE_WORK = 2**18
# OpenBLAS divides a product with a vector among threads from 9,216 numbers on.
_ONE_THREAD = 2**13
_ROW_STEP = 8
# So many numbers of the matrix are multiplied by all vectors before the next ones: they stay in
# the cache meanwhile.
_CACHED = 2**17
# From so many multiplications on, some 4 to 8 ms of one core, several threads are worth starting.
_MANY = 2**27
_MAX_THREADS = 8
_PARTS = 4
"""Of the work of a thread, so that one that is slowed down does less."""


class _Product(NamedTuple):
    """A product of arrays of matrices, of which the last rows and columns go to `out`."""

    left: FloatArray
    right: FloatArray
    out: FloatArray

    def write(self) -> None:
        rows, columns = self.out.shape[-2:]
        if rows == self.left.shape[-2] and columns == self.right.shape[-1]:
            np.matmul(self.left, self.right, out=self.out)
        else:
            self.out[...] = np.matmul(self.left, self.right)[..., -rows:, -columns:]


class RowProducts:
    """A matrix whose rows are multiplied by vectors.

    Args:
        matrix: (rows, inputs) float32, contiguous; it is not copied, and may be mapped from a file.
        bias: (rows,) float32, added to each product.
        groups: how many groups of neighbouring rows are multiplied beside each other.
    """

    def __init__(self, matrix: FloatArray, bias: FloatArray, groups: int = 1) -> None:
        self.rows, self.inputs = matrix.shape
        self.groups, self._own = groups, self.rows // groups
        step = _tile_step(self._own, self.inputs)
        self._is_tiled = step is not None
        if step is None:
            step = max(_ONE_THREAD // self.inputs // _ROW_STEP * _ROW_STEP, _ROW_STEP)
            step = min(step, self._own)
        split = self._own // step * step
        # Of tiles, the last block has whole steps of rows, which it has in common with the others.
        rest = _round_up(self._own - split) if self._is_tiled else self._own - split
        grouped = matrix.reshape(groups, self._own, self.inputs)
        self._blocks = grouped[:, :split].reshape(groups, -1, 1, step, self.inputs)
        self._rest = grouped[:, None, None, self._own - rest :]
        self._together = max(_CACHED // (groups * step * self.inputs), 1)
        self._bias = bias.reshape(groups, 1, self._own)

    def multiply(self, vectors: FloatArray) -> FloatArray:
        """Return `vectors @ matrix.T + bias`.

        Args:
            vectors: (n, inputs) float32.

        Returns:
            (n, rows) float32, a new array; with several groups (groups, n, rows / groups).
        """
        own = np.ascontiguousarray(vectors, np.float32)
        out = np.empty((self.groups, len(own), self._own), np.float32)
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
        bias, count = self._bias, len(vectors)
        # Of fewer vectors than a tile, the first rows are padding.
        size = min(size for size in _TILES if size >= min(count, _TILES[0]))
        padded = None
        if not self._is_tiled:
            products = list(self._alone(vectors, out))
        elif 0 < count < size:
            padded = np.zeros((size, self.inputs), np.float32)
            products = list(self._tiled(padded[None], out))
        else:
            products = list(self._tiles(vectors, out))
        threads = 1
        if count * self.rows * self.inputs >= _MANY:
            threads = min(_num_cores(), _MAX_THREADS, len(products))

        def multiply() -> None:
            if padded is not None:
                padded[-count:] = vectors
            if threads > 1:
                _divide(products, _write_all, threads)
            else:
                for product in products:
                    product.write()
            np.add(out, bias, out=out)

        return multiply

    def _parts(self, out: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield neighbouring blocks that stay in the cache, each with its part of the output.

        These are (groups, blocks, 1, step, inputs), and (groups, n, blocks, step).
        """
        groups, whole, _, step, _ = self._blocks.shape
        split = whole * step
        parted = out[:, :, :split].reshape(groups, out.shape[1], whole, step)
        for begin in range(0, whole, self._together):
            part = slice(begin, begin + self._together)
            yield self._blocks[:, part], parted[:, :, part]
        if split < self._own:
            yield self._rest, out[:, :, None, split:]

    def _alone(self, vectors: FloatArray, out: FloatArray) -> Iterator[_Product]:
        """Yield the products of each vector by itself."""
        columns = vectors[:, :, None]
        for blocks, part in self._parts(out):
            yield _Product(blocks, columns, part.swapaxes(1, 2)[..., None])

    def _tiles(self, vectors: FloatArray, out: FloatArray) -> Iterator[_Product]:
        """Yield the products of at least one tile.

        The last two tiles may have rows in common. They are written once, as the library may write
        in several steps, and another thread at the same time.
        """
        products, rest = [], len(vectors) % _TILES[0]
        if whole := len(vectors) - rest:
            tiles = vectors[:whole].reshape(-1, _TILES[0], self.inputs)
            products.append(self._tiled(tiles, out[:, :whole]))
        if rest:
            size = min(size for size in _TILES if size >= rest)
            products.append(self._tiled(vectors[None, -size:], out[:, -rest:]))
        for same_blocks in zip(*products, strict=True):
            yield from same_blocks

    def _tiled(self, tiles: FloatArray, out: FloatArray) -> Iterator[_Product]:
        """Yield the products of tiles, (tiles, size, inputs); `out` may lack the first rows."""
        rows = out.shape[1] // len(tiles)
        for blocks, part in self._parts(out):
            split = (self.groups, len(tiles), rows, *part.shape[2:])
            tiled = part.reshape(split).transpose(0, 3, 1, 2, 4)
            yield _Product(tiles, blocks.swapaxes(-1, -2), tiled)


def _tile_step(own: int, inputs: int) -> int | None:
    """Return how many rows of a matrix are multiplied by a tile at once; None if by vectors alone.

    Args:
        own: the rows of a group.
        inputs: their width.
    """
    if not _has_small_kernels():
        return None
    most = min(_TILE_PRODUCT, _TILE_WORK // inputs) // _TILES[0] // _ROW_STEP * _ROW_STEP
    for step in dict.fromkeys((min(most, own), min(most, own // _ROW_STEP * _ROW_STEP))):
        if step and _is_even(step, inputs):
            rest = _round_up(own % step)
            return step if not rest or _is_even(rest, inputs) else None
    return None


def _round_up(rows: int) -> int:
    return -(-rows // _ROW_STEP) * _ROW_STEP


@lru_cache(maxsize=1)
def _has_small_kernels() -> bool:
    """Return whether the processor has AVX-512.

    Without kernels for small products, a tile may take several times as long as its vectors alone.
    """
    found = np.show_config(mode="dicts")
    extensions = found.get("SIMD Extensions", {}) if found else {}
    names = [name for own in ("baseline", "found") for name in extensions.get(own, ())]
    return any(name == "X86_V4" or name.startswith("AVX512") for name in names)


@lru_cache(maxsize=256)
def _is_even(rows: int, inputs: int) -> bool:
    """Return whether the rows of tiles of all sizes have the same bits in products with a block."""
    rng = np.random.default_rng(0)
    for _ in range(3):
        block = rng.standard_normal((rows, inputs), np.float32)
        vector = rng.standard_normal((1, inputs), np.float32)
        products = [np.matmul(np.repeat(vector, size, axis=0), block.T) for size in _TILES]
        if not all((product == products[0][0]).all() for product in products):
            return False
    return True


def _write_all(products: Sequence[_Product]) -> None:
    for product in products:
        product.write()


def _divide(
    products: Sequence[_Product], work: Callable[[Sequence[_Product]], None], threads: int
) -> None:
    """Divide the products among threads, in neighbouring parts of the matrix."""

    def work_quietly(own: Sequence[_Product]) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # each thread has its own
            work(own)

    size = -(-len(products) // (_PARTS * threads))
    shares = [products[begin : begin + size] for begin in range(0, len(products), size)]
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(work_quietly, shares):
            pass


def _num_cores() -> int:
    """Return the number of cores that this process may use."""
    own = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own is not None else os.cpu_count() or 1
