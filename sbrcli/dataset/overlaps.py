"""Check that the logs of a given split are consistent and have no events in common."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID

Hashes = npt.NDArray[np.uint64]

_PAIRS = (("log", "test_log"), ("log", "valid_log"), ("test_log", "valid_log"))
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Hashed:
    """The hashes of the events of a log, or of a part of it.

    Args:
        owners: (events,) of the user and the session.
        events: (events,) of these, the item and the time.
    """

    owners: Hashes
    events: Hashes


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the second log of a pair has in common with the first.

    Args:
        events: how many of its events the first log has, too.
        owners_of_events: how many sessions (else users) these events have.
        num_events: the number of its events.
        owners: how many of its sessions have an id of the first log; 0 if these are not used.
        num_owners: the number of its sessions; 0 if these are not used.
    """

    events: int
    owners_of_events: int
    num_events: int
    owners: int = 0
    num_owners: int = 0

    def __add__(self, other: "Overlap") -> "Overlap":
        return Overlap(
            self.events + other.events,
            self.owners_of_events + other.owners_of_events,
            self.num_events + other.num_events,
            self.owners + other.owners,
            self.num_owners + other.num_owners,
        )


@dataclass(frozen=True, slots=True)
class Overlaps:
    """What each pair of logs has in common; those of parts by owners add up.

    Args:
        of_pairs: by the roles of both logs, the first one first.
    """

    of_pairs: Mapping[tuple[str, str], Overlap]

    def __add__(self, other: "Overlaps") -> "Overlaps":
        return Overlaps({pair: one + other.of_pairs[pair] for pair, one in self.of_pairs.items()})

    def describe(self, with_sessions: Collection[str]) -> Iterator[str]:
        """Yield a warning for each pair that has events or session ids in common.

        Args:
            with_sessions: the roles of the logs that name their sessions.
        """
        for (first, second), found in self.of_pairs.items():
            one, other = (f"the {part.replace('_', ' ')}" for part in (first, second))
            if found.events:
                owner = "sessions" if second in with_sessions else "users"
                yield (
                    f"{found.events:,} of the {found.num_events:,} events of {other} are in "
                    f"{one} too ({owner}: {found.owners_of_events:,}): "
                    f"{_consequence(first, second)}"
                )
            elif found.owners:
                yield (
                    f"{found.owners:,} of the {found.num_owners:,} sessions of {other} have the "
                    f"id of a session of {one} and other events: each is taken as two sessions"
                )


def find_overlaps(tables: Mapping[str, pd.DataFrame], *, named_sessions: bool) -> Iterator[str]:
    """Yield a warning for each pair of logs that have events or session ids in common.

    Events are equal if user, session, item and time are. The same users in several logs are fine.

    Args:
        tables: event tables by role: log, test_log, valid_log.
        named_sessions: whether the session ids of the logs are used.
    """
    hashed = {part: hash_events(table) for part, table in tables.items()}
    with_sessions = [part for part, table in tables.items() if SESSION_ID in table]
    yield from compare(hashed, named_sessions).describe(with_sessions)


def hash_events(events: pd.DataFrame) -> Hashed:
    """Return the hashes of a table's events."""
    owners = _hash(events, (USER_ID, SESSION_ID), np.zeros(len(events), np.uint64))
    return Hashed(owners, _hash(events, (ITEM_ID, TIMESTAMP), owners))


def compare(logs: Mapping[str, Hashed], named_sessions: bool) -> Overlaps:
    """Return what each pair of logs has in common.

    Args:
        logs: by role: log, test_log, valid_log.
        named_sessions: whether the session ids of the logs are used.
    """
    pairs = [pair for pair in _PAIRS if pair[0] in logs and pair[1] in logs]
    return Overlaps(
        {pair: _compare(logs[pair[0]], logs[pair[1]], named_sessions) for pair in pairs}
    )


def _compare(first: Hashed, second: Hashed, named_sessions: bool) -> Overlap:
    shared = np.isin(second.events, first.events)
    counts = (int(np.count_nonzero(shared)), len(np.unique(second.owners[shared])), len(shared))
    if not named_sessions:
        return Overlap(*counts)
    ids = np.unique(second.owners)
    return Overlap(*counts, int(np.count_nonzero(np.isin(ids, first.owners))), len(ids))


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


def _hash(events: pd.DataFrame, columns: tuple[str, ...], result: Hashes) -> Hashes:
    """Return a hash of each row's `result` and some columns, (events,); ids are hashed as text.

    Columns follow one after the other: a user 1 with the item 2 is not a user 2 with the item 1.
    """
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
