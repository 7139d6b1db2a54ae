"""Check that the logs of a given split are consistent and have no events in common."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID

Hashes = npt.NDArray[np.uint64]

_PAIRS = (("log", "test_log"), ("log", "valid_log"), ("test_log", "valid_log"))
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def find_overlaps(tables: Mapping[str, pd.DataFrame], *, named_sessions: bool) -> Iterator[str]:
    """Yield a warning for each pair of logs that have events or session ids in common.

    Events are equal if user, session, item and time are. The same users in several logs are fine.

    Args:
        tables: event tables by role: log, test_log, valid_log.
        named_sessions: whether the session ids of the logs are used.
    """
    owners = {part: _hash(table, (USER_ID, SESSION_ID)) for part, table in tables.items()}
    events = {
        part: _combine(owners[part], _hash(table, (ITEM_ID, TIMESTAMP)))
        for part, table in tables.items()
    }
    for first, second in _PAIRS:
        if first not in tables or second not in tables:
            continue
        one, other = (f"the {part.replace('_', ' ')}" for part in (first, second))
        shared = np.isin(events[second], events[first])
        if shared.any():
            num_sessions = len(np.unique(owners[second][shared]))
            owner = "sessions" if SESSION_ID in tables[second] else "users"
            yield (
                f"{np.count_nonzero(shared):,} of the {len(shared):,} events of {other} are in "
                f"{one} too ({owner}: {num_sessions:,}): {_consequence(first, second)}"
            )
        elif named_sessions:
            ids = np.unique(owners[second])
            num_shared = np.count_nonzero(np.isin(ids, owners[first]))
            if num_shared:
                yield (
                    f"{num_shared:,} of the {len(ids):,} sessions of {other} have the id of a "
                    f"session of {one} and other events: each is taken as two sessions"
                )


def require_same_owners(tables: Mapping[str, pd.DataFrame]) -> None:
    """Check that all logs of a split have the user and session columns of the first.

    Raises:
        DataError: a log lacks a column that the first one has.
    """
    for column, words in ((USER_ID, "users"), (SESSION_ID, "sessions")):
        for part, table in tables.items():
            if column in tables["log"] and column not in table:
                raise DataError(
                    f"the {part.replace('_', ' ')} names no {words}, as the log does",
                    hint="give all of them the same columns",
                )


def _consequence(first: str, second: str) -> str:
    if first == "log":
        split = second.removesuffix("_log")
        return f"{split} measures what was trained on. Leave them out of the log"
    return "the best epoch is chosen by what test measures. Leave them out of the valid log"


def _hash(events: pd.DataFrame, columns: tuple[str, ...]) -> Hashes:
    """Return a hash of some columns of each row, (events,); ids are hashed as text."""
    result = np.zeros(len(events), np.uint64)
    for column in columns:
        if column in events:
            values = events[column]
            if column == TIMESTAMP:
                own = _hash_values(values.to_numpy().astype(np.float64))
            else:
                codes, ids = pd.factorize(values)
                own = _hash_values(np.array(list(map(str, ids)), object))[codes]
            result = _combine(result, own)
    return result


def _hash_values(values: npt.NDArray[Any]) -> Hashes:
    return pd.util.hash_array(values)  # pyright: ignore[reportAttributeAccessIssue]


def _combine(first: Hashes, second: Hashes) -> Hashes:
    mixed = first * _MULTIPLIER  # wraps around
    return (mixed ^ (mixed >> np.uint64(29))) + second
