"""The protocols of a fitted baseline, and its storage as arrays."""

from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sbrcli.models.blend.blend import Partner
from sbrcli.models.scorer import Scorer

Arrays = dict[str, npt.NDArray]
"""The fitted arrays, by name."""


class FittedBaseline(Scorer, Protocol):
    """A scorer that can be stored and that states its memory."""

    @property
    def memory_bytes(self) -> int:
        """The bytes of the fitted model's arrays."""
        ...

    def arrays(self) -> Arrays:
        """Return the fitted arrays, by name."""
        ...


class FittedPartner(FittedBaseline, Partner, Protocol):
    """A baseline that a network can be blended with."""


def matrix_arrays(name: str, matrix: sparse.csr_array) -> Arrays:
    """Return the arrays of a sparse matrix, by name."""
    return {
        f"{name}/data": matrix.data,
        f"{name}/indices": matrix.indices,
        f"{name}/indptr": matrix.indptr,
    }


def read_matrix(
    arrays: Arrays, name: str, num_items: int, *, of_integers: bool = False
) -> sparse.csr_array:
    """Return a sparse matrix from its arrays; see `matrix_arrays`.

    Raises:
        ValueError: one is missing, or they do not form a valid matrix.
    """
    data = (read_integers if of_integers else read_numbers)(arrays, f"{name}/data")
    indices = read_integers(arrays, f"{name}/indices")
    indptr = read_integers(arrays, f"{name}/indptr")
    matrix = sparse.csr_array((data, indices, indptr), shape=(len(indptr) - 1, num_items))
    matrix.check_format(full_check=True)
    return matrix


def read_numbers(arrays: Arrays, name: str) -> npt.NDArray[np.floating]:
    """Return an array of finite numbers.

    Raises:
        ValueError: it is missing, or is something else.
    """
    array = _read_array(arrays, name)
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError(f"{name} is not made of finite numbers")
    return array


def read_integers(arrays: Arrays, name: str) -> npt.NDArray[np.integer]:
    """Return an array of integers.

    Raises:
        ValueError: it is missing, or is something else.
    """
    array = _read_array(arrays, name)
    if array.dtype.kind != "i":
        raise ValueError(f"{name} is not made of integers")
    return array


def _read_array(arrays: Arrays, name: str) -> npt.NDArray:
    """Return a one-dimensional array."""
    if name not in arrays:
        raise ValueError(f"it has no {name}")
    if arrays[name].ndim != 1:
        raise ValueError(f"{name} has the shape {arrays[name].shape}")
    return arrays[name]
