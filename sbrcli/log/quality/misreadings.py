"""Report signs that a log may have been misread, in sentences."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any

import pandas as pd

from sbrcli.log.columns.ids import written_ids
from sbrcli.log.columns.list_signs import find_list_cells
from sbrcli.log.columns.matching import ROLE_NAMES, listed
from sbrcli.log.columns.times import ORDER
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.quality.id_forms import find_odd_forms
from sbrcli.log.quality.odd_times import are_dates_alone, find_odd_times
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
    yield from _odd_ids(events)
    times = events[TIMESTAMP].to_numpy()
    yield from find_odd_times(times, time_unit, zone)
    if time_unit != ORDER and are_dates_alone(times) and _share_times(events):
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


def _odd_ids(events: pd.DataFrame | Mapping[Any, pd.Series]) -> Iterator[str]:
    for column in (USER_ID, SESSION_ID, ITEM_ID):
        ids = events.get(column)
        if ids is None:
            continue
        role = ROLE_NAMES[column]
        for placeholder in find_placeholder_ids(column, ids):
            yield _odd_id(role, placeholder, len(ids))
        if (
            column == ITEM_ID
            and len(ids) >= _MIN_ROWS
            and ids.iloc[:1000].is_unique
            and ids.is_unique
        ):
            yield (
                "Each item id occurs once: the column may number the rows. Check which column "
                "names the items; --columns item=NAME takes another."
            )
        if column == ITEM_ID:
            yield from _odd_lists(ids)
        if isinstance(ids.dtype, pd.CategoricalDtype):
            yield from find_odd_forms(role, written_ids(ids))


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


def _odd_lists(items: pd.Series) -> Iterator[str]:
    cells = find_list_cells(items)
    if cells is None:
        return
    example = listed([cells.example])
    if cells.separator is None:
        yield (
            f"{cells.count:,} of {len(items):,} events have a list of objects for an item, as "
            f"'{example}': it was read as one. Write each of them as a row of its own."
        )
        return
    separator = _SHOWN.get(cells.separator, f"'{cells.separator}'")
    yield (
        f"{cells.count:,} of {len(items):,} events have what looks like a list of items for an "
        f"item, as '{example}': it was read as one. --list-sep {separator} makes an event of each."
    )
