"""Array types."""

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]


def position_type(count: int) -> type[np.signedinteger]:
    """Return the smallest of int32 and int64 that holds the positions of so many elements."""
    return np.int32 if count < 2**31 else np.int64
