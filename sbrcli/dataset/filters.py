"""Drop repeats, short sessions and rare items.

Each filter maps an event table to an event table, in the dataset's order and with a categorical
`item_id` (see `vocabulary.categorise_items`). It needs whole sessions, not the whole log: the only
fact about the whole log, how often each item occurs, is a sum over its parts.
"""

import numpy as np
import pandas as pd

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.artefacts.dataset import Counts
from sbrcli.dataset.sessionize import id_codes, session_offsets
from sbrcli.log.events import ITEM_ID, SESSION_ID


def count(events: pd.DataFrame) -> Counts:
    """Count a table's events, sessions and distinct items."""
    num_items = int(np.count_nonzero(count_items(events)))
    return Counts(len(events), len(session_offsets(events)) - 1, num_items)


def count_items(events: pd.DataFrame) -> IntArray:
    """Count each item's events: (categories,), in the order of the categories."""
    items = events[ITEM_ID].cat
    return np.bincount(items.codes.to_numpy(), minlength=len(items.categories))


def find_newest(owners: np.ndarray, times: np.ndarray, max_events: int) -> BoolArray:
    """Return which events are among the newest of their owner; of equal times, the later rows.

    Args:
        owners: (events,) integers of 0 or more, in any order.
        times: (events,)
        max_events: how many of an owner are the newest.

    Returns:
        (events,)
    """
    newest = np.ones(len(owners), np.bool_)
    if not len(owners):
        return newest
    is_large = np.bincount(owners) > max_events
    rows = np.flatnonzero(is_large[owners])
    # lexsort is stable, and its last key is the primary one.
    order = rows[np.lexsort((times[rows], owners[rows]))]
    # An event with the same owner max_events places further on is followed by enough newer ones.
    sorted_owners = owners[order]
    has_enough = sorted_owners[:-max_events] == sorted_owners[max_events:]
    newest[order[: len(has_enough)][has_enough]] = False
    return newest


def drop_repeats(events: pd.DataFrame) -> pd.DataFrame:
    """Keep the first of a session's consecutive events of the same item."""
    sessions, items = id_codes(events, SESSION_ID), id_codes(events, ITEM_ID)
    repeats = np.zeros(len(events), dtype=bool)
    repeats[1:] = (sessions[1:] == sessions[:-1]) & (items[1:] == items[:-1])
    return _keep(events, ~repeats)


def drop_short_sessions(events: pd.DataFrame, min_session_length: int) -> pd.DataFrame:
    """Keep the sessions with at least this many events."""
    lengths = np.diff(session_offsets(events))
    return _keep(events, np.repeat(lengths >= min_session_length, lengths))


def keep_items(events: pd.DataFrame, kept: np.ndarray) -> pd.DataFrame:
    """Keep the events of some items.

    Args:
        events: an event table.
        kept: (categories,) bool, whether an item is kept, in the order of the categories.
    """
    return _keep(events, kept[id_codes(events, ITEM_ID)])


def drop_rare_items(events: pd.DataFrame, min_item_support: int) -> pd.DataFrame:
    """Keep the events of items with at least this many events in this table."""
    return keep_items(events, count_items(events) >= min_item_support)


def _keep(events: pd.DataFrame, kept: np.ndarray) -> pd.DataFrame:
    """Return the rows for which `kept` is true, without a copy if all are."""
    return events if kept.all() else events.take(np.flatnonzero(kept))
