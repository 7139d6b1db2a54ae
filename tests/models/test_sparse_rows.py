"""Sparse rows of scores: written out, and in part."""

import numpy as np

from sbrcli.models.sparse_rows import CommonScores, SparseRows

COMMON = CommonScores(np.array([3.0, 1.0, 1.0, 2.0]))
#                          row 0: item 1; row 1: none; row 2: items 3 and 0
ROWS = SparseRows(COMMON, np.array([0, 1, 1, 3]), np.array([1, 3, 0]), np.array([9.0, 0.0, 7.0]))


def test_the_best_of_the_common_scores_come_first_and_of_equals_the_lower_index():
    assert COMMON.best_first.tolist() == [0, 3, 1, 2]
    assert COMMON.ascending.tolist() == [1, 1, 2, 3]


def test_a_row_scores_its_own_items_and_all_others_as_in_common():
    out = np.empty((3, 4))
    ROWS.write(out)
    assert out.tolist() == [[3, 9, 1, 2], [3, 1, 1, 2], [7, 1, 1, 0]]


def test_rows_can_be_kept_and_left_out():
    out = np.empty((2, 4))
    kept = ROWS[np.array([False, True, True])]
    assert len(kept) == 2
    kept.write(out)
    assert out.tolist() == [[3, 1, 1, 2], [7, 1, 1, 0]]
