"""A training that is too big for the machine: found before it begins where that can be."""

import contextlib
import os
from collections.abc import Iterator, Sequence

from sbrcli.config.training import TrainConfig
from sbrcli.errors import ConfigError, TrainingError

_BYTES = 4
"""A weight is a float32."""
_HINT = "lower --hsz, --batch-size, --bptt or --n-sample"


def require_memory(parameters: int, config: TrainConfig, size_options: Sequence[str] = ()) -> None:
    """Check that the weights, and what the optimizer keeps beside each, fit in the machine.

    A system that hands out more memory than it has would end the process without a word.

    Args:
        parameters: how many weights the network has.
        config: how it is to be trained.
        size_options: the options that decide the number of weights.

    Raises:
        ConfigError: they do not.
    """
    copies = 3 if config.optimizer == "adam" or config.momentum else 2
    needed, there = parameters * _BYTES * copies, physical_memory()
    if there is not None and needed > there:
        raise ConfigError(
            f"training {parameters:,} parameters takes at least {_gib(needed)} of memory; this "
            f"machine has {_gib(there)}",
            hint=f"lower {' or '.join(f'--{option}' for option in size_options)}",
        )


@contextlib.contextmanager
def out_of_memory_explained() -> Iterator[None]:
    """Make of running out of memory, on a GPU or not, an error that says what to do.

    Raises:
        TrainingError: the body ran out of memory.
    """
    import tensorflow as tf

    try:
        yield
    except MemoryError as error:
        raise _out_of_memory() from error
    except tf.errors.OpError as error:
        # CUDA's own libraries run out as internal errors.
        is_memory = isinstance(error, tf.errors.ResourceExhaustedError)
        if not is_memory and "out of memory" not in str(error).lower():
            raise
        raise _out_of_memory() from error


def physical_memory() -> int | None:
    """Return the machine's memory in bytes; None where it cannot be asked for."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _out_of_memory() -> TrainingError:
    import tensorflow as tf

    device = "GPU" if tf.config.get_visible_devices("GPU") else "machine"
    hint = _HINT if device == "machine" else f"{_HINT}, or train with --device cpu"
    return TrainingError(f"the {device} ran out of memory in training", hint)


def _gib(size: float) -> str:
    return f"{size / 2**30:,.1f} GiB"
