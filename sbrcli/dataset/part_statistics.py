"""Count a part of a log that is described in parts, and add up the parts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.arrays import IntArray
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.layout import Layout, read_rows, to_events
from sbrcli.dataset.sessionize import assign_sessions, id_codes
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.part_figures import Part, PartFigures, measure
from sbrcli.log.quality.id_counts import IdCounts


@dataclass(frozen=True, slots=True)
class DescribedPart:
    """The figures of a part, or of several.

    Args:
        figures: its counts.
        of_items: (items,) number of events of each item.
        owners: the users, or the sessions if parts hold whole sessions.
        sessions: the session ids of a log that names both; else empty.
    """

    figures: PartFigures
    of_items: IntArray
    owners: Sequence[IdCounts]
    sessions: Sequence[IdCounts]

    @property
    def has_shared_sessions(self) -> bool:
        """Whether a session id occurs in several parts, as several users share it."""
        ids = [pa.array(part.ids).cast(pa.string()) for part in self.sessions]
        if not ids:
            return False
        num_distinct = pc.count_distinct(pa.chunked_array(ids)).as_py()  # pyright: ignore
        return num_distinct < self.figures.num_sessions


def describe_part(
    number: int, divided: Sequence[Path], layout: Layout, rule: SessionRule, recent_from: float
) -> DescribedPart | None:
    """Count a part of a log.

    Args:
        number: of the part.
        divided: what `divide_piece` has written, in the order of the log.
        layout: of the parts.
        rule: the session rule; with "column", the events of users have their session ids.
        recent_from: the time from which events are recent.

    Returns:
        None if the part has no event.
    """
    table = read_rows(divided, number)
    if not table.num_rows:
        return None
    events = to_events(table, layout)
    del table
    named = [layout.owner]
    named += [SESSION_ID] if rule.kind == "column" and layout.owner == USER_ID else []
    ids = dict(events.items())
    owners, *sessions = (IdCounts.of(ids[column]) for column in named)
    cut = assign_sessions(events, rule)
    del events, ids
    has_users, num_items = layout.owner == USER_ID, len(layout.item_ids)
    columns = dict(cut.items())
    users = columns[USER_ID] if has_users and rule.kind != "user" else None
    items, times = id_codes(cut, ITEM_ID), columns[TIMESTAMP].to_numpy()
    part = Part(columns[SESSION_ID], users, has_users, items, num_items, times)
    of_items = np.bincount(items, minlength=num_items)
    return DescribedPart(measure(part, recent_from), of_items, [owners], sessions)


def add_parts(parts: Iterable[DescribedPart | None]) -> DescribedPart:
    """Add up the parts of a log, which has an event."""
    found = None
    for part in parts:
        if found is None or part is None:
            found = found or part
            continue
        found = DescribedPart(
            found.figures + part.figures,
            found.of_items + part.of_items,
            [*found.owners, *part.owners],
            [*found.sessions, *part.sessions],
        )
    assert found is not None
    return found
