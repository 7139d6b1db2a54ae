"""Report signs that a log may have been misread, in sentences."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any

import pandas as pd

from sbrcli.log.columns.list_signs import find_list_cells
from sbrcli.log.columns.matching import ROLE_NAMES, listed
from sbrcli.log.columns.times import ORDER
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.quality.id_counts import IdCounts
from sbrcli.log.quality.id_forms import find_odd_forms
from sbrcli.log.quality.odd_times import TimeFacts, are_dates_alone, find_odd_times
from sbrcli.log.quality.placeholder_ids import PlaceholderId, find_placeholder_ids

_MIN_ROWS = 10

_SHOWN = {" ": "space", "\t": "tab", "\x02": "$'\\x02'", "\n": "$'\\n'"}
"""Characters that are typed differently in `--list-sep`."""


def find_misreadings(
    events: pd.DataFrame | Mapping[Any, pd.Series], *, time_unit: str = "s", zone: tzinfo = UTC
) -> Iterator[str]:
    """Yield warnings about ids and times that seem to be misread.

    Args:
        events: an event table, or its columns by their names; at least one row, in any order.
        time_unit: what the log's times were in before they became seconds.
        zone: where times are printed.
    """
    columns = dict(events.items())
    named = (c for c in (USER_ID, SESSION_ID, ITEM_ID) if c in columns)
    ids = {column: IdCounts.of(columns[column]) for column in named}
    times = TimeFacts.of(columns[TIMESTAMP].to_numpy())
    yield from find_misreadings_by(ids, times, lambda: _share_times(events), time_unit, zone)


def find_misreadings_by(
    ids: Mapping[str, IdCounts],
    times: TimeFacts,
    share_times: Callable[[], bool],
    time_unit: str = "s",
    zone: tzinfo = UTC,
) -> Iterator[str]:
    """Yield warnings about ids and times that seem to be misread, by facts about a log.

    Args:
        ids: of the columns that the log has.
        times: of all events.
        share_times: returns whether a user (without users: a session) has two events of one time.
        time_unit: as for `find_misreadings`.
        zone: as for `find_misreadings`.
    """
    for column in (USER_ID, SESSION_ID, ITEM_ID):
        if column in ids:
            yield from _odd_ids(column, ids[column], times.count)
    yield from find_odd_times(times, time_unit, zone)
    if time_unit != ORDER and are_dates_alone(times) and share_times():
        yield (
            "The times are dates without a time of day: the events of a user on one day stand in "
            "the order of the file. If another column has the time of day, --columns "
            "time=DATE+TIME reads both."
        )


def _share_times(events: pd.DataFrame | Mapping[Any, pd.Series]) -> bool:
    """Return whether a user (without users: a session) has two events of one time."""
    columns = [c for c in (USER_ID, SESSION_ID) if c in events][:1]
    pairs = pd.DataFrame({column: events[column] for column in (*columns, TIMESTAMP)})
    return bool(pairs.duplicated().any())


def _odd_ids(column: str, ids: IdCounts, num_events: int) -> Iterator[str]:
    role = ROLE_NAMES[column]
    for placeholder in find_placeholder_ids(column, ids):
        yield _odd_id(role, placeholder, num_events)
    if column == ITEM_ID and num_events == len(ids) >= _MIN_ROWS:
        yield (
            "Each item id occurs once: the column may number the rows. Check which column "
            "names the items; --columns item=NAME takes another."
        )
    if column == ITEM_ID:
        yield from _odd_lists(ids)
    if ids.texts is not None:
        yield from find_odd_forms(role, ids.texts)


def _odd_id(role: str, placeholder: PlaceholderId, num_events: int) -> str:
    count, text = placeholder.count, shlex.quote(placeholder.text)
    drop = f"--drop-id {shlex.quote(f'{role}={placeholder.text}')} leaves them out."
    if not placeholder.is_named:
        share = 100 * count / num_events
        return (
            f"{count:,} of {num_events:,} events ({share:.0f} %) have the {role} {text}: it may "
            f"stand for many or be a program. {drop}"
        )
    return (
        f"{count:,} of {num_events:,} events {'has' if count == 1 else 'have'} the {role} {text}: "
        f"it seems to stand for no {role}, and counts as one like any other. {drop}"
    )


def _odd_lists(items: IdCounts) -> Iterator[str]:
    cells = None if items.texts is None else find_list_cells(items.texts, items.counts)
    if cells is None:
        return
    example = listed([cells.example])
    if cells.separator is None:
        yield (
            f"{cells.count:,} of {items.num_events:,} events have a list of objects for an item, "
            f"as '{example}': it was read as one. Write each of them as a row of its own."
        )
        return
    separator = _SHOWN.get(cells.separator, f"'{cells.separator}'")
    yield (
        f"{cells.count:,} of {items.num_events:,} events have what looks like a list of items for "
        f"an item, as '{example}': it was read as one. --list-sep {separator} makes an event of "
        "each."
    )
