"""Compute the figures of a log that `sbr stats` reports."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo

import numpy as np
import pandas as pd

from sbrcli.config.session_rule import SessionRule
from sbrcli.log.columns.times import ORDER, format_time
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.figures import LogStatistics, SessionLength, TimeRange
from sbrcli.log.quality.gap_suggestion import suggest_gap
from sbrcli.log.quality.grouping import Grouped, count_distinct_pairs, dense_codes, group_events
from sbrcli.log.quality.misreadings import find_misreadings
from sbrcli.log.quality.sanity_checks import check_statistics

RECENT_SECONDS = 30 * 86_400
_MAX_VALUES = 100


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
