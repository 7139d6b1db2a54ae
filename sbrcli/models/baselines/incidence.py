"""Which session holds which item, as a sparse matrix."""

import numpy as np
from scipy import sparse

from sbrcli.dataset.storage import Sessions


def session_items(sessions: Sessions, num_items: int) -> sparse.csr_array:
    """Mark each session's items with a 1, the most recent session first.

    Sessions are ordered by the time of their last event; of two that end together, the one that
    stands later in the dataset is the more recent. Empty sessions have no row.

    Returns:
        (sessions, num_items) float64, each row's items ascending.
    """
    lengths = np.diff(sessions.offsets)
    filled = np.flatnonzero(lengths)
    ends = sessions.timestamps[sessions.offsets[1:][filled] - 1]
    recent_first = np.argsort(ends, kind="stable")[::-1]
    row_of = np.empty(len(filled), np.int64)
    row_of[recent_first] = np.arange(len(filled))
    rows = np.repeat(row_of, lengths[filled])
    ones = np.ones(len(sessions.items))
    matrix = sparse.csr_array((ones, (rows, sessions.items)), shape=(len(filled), num_items))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix
