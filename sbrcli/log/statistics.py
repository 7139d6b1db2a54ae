"""Compute the figures of a log that `sbr stats` reports."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from typing import Self

import numpy as np
import pandas as pd

from sbrcli.config.session_rule import SessionRule
from sbrcli.log.columns.times import ORDER, format_time
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.figures import LogStatistics, SessionLength, TimeRange
from sbrcli.log.log import Log
from sbrcli.log.part_figures import Part, PartFigures, measure
from sbrcli.log.quality.gap_suggestion import suggest_gap_by
from sbrcli.log.quality.grouping import dense_codes
from sbrcli.log.quality.id_counts import IdCounts
from sbrcli.log.quality.misreadings import find_misreadings_by
from sbrcli.log.quality.odd_times import TimeFacts
from sbrcli.log.quality.sanity_checks import check_statistics

RECENT_SECONDS = 30 * 86_400
_MAX_VALUES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a log was read, as far as its figures state it.

    Args:
        rule: the session rule.
        zone: where times are printed.
        time_unit: what the log's times were in before they became seconds.
        doubts: sentences on what was assumed in reading it.
        bad_rows: number of rows left out in reading it.
        event_kinds: number of events of each type, if known.
        line_reader: the command that prints the log's lines, if it is compressed.
    """

    rule: SessionRule
    zone: tzinfo = UTC
    time_unit: str = "s"
    doubts: Sequence[str] = ()
    bad_rows: int = 0
    event_kinds: dict[str, int] | None = None
    line_reader: str | None = None

    @classmethod
    def of(cls, log: Log, rule: SessionRule, zone: tzinfo, line_reader: str | None) -> Self:
        """Return how a log was read."""
        return cls(
            rule=rule,
            zone=zone,
            doubts=log.format.doubts,
            time_unit=log.format.time_unit,
            bad_rows=log.bad_rows.count if log.bad_rows else 0,
            event_kinds=log.event_kinds,
            line_reader=line_reader,
        )


def describe_log(events: pd.DataFrame, reading: Reading) -> LogStatistics:
    """Return the figures of a log, with warnings about possible problems: a log of one part.

    Args:
        events: an event table with `session_id`, at least one row, in any order; rows of one
            session with the same time are in file order.
        reading: how it was read, and how `session_id` was made.
    """
    columns = dict(events.items())
    times = columns[TIMESTAMP].to_numpy()
    items, num_items = dense_codes(columns[ITEM_ID])
    has_users = reading.rule.kind == "user" or USER_ID in columns
    users = None if reading.rule.kind == "user" else columns.get(USER_ID)
    part = Part(columns[SESSION_ID], users, has_users, items, num_items, times)
    facts = TimeFacts.of(times)
    figures = measure(part, recent_from(facts))
    # Other sessions are made, not read.
    named = (USER_ID, SESSION_ID, ITEM_ID) if reading.rule.kind == "column" else (USER_ID, ITEM_ID)
    ids = {column: IdCounts.of(columns[column]) for column in named if column in columns}
    ratings = count_ratings(columns[RATING]) if RATING in columns else None
    return describe_figures(figures, facts, ids, ratings, has_users, reading)


def recent_from(times: TimeFacts) -> float:
    """Return the time from which events are recent: 30 days before the last one, included."""
    return times.last - RECENT_SECONDS


def describe_figures(
    figures: PartFigures,
    times: TimeFacts,
    ids: Mapping[str, IdCounts],
    ratings: Counter[float] | None,
    has_users: bool,
    reading: Reading,
) -> LogStatistics:
    """Return the figures of a log from the sums over its parts.

    Args:
        figures: of all parts.
        times: of all events.
        ids: of the columns that the log has; sessions only if it names them.
        ratings: see `count_ratings`; None for a log without ratings.
        has_users: whether it has users.
        reading: how it was read.
    """
    is_timed = reading.time_unit != ORDER
    span = (format_time(time, reading.zone) if is_timed else None for time in _ends(times))
    kinds, num_items = reading.event_kinds, len(ids[ITEM_ID])
    statistics = LogStatistics(
        events=times.count,
        users=figures.num_people if has_users else None,
        items=num_items,
        sessions=figures.num_sessions,
        density=figures.num_pairs / (figures.num_people * num_items),
        session_length=_describe_lengths(figures.lengths),
        time=TimeRange(*span),
        time_unit=reading.time_unit,
        bad_rows=reading.bad_rows,
        tie_share=_share(figures.steps),
        repeat_share=_share(figures.repeats),
        duplicates=figures.duplicates,
        single_event_users=figures.num_single if has_users else None,
        ratings=_name_ratings(ratings),
        event_kinds=kinds if kinds and len(kinds) <= _MAX_VALUES else None,
        suggested_gap_seconds=_suggest_gap(figures, has_users, reading),
        new_item_share=_new_item_share(figures, times) if is_timed else None,
    )
    misreadings = find_misreadings_by(
        ids, times, lambda: figures.steps[1] > 0, reading.time_unit, reading.zone
    )
    oddities = check_statistics(statistics, reading.rule, reading.line_reader)
    return replace(statistics, warnings=(*reading.doubts, *misreadings, *oddities))


def _ends(times: TimeFacts) -> tuple[float, float]:
    return times.first, times.last


def _share(steps: tuple[int, int]) -> float:
    """Return the share of steps, from an event to the next in its group, with a property."""
    return steps[1] / steps[0] if steps[0] else 0.0


def _describe_lengths(lengths: Counter[int]) -> SessionLength:
    values = np.array(sorted(lengths))
    counts = np.array([lengths[value] for value in values.tolist()])
    median, q999 = (_quantile(values, np.cumsum(counts), share) for share in (0.5, 0.999))
    return SessionLength(
        min=int(values[0]),
        median=median,
        mean=int((values * counts).sum()) / int(counts.sum()),
        q999=q999,
        max=int(values[-1]),
    )


def _quantile(values: np.ndarray, ends: np.ndarray, share: float) -> float:
    """Return the quantile of counted values, interpolated linearly as NumPy does.

    Args:
        values: (values,) ascending.
        ends: (values,) number of those up to and including each value.
        share: from 0 to 1.
    """
    place = (int(ends[-1]) - 1) * share
    low = math.floor(place)
    rest = place - low
    at = np.searchsorted(ends, [low, min(low + 1, int(ends[-1]) - 1)], side="right")
    one, other = values[at].tolist()
    step = other - one
    return float(one + step * rest if rest < 0.5 else other - step * (1 - rest))


def count_ratings(ratings: pd.Series) -> Counter[float]:
    """Count the events of each rating; missing ones are not counted.

    Of more than 100 different ratings, which are none, only some are counted.
    """
    counts = ratings.value_counts().iloc[: _MAX_VALUES + 1]
    return Counter(counts.to_dict())


def _name_ratings(counts: Counter[float] | None) -> dict[str, int] | None:
    if counts is None or len(counts) > _MAX_VALUES:
        return None
    return {repr(value).removesuffix(".0"): counts[value] for value in sorted(counts)}


def _suggest_gap(figures: PartFigures, has_users: bool, reading: Reading) -> int | None:
    if not has_users or reading.rule.kind == "column" or reading.time_unit == ORDER:
        return None
    return suggest_gap_by(figures.gaps)


def _new_item_share(figures: PartFigures, times: TimeFacts) -> float | None:
    """Return the share of items of the last 30 days, the bound included, that are new."""
    if times.first >= recent_from(times):
        return None
    lately = figures.is_seen_lately
    return float((lately & ~figures.is_seen_before).sum() / lately.sum())
