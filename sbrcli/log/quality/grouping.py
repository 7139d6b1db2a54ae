"""Group events by user or session, as arrays of small integers from which figures are computed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Grouped:
    """Events sorted by group and time, with ties in their original order.

    Args:
        groups: (events,) index of the group, 0..num_groups-1.
        items: (events,) index of the item, 0..num_items-1.
        times: (events,) seconds.
        lengths: (num_groups,) number of events.
        is_step: (events - 1,) whether an event and the next one belong to one group.
    """

    groups: np.ndarray
    items: np.ndarray
    times: np.ndarray
    lengths: np.ndarray
    is_step: np.ndarray

    @property
    def num_groups(self) -> int:
        """Number of users or sessions."""
        return len(self.lengths)

    def share_of_steps(self, is_so: np.ndarray) -> float:
        """Return the share of steps, from an event to the next in its group, with a property.

        Args:
            is_so: (events - 1,) bool.
        """
        num_steps = int(self.is_step.sum())
        return float((self.is_step & is_so).sum() / num_steps) if num_steps else 0.0


def group_events(ids: pd.Series, items: np.ndarray, times: np.ndarray) -> Grouped:
    """Return events sorted by group; without cost if they already are.

    Args:
        ids: (events,) the user or session of each event.
        items: (events,) item codes.
        times: (events,) seconds.
    """
    groups, num_groups = dense_codes(ids)
    step = np.diff(groups)
    if not ((step > 0) | ((step == 0) & (np.diff(times) >= 0))).all():
        # The sort is stable, and the last key is the primary one.
        order = np.lexsort((times, groups))
        groups, items, times = groups[order], items[order], times[order]
        step = np.diff(groups)
    lengths = np.bincount(groups, minlength=num_groups)
    return Grouped(groups, items, times, lengths, step == 0)


def dense_codes(ids: pd.Series) -> tuple[np.ndarray, int]:
    """Return codes of the ids that occur, (events,) 0..n-1, and n."""
    is_categorical = isinstance(ids.dtype, pd.CategoricalDtype)
    values = ids.cat.codes.to_numpy() if is_categorical else ids.to_numpy()
    low = int(values.min())
    span = int(values.max()) - low + 1
    if span > 4 * len(values) + 1024:
        codes, distinct = pd.factorize(values)
        return codes, len(distinct)
    # The ids are dense, so a table of all of them is faster than hashing.
    offsets = values.astype(np.int64) - low
    occurs = np.zeros(span, dtype=bool)
    occurs[offsets] = True
    numbers = np.cumsum(occurs) - 1  # [True, False, True] -> [0, 0, 1]
    return numbers[offsets], int(numbers[-1]) + 1


def count_distinct_pairs(left: np.ndarray, right: np.ndarray) -> int:
    """Return the number of distinct pairs in two arrays of codes."""
    if not len(left):
        return 0
    # Each factor is at most the number of events, so the product stays far below 2**63.
    num_right = int(right.max()) + 1
    pairs = left * num_right + right
    num_pairs = (int(left.max()) + 1) * num_right
    if num_pairs <= 64 * len(pairs):  # a table of all of them is faster than sorting
        occurs = np.zeros(num_pairs, dtype=bool)
        occurs[pairs] = True
        return int(np.count_nonzero(occurs))
    pairs.sort()
    return int(np.count_nonzero(np.diff(pairs))) + 1
