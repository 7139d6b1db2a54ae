"""Events by user or by session, as arrays of small integers: what the figures are counted on."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Grouped:
    """Events laid out group by group, each group by time, ties in the order they came in.

    Args:
        groups: (events,) which group, 0..num_groups-1.
        items: (events,) which item, 0..num_items-1.
        times: (events,) seconds.
        lengths: (num_groups,) events in each group.
        is_step: (events - 1,) whether an event and the next one are of the same group.
    """

    groups: np.ndarray
    items: np.ndarray
    times: np.ndarray
    lengths: np.ndarray
    is_step: np.ndarray

    @property
    def num_groups(self) -> int:
        """How many users, or sessions, there are."""
        return len(self.lengths)

    def share_of_steps(self, is_so: np.ndarray) -> float:
        """Of the steps from an event to the next of its group, give the share for which it is so.

        Args:
            is_so: (events - 1,) bool.
        """
        num_steps = int(self.is_step.sum())
        return float((self.is_step & is_so).sum() / num_steps) if num_steps else 0.0


def group_events(ids: pd.Series, items: np.ndarray, times: np.ndarray) -> Grouped:
    """Lay events out group by group; free where they lie so already.

    Args:
        ids: (events,) the user or session of each event.
        items: (events,) item codes.
        times: (events,) seconds.
    """
    groups, num_groups = dense_codes(ids)
    step = np.diff(groups)
    if not ((step > 0) | ((step == 0) & (np.diff(times) >= 0))).all():
        # Stable, and the last key is the first to count.
        order = np.lexsort((times, groups))
        groups, items, times = groups[order], items[order], times[order]
        step = np.diff(groups)
    lengths = np.bincount(groups, minlength=num_groups)
    return Grouped(groups, items, times, lengths, step == 0)


def dense_codes(ids: pd.Series) -> tuple[np.ndarray, int]:
    """Number the ids that occur: (events,) codes 0..n-1, and n."""
    is_categorical = isinstance(ids.dtype, pd.CategoricalDtype)
    values = ids.cat.codes.to_numpy() if is_categorical else ids.to_numpy()
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span > 4 * len(values) + 1024:
        codes, distinct = pd.factorize(values)
        return codes, len(distinct)
    # The ids lie close together, so a table of all of them is faster than hashing.
    offsets = values.astype(np.int64) - low
    occurs = np.zeros(span, dtype=bool)
    occurs[offsets] = True
    numbers = np.cumsum(occurs) - 1  # [True, False, True] -> [0, 0, 1]
    return numbers[offsets], int(numbers[-1]) + 1


def count_distinct_pairs(left: np.ndarray, right: np.ndarray) -> int:
    """Count the different pairs of two arrays of codes."""
    if not len(left):
        return 0
    # Each factor is at most what occurs in a log, so the product stays far below 2**63.
    num_right = int(right.max()) + 1
    pairs = left * num_right + right
    num_pairs = (int(left.max()) + 1) * num_right
    if num_pairs <= 64 * len(pairs):  # a table of all of them is faster than sorting
        occurs = np.zeros(num_pairs, dtype=bool)
        occurs[pairs] = True
        return int(np.count_nonzero(occurs))
    pairs.sort()
    return int(np.count_nonzero(np.diff(pairs))) + 1
