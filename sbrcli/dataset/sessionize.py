"""Assign events to sessions: by user, by long pauses of a user, or by the log's own column.

An event table in the dataset's order is sorted by user (or session) id, then time, with ties in
file order. So the events of a session are contiguous, and a session is a slice.
"""

from collections.abc import Container

import numpy as np
import pandas as pd

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.config.session_rule import SessionRule
from sbrcli.errors import DataError, OptionError
from sbrcli.log.events import SESSION_ID, TIMESTAMP, USER_ID

DAY_SECONDS = 86_400


def default_rule(columns: Container[str | None]) -> SessionRule:
    """Return the default session rule: the log's own sessions if it names them, else its users.

    Args:
        columns: the columns of the event table.
    """
    return SessionRule("column" if SESSION_ID in columns else "user")


def require_no_gap(session: str | None) -> None:
    """Check that the session rule does not need the times of a log without times.

    Raises:
        ConfigError: the rule is a gap.
    """
    if session is not None and SessionRule.parse(session).kind == "gap":
        raise OptionError(
            f"a log without times has no pauses. Received: --session {session}",
            hint="--session user makes a session of each user",
        )


def assign_sessions(
    events: pd.DataFrame,
    rule: SessionRule,
    across_users: bool = False,
    max_user_events: int | None = None,
) -> pd.DataFrame:
    """Sort the events into the dataset's order, and assign each to a session.

    Args:
        events: an event table in file order; whole users, not necessarily all of them.
        rule: the session rule. With "gap", sessions are numbered from 0 in the dataset's order, so
            that numbers of parts of a log need an offset.
        across_users: with "gap", cut the whole table regardless of the user, by the seconds of a
            step within a day, as the source notebook did. The sessions at the ends of a part of a
            log may go on in other parts; see `dataset.heads`.
        max_user_events: with "user" and "gap", leave out all but the newest events of each user.

    Returns:
        The table sorted by user id ("column": by session id), then time, ties in file order,
        with `session_id` set.

    Raises:
        DataError: the log lacks the users or sessions that the rule needs.
    """
    if rule.kind == "column":
        return _sort(events, _required(events, SESSION_ID))
    events = _sort(events, _required(events, USER_ID))
    if max_user_events is not None:
        events = _keep_newest(events, max_user_events)
    if rule.kind == "user":
        return events.assign(**{SESSION_ID: events[USER_ID]})
    assert rule.gap_seconds is not None
    begins = (_gaps_across_users if across_users else _gaps)(events, rule.gap_seconds)
    return events.assign(**{SESSION_ID: np.cumsum(begins, dtype=np.int64) - 1})


def session_offsets(events: pd.DataFrame) -> IntArray:
    """Return the offsets of the sessions.

    Args:
        events: a table in the dataset's order.

    Returns:
        (sessions + 1,) int64; session s is the rows offsets[s] to offsets[s + 1] - 1.
    """
    if events.empty:
        return np.zeros(1, dtype=np.int64)
    changes = np.flatnonzero(_differs(id_codes(events, SESSION_ID))) + 1
    return np.concatenate(([0], changes, [len(events)])).astype(np.int64)


def id_codes(events: pd.DataFrame, column: str) -> np.ndarray:
    """Return integers with the same equality and order as the ids in a column of an event table."""
    ids = pd.Series(events[column])
    if isinstance(ids.dtype, pd.CategoricalDtype):
        return ids.cat.codes.to_numpy()
    return ids.to_numpy()


def _required(events: pd.DataFrame, column: str) -> str:
    if column in events.columns:
        return column
    if column == USER_ID:
        raise DataError(
            "the log names no users, so sessions cannot be made of them",
            hint="it names its sessions: use --session column",
        )
    raise DataError(
        "the log names no sessions, so --session column finds none",
        hint="make them of its users: --session user, or --session gap:3600",
    )


def _sort(events: pd.DataFrame, column: str) -> pd.DataFrame:
    """Sort by an id column, then time; ties keep their order."""
    ids, times = id_codes(events, column), events[TIMESTAMP].to_numpy()
    later = (ids[1:] > ids[:-1]) | ((ids[1:] == ids[:-1]) & (times[1:] >= times[:-1]))
    if later.all():
        return events
    # lexsort is stable, and its last key is the primary one.
    return events.take(np.lexsort((times, ids))).reset_index(drop=True)


def _keep_newest(events: pd.DataFrame, max_events: int) -> pd.DataFrame:
    """Return the last events of each user of a sorted table."""
    users = id_codes(events, USER_ID)
    is_older = users[:-max_events] == users[max_events:]  # [7, 7, 7, 9], 2 -> [True, False]
    if not is_older.any():
        return events
    kept = np.concatenate((~is_older, np.ones(max_events, np.bool_)))
    return events.take(np.flatnonzero(kept)).reset_index(drop=True)


def _gaps(events: pd.DataFrame, gap_seconds: float) -> np.ndarray:
    """Return which events begin a session: a user's first, and the first after a long pause."""
    pauses = np.diff(events[TIMESTAMP].to_numpy()) >= gap_seconds
    return np.concatenate(([True], _differs(id_codes(events, USER_ID)) | pauses))[: len(events)]


def is_gap_across_users(steps: np.ndarray, gap_seconds: float) -> BoolArray:
    """Return which steps begin a session as `delta.days >= 1 or delta.seconds >= gap` does.

    A timedelta's seconds are those within a day, also where the step is negative because the
    user changes: a step of -10 s is -1 day and 86,390 s.

    Args:
        steps: (steps,) seconds from an event to the next in the dataset's order.
        gap_seconds: of the session rule.
    """
    return (steps >= DAY_SECONDS) | (np.mod(steps, DAY_SECONDS) >= gap_seconds)


def _gaps_across_users(events: pd.DataFrame, gap_seconds: float) -> np.ndarray:
    """Return which events begin a session, whoever their user is."""
    begins = is_gap_across_users(np.diff(events[TIMESTAMP].to_numpy()), gap_seconds)
    return np.concatenate(([True], begins))[: len(events)]


def _differs(values: np.ndarray) -> np.ndarray:
    """Return which values differ from the previous one; one shorter than the values."""
    return values[1:] != values[:-1]
