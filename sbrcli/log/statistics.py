"""Compute the figures of a log that `sbr stats` reports."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

import numpy as np
import pandas as pd

from sbrcli.config.session_rule import SessionRule
from sbrcli.log.columns.times import ORDER, format_time
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.quality.gap_suggestion import suggest_gap
from sbrcli.log.quality.grouping import Grouped, count_distinct_pairs, dense_codes, group_events
from sbrcli.log.quality.misreadings import find_misreadings
from sbrcli.log.quality.sanity_checks import check_statistics

RECENT_SECONDS = 30 * 86_400
_MAX_VALUES = 100


@dataclass(frozen=True, slots=True)
class SessionLength:
    """Events in a session; `q999` is the 99.9 % quantile, interpolated linearly."""

    min: int
    median: float
    mean: float
    q999: float
    max: int


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The first and the last event's time, ISO 8601 with offset; None in a log without times."""

    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStatistics:
    """A log in figures; as a dict it is the JSON of `sbr stats`. Shares lie in 0..1."""

    events: int
    users: int | None
    """None if the log has no users."""

    items: int
    sessions: int
    density: float
    """Share of all (user, item) pairs that occur, or of (session, item) pairs without users."""

    session_length: SessionLength
    time: TimeRange
    time_unit: str
    """Unit of the times in the log: one of `--time-unit`, "iso" for written dates, or "order" for a
    log without times."""

    bad_rows: int
    """Number of bad rows left out, which needs `--skip-bad-rows`."""

    tie_share: float
    """Share of consecutive events of a user (without users: of a session) with equal times."""

    repeat_share: float
    """Share of consecutive events of a session with the same item."""

    duplicates: int
    """Number of events that equal an earlier one in session, item and time."""

    single_event_users: int | None
    ratings: dict[str, int] | None
    """Events by rating; None without ratings, or with more than 100 different ones."""

    event_kinds: dict[str, int] | None
    """Number of events of each type, including those that `--event` leaves out, "" for no type;
    None if the log has no types, or more than 100."""

    suggested_gap_seconds: int | None
    """See `suggest_gap`; also None if the log has session ids or no users."""

    new_item_share: float | None
    """Share of the items of the last 30 days that did not occur before; None for shorter logs."""

    warnings: tuple[str, ...] = ()


def describe_log(
    events: pd.DataFrame,
    *,
    rule: SessionRule,
    zone: tzinfo = UTC,
    time_unit: str = "s",
    doubts: Sequence[str] = (),
    bad_rows: int = 0,
    event_kinds: dict[str, int] | None = None,
    line_reader: str | None = None,
) -> LogStatistics:
    """Return the figures of a log, with warnings about possible problems.

    Args:
        events: an event table with `session_id`, at least one row, in any order; rows of one
            session with the same time are in file order.
        rule: how `session_id` was made.
        zone: where times are printed.
        time_unit: what the log's times were in before they became seconds.
        doubts: sentences on what was assumed in reading it.
        bad_rows: number of rows left out in reading it.
        event_kinds: number of events of each type, if known.
        line_reader: the command that prints the log's lines, if it is compressed.
    """
    columns = dict(events.items())
    times = columns[TIMESTAMP].to_numpy()
    items, num_items = dense_codes(columns[ITEM_ID])
    sessions = group_events(columns[SESSION_ID], items, times)
    users = sessions if rule.kind == "user" else None
    if users is None and USER_ID in columns:
        users = group_events(columns[USER_ID], items, times)
    people = users or sessions
    first, last = times.min().item(), times.max().item()
    is_timed = time_unit != ORDER
    range_of_times = (format_time(time, zone) if is_timed else None for time in (first, last))
    statistics = LogStatistics(
        events=len(events),
        users=users.num_groups if users else None,
        items=num_items,
        sessions=sessions.num_groups,
        density=count_distinct_pairs(people.groups, people.items) / (people.num_groups * num_items),
        session_length=_describe_lengths(sessions.lengths),
        time=TimeRange(*range_of_times),
        time_unit=time_unit,
        bad_rows=bad_rows,
        tie_share=people.share_of_steps(np.diff(people.times) == 0),
        repeat_share=sessions.share_of_steps(np.diff(sessions.items) == 0),
        duplicates=_count_duplicates(sessions),
        single_event_users=int((users.lengths == 1).sum()) if users else None,
        ratings=_count_ratings(columns[RATING]) if RATING in columns else None,
        event_kinds=event_kinds if event_kinds and len(event_kinds) <= _MAX_VALUES else None,
        suggested_gap_seconds=_suggest_gap(users, rule) if is_timed else None,
        new_item_share=_new_item_share(items, times, first, last) if is_timed else None,
    )
    if rule.kind != "column":  # these sessions are made, not read
        del columns[SESSION_ID]
    misreadings = find_misreadings(columns, time_unit=time_unit, zone=zone)
    oddities = check_statistics(statistics, rule, line_reader)
    return replace(statistics, warnings=(*doubts, *misreadings, *oddities))


def _describe_lengths(lengths: np.ndarray) -> SessionLength:
    median, q999 = np.quantile(lengths, [0.5, 0.999])
    return SessionLength(
        min=int(lengths.min()),
        median=float(median),
        mean=float(lengths.mean()),
        q999=float(q999),
        max=int(lengths.max()),
    )


def _count_duplicates(sessions: Grouped) -> int:
    """Count events that repeat the session, item and time of an earlier one."""
    # Only neighbours with equal times can be duplicates; compare the items within each time.
    same = sessions.is_step & (np.diff(sessions.times) == 0)
    time_codes = np.concatenate(([0], np.cumsum(~same)))
    shared = np.concatenate((same, [False])) | np.concatenate(([False], same))
    return int(shared.sum()) - count_distinct_pairs(time_codes[shared], sessions.items[shared])


def _count_ratings(ratings: pd.Series) -> dict[str, int] | None:
    counts = ratings.value_counts().sort_index()
    if len(counts) > _MAX_VALUES:
        return None
    return {repr(value).removesuffix(".0"): n for value, n in counts.to_dict().items()}


def _suggest_gap(users: Grouped | None, rule: SessionRule) -> int | None:
    if users is None or rule.kind == "column":
        return None
    return suggest_gap(np.diff(users.times)[users.is_step])


def _new_item_share(
    items: np.ndarray, times: np.ndarray, first: float, last: float
) -> float | None:
    """Return the share of items of the last 30 days, the bound included, that are new."""
    begins = last - RECENT_SECONDS
    if first >= begins:
        return None
    recent = times >= begins
    num_items = int(items.max()) + 1
    seen_before = np.bincount(items[~recent], minlength=num_items) > 0
    seen_lately = np.bincount(items[recent], minlength=num_items) > 0
    return float((seen_lately & ~seen_before).sum() / seen_lately.sum())
