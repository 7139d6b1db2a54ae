"""Fitted baselines as bytes, in the format of safetensors: a hybrid's partner, or a run's model."""

import numpy as np

from sbrcli.config.options import Options
from sbrcli.models.baselines.fitted import FittedBaseline
from sbrcli.models.baselines.registry import find_baseline


def encode_baseline(name: str, fitted: FittedBaseline) -> bytes:
    """Return the bytes of a fitted baseline; equal ones give equal bytes.

    Args:
        name: the baseline's name.
        fitted: the fitted baseline.
    """
    from safetensors.numpy import save

    arrays = fitted.arrays().items()
    return save({f"{name}/{key}": np.ascontiguousarray(array) for key, array in arrays})


def decode_baseline(content: bytes, name: str, num_items: int, options: Options) -> FittedBaseline:
    """Return the fitted baseline that `encode_baseline` wrote.

    Args:
        content: the bytes.
        name: the baseline's name.
        num_items: how many items are scored.
        options: the options that it was fitted with.

    Raises:
        ValueError: the bytes are damaged, or are those of another baseline.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        stored = load(content)
    except SafetensorError as error:
        raise ValueError(error) from error
    except KeyError as error:
        raise ValueError(f"it holds numbers of the type {error}") from error
    own = {key.removeprefix(f"{name}/"): array for key, array in stored.items()}
    return find_baseline(name).restore(own, num_items, options)
