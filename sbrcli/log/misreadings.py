"""What shows that a log may not be read as it was meant, in plain sentences."""

import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, tzinfo
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.columns import ROLE_NAMES, listed
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.list_signs import find_list_cells
from sbrcli.log.nobody import StandIn, find_stand_ins
from sbrcli.log.odd_times import are_dates_alone, find_odd_times
from sbrcli.log.times import ORDER

_FEWEST_ROWS = 10

_NUMBER = re.compile(r"\+?0*([0-9]+)(?:\.0*)?")
_SHOWN = {" ": "space", "\t": "tab", "\x02": "$'\\x02'"}
"""How `--list-sep` is typed where a character does not stand for itself."""

_OTHER_FORM = r"^\s|\s$|^\+[0-9]|^0[0-9]|^[+]?[0-9]+\.0*$"
"""Ids that may be another one, written in another way."""


def find_misreadings(
    events: pd.DataFrame | Mapping[Any, pd.Series], *, time_unit: str = "s", zone: tzinfo = UTC
) -> Iterator[str]:
    """Say what about ids and times seems to be meant otherwise than it was read.

    Args:
        events: an event table, or its columns by their names; at least one row, in any order.
        time_unit: what the log's times were in before they became seconds.
        zone: where times are printed.
    """
    yield from _odd_ids(events)
    times = events[TIMESTAMP].to_numpy()
    yield from find_odd_times(times, time_unit, zone)
    if time_unit != ORDER and are_dates_alone(times) and _share_moments(events):
        yield (
            "The times are dates without a time of day: the events of a user on one day stand in "
            "the order of the file. If another column has the time of day, --columns "
            "time=DATE+TIME reads both."
        )


def _share_moments(events: pd.DataFrame | Mapping[Any, pd.Series]) -> bool:
    """Return whether some user (else session) has two events of one time."""
    columns = [c for c in (USER_ID, SESSION_ID) if c in events][:1]
    pairs = pd.DataFrame({column: events[column] for column in (*columns, TIMESTAMP)})
    return bool(pairs.duplicated().any())


def _odd_ids(events: pd.DataFrame | Mapping[Any, pd.Series]) -> Iterator[str]:
    for column in (USER_ID, SESSION_ID, ITEM_ID):
        ids = events.get(column)
        if ids is None:
            continue
        role = ROLE_NAMES[column]
        for stand_in in find_stand_ins(column, ids):
            yield _odd_id(role, stand_in, len(ids))
        if (
            column == ITEM_ID
            and len(ids) >= _FEWEST_ROWS
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
            yield from _odd_forms(role, ids.cat.categories.tolist())


def _odd_id(role: str, stand_in: StandIn, num_events: int) -> str:
    count, text = stand_in.count, shlex.quote(stand_in.text)
    drop = f"--drop-id {shlex.quote(f'{role}={stand_in.text}')} leaves them out."
    if not stand_in.is_named:
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


def _odd_forms(role: str, texts: list[str]) -> Iterator[str]:
    spaced = next((text for text in texts if text != text.strip()), None)
    if spaced is not None:
        yield (
            f"{role.capitalize()} ids begin or end with a space, as '{spaced}' does. It is a part "
            "of the id, which --items and titles do not have. Take such spaces out."
        )
    written = pa.array(texts, pa.string())
    others = written.filter(pc.match_substring_regex(written, _OTHER_FORM)).to_pylist()  # pyright: ignore
    if not others:
        return
    forms = {text: text for text in set(texts).difference(others)}
    pairs = [(forms.setdefault(_plain_form(text), text), text) for text in others]
    two = [pair for pair in pairs if pair[0] != pair[1]]
    if two:
        one, other = two[0]
        yield (
            f"{len(two):,} {role} id{' is' if len(two) == 1 else 's are'} written in two ways, as "
            f"'{one}' and '{other}', and counted as two. Write each id in one way."
        )


def _plain_form(text: str) -> str:
    """Return what an id is without outer spaces, leading zeros, a plus and decimals of zero."""
    found = _NUMBER.fullmatch(text.strip())
    return found[1] if found else text.strip()
