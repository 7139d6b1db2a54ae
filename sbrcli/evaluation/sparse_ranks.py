"""Ranks in sparse rows of scores, equal to those in the dense rows.

The cost is proportional to the number of entries, not to the number of items.
"""

import numpy as np
import numpy.typing as npt

from sbrcli.models.sparse_rows import SparseRows

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]


def rank_sparse_rows(rows: SparseRows, targets: IntArray) -> tuple[IntArray, BoolArray, FloatArray]:
    """Rank each row's target as `sbrcli.evaluation.ranks.rank_rows` does.

    The items that a target beats or ties with are counted among the common scores, without those of
    the row's own items, and among the row's own scores.

    Args:
        rows: scores of all items.
        targets: (rows,), item indices in 0..num_items-1.

    Returns:
        (rows,) ranks among all items, (rows,) whether another item has the same score as the
        target, and (rows,) the target's score.
    """
    common, row = rows.common, rows.rows_of_entries()
    own = common.scores[targets]
    is_target = rows.items == targets[row]
    own[row[is_target]] = rows.values[is_target]
    own_of_entries, replaced = own[row], common.scores[rows.items]

    def gained(now: BoolArray, before: BoolArray) -> IntArray:
        return np.bincount(row[now], minlength=len(own)) - np.bincount(
            row[before], minlength=len(own)
        )

    below = np.searchsorted(common.ascending, own, side="left")
    not_above = np.searchsorted(common.ascending, own, side="right")
    beaten = below + gained(rows.values < own_of_entries, replaced < own_of_entries)
    alike = not_above - below
    alike += gained(rows.values == own_of_entries, replaced == own_of_entries)
    return len(common.scores) - beaten, alike > 1, own
