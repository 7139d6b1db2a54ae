"""How much memory a training takes, and a training that takes more than the machine has."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path

from sbrcli.config.training import FitConfig
from sbrcli.errors import ConfigError, TrainingError
from sbrcli.models.network import (
    OUTPUT_BIAS,
    OUTPUT_REPEATS,
    OUTPUT_TABLE,
    NetworkShape,
    count_parameters,
)
from sbrcli.models.repeats.lanes import MAX_SEEN
from sbrcli.models.training.lane_stream import WINDOW_PAIRS
from sbrcli.sessions import IN_MEMORY_EVENTS

_BYTES = 4
"""A weight is a float32."""
_HINT = "lower --hsz, --batch-size, --bptt or --n-sample"

_PROCESS = 850 * 2**20
"""Bytes of a process that has loaded TensorFlow and compiled a step."""
_COPIES = 4
"""Copies of the weights, besides those that the optimizer holds, at the end of an epoch: the
gradients, and what validation scores with."""
_WINDOW_EVENT = 56
"""Bytes of a training event of a window, in the sessions and in the lanes."""
_EVENT, _MAPPED_EVENT = 24, 20
"""Bytes of any other event: in memory while it is read, and of a split that is mapped from disk,
the order of the sessions and what a refit joins."""
_REPEATS_EVENT = 32
"""Bytes of a training event where repeats are learned: where its item occurs next and last."""
_SEEN = 64
"""Bytes of a seen item of a call of the graph."""
_BLOCK_ROWS, _BLOCK_MATRICES = 256, 3
"""Cross-entropy holds this many matrices of scores of this many rows."""
_WHOLE_MATRICES = 12
"""The other losses are differentiated automatically, with this many matrices of all rows."""
_CHUNK_OPTIONS = ("batch-size", "bptt", "n-sample")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def count_copies(config: FitConfig) -> int:
    """Return the number of values per weight in training.

    They are the weight itself, the optimizer's slots, and its average.
    """
    slots = 2 if config.optimizer == "adam" or config.momentum else 1
    return 1 + slots + (config.average_weights > 0)


def estimate_memory(
    shape: NetworkShape, config: FitConfig, num_events: int, workers: int = 1
) -> int:
    """Return the approximate peak memory of a process that trains, in bytes.

    The constants were measured on Linux. On a GPU, the weights and scores lie in its own memory.

    Args:
        shape: the network's.
        config: how to train.
        num_events: events of the sessions to train on.
        workers: the number of processes that divide the rows of a chunk.
    """
    weights = count_parameters(shape) * (count_copies(config) + _COPIES)
    all_rows = config.batch_size * config.bptt
    rows = -(-all_rows // workers)
    n_sample = config.negatives(shape.num_items)
    columns = all_rows + n_sample if n_sample else shape.num_items
    if config.loss == "cross-entropy":
        scores = min(rows, _BLOCK_ROWS) * columns * _BLOCK_MATRICES
    else:
        scores = rows * columns * _WHOLE_MATRICES
    masks = rows * columns if n_sample else 0  # one byte each
    numbers = weights + scores + rows * _row_width(shape)
    numbers += shape.chunk_values(config.batch_size, config.bptt)
    event, seen = _WINDOW_EVENT, 0
    if OUTPUT_REPEATS in shape.weight_shapes():
        event, seen = _WINDOW_EVENT + _REPEATS_EVENT, MAX_SEEN * _SEEN
    in_window, in_memory = min(num_events, WINDOW_PAIRS), min(num_events, IN_MEMORY_EVENTS)
    events = event * in_window + _EVENT * (in_memory - in_window)
    events += _MAPPED_EVENT * (num_events - in_memory)
    return _PROCESS + _BYTES * numbers + masks + events + seen


def _row_width(shape: NetworkShape) -> int:
    """Return the approximate number of values that a row needs in the forward and backward pass."""
    widths = [
        sizes[-1]
        for name, sizes in shape.weight_shapes().items()
        if name not in (OUTPUT_TABLE, OUTPUT_BIAS)
    ]
    return 2 * sum(widths) + 2 * prod(shape.weight_shapes()[OUTPUT_TABLE][1:])


def require_memory(
    needed: int, shape: NetworkShape, config: FitConfig, size_options: Sequence[str] = ()
) -> None:
    """Check that a training fits in the machine.

    A system that hands out more memory than it has would end the process without a message.

    Args:
        needed: bytes, as `estimate_memory` returns.
        shape: the network's.
        config: how to train.
        size_options: the options that determine the number of weights.

    Raises:
        ConfigError: it does not fit.
    """
    available = physical_memory()
    if available is None or needed <= available:
        return
    parameters = count_parameters(shape)
    weights = parameters * _BYTES * (count_copies(config) + _COPIES)
    is_weights = weights > (needed - _PROCESS) / 2
    options = size_options if is_weights and size_options else _CHUNK_OPTIONS
    flags = [f"--{option}" for option in options]
    raise ConfigError(
        f"training {parameters:,} parameters takes about {gigabytes_in_words(needed)} of memory; "
        f"this machine has {gigabytes_in_words(available)}",
        hint=f"lower {', '.join(flags[:-1])}{' or ' if flags[:-1] else ''}{flags[-1]}",
    )


@contextlib.contextmanager
def out_of_memory_explained() -> Iterator[None]:
    """Translate a lack of memory, on a CPU or GPU, into an error that says what to do.

    Raises:
        TrainingError: the body ran out of memory.
    """
    import tensorflow as tf

    try:
        yield
    except MemoryError as error:
        raise _out_of_memory() from error
    except tf.errors.OpError as error:
        # CUDA's own libraries report a lack of memory as internal errors.
        is_memory = isinstance(error, tf.errors.ResourceExhaustedError)
        if not is_memory and "out of memory" not in str(error).lower():
            raise
        raise _out_of_memory() from error


def physical_memory() -> int | None:
    """Return the bytes of memory that a process may use; None if the system does not say.

    That is the machine's memory, or less if the process's container has a limit.
    """
    try:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    try:
        return min(installed, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no container, or "max"
        return installed


def _out_of_memory() -> TrainingError:
    import tensorflow as tf

    device = "GPU" if tf.config.get_visible_devices("GPU") else "machine"
    hint = _HINT if device == "machine" else f"{_HINT}, or train with --device cpu"
    return TrainingError(f"the {device} ran out of memory in training", hint)


def gigabytes_in_words(size: float) -> str:
    """Write a number of bytes for a message."""
    return f"{size / 1e9:,.1f} GB"
