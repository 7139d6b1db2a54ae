"""The output layer of every network in NumPy: scores = h table^T + bias, in large blocks.

Worker threads multiply a block of hidden states while the caller ranks the previous block.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sbrcli.models.tiled_matmul import TILE_ROWS, TiledMatrix, padded_rows

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

# The maximum number of scores in a block, which stays in the cache until it is ranked: 512 rows of
# 3,416 items, 32 of 43,000, but at least one tile of rows. Two blocks exist at a time.
_BLOCK_SCORES = 2**21
_BLOCK_ROWS = 512
# A worker multiplies this many rows of a block at a time.
_PART_ROWS = 4 * TILE_ROWS


def score_in_blocks(
    walk: Iterator[tuple[IntArray, FloatArray]], output: TiledMatrix
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Score all items from hidden states.

    Args:
        walk: (rows,) positions and (rows, units + 1) states, whose last column is 1; the next ones
            may overwrite them.
        output: the table, transposed, and the bias of the output layer.

    Yields:
        (rows,) positions and (rows, num_items) scores; the next block overwrites the scores.
    """
    from concurrent.futures import ThreadPoolExecutor  # a recommendation needs no threads

    affordable = _BLOCK_SCORES // output.columns // TILE_ROWS * TILE_ROWS
    rows = min(_BLOCK_ROWS, max(TILE_ROWS, affordable))
    buffers = [np.empty((rows, output.padded_columns), np.float32) for _ in range(2)]
    with ThreadPoolExecutor(_available_cores()) as workers:
        ahead: _Block | None = None
        for positions, states in _in_blocks(walk, rows, output.inputs):
            block = _Block(positions, states, buffers[0], output, workers)
            buffers.reverse()
            if ahead is not None:
                yield ahead.positions, ahead.scores()
            ahead = block
        if ahead is not None:
            yield ahead.positions, ahead.scores()


class _Block:
    """A block of rows of the output layer, which the workers multiply in the background."""

    def __init__(
        self,
        positions: IntArray,
        states: FloatArray,
        buffer: FloatArray,
        output: TiledMatrix,
        workers: "ThreadPoolExecutor",
    ) -> None:
        self.positions = positions
        self._scores = buffer[: len(positions), : output.columns]
        rows = padded_rows(len(positions))
        parts = [slice(i, min(i + _PART_ROWS, rows)) for i in range(0, rows, _PART_ROWS)]
        self._parts: list[Future[None]] = [
            workers.submit(output.multiply, states[part], buffer[part]) for part in parts
        ]

    def scores(self) -> FloatArray:
        """Wait for the scores: (rows, num_items)."""
        for part in self._parts:
            part.result()
        return self._scores


def _in_blocks(
    walk: Iterator[tuple[IntArray, FloatArray]], rows: int, units: int
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Collect states into blocks: (filled,) positions, (rows, units + 1) states."""
    positions, states, filled = np.empty(rows, np.int64), np.zeros((rows, units + 1), "f4"), 0
    for walked, state in walk:
        taken = 0
        while taken < len(walked):
            count = min(len(walked) - taken, rows - filled)
            positions[filled : filled + count] = walked[taken : taken + count]
            states[filled : filled + count] = state[taken : taken + count]
            taken, filled = taken + count, filled + count
            if filled == rows:
                yield positions, states
                positions, states, filled = np.empty_like(positions), np.zeros_like(states), 0
    if filled:
        yield positions[:filled], states


def _available_cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
