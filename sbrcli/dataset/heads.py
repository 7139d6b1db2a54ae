"""Complete the sessions that go on from a part to the next, where they are cut across users.

A part is cut as if it were the whole log, so that its first event begins a session. Whether its
first session, the head, is in fact the end of the session that is open before it follows from two
times. If so, the head moves to the part in which that session begins; it may come from beyond parts
that begin no session themselves, which are empty then.

    a part's sessions      a a b     b b     b c     c d
    after the moves        a a b b b b       c c     d
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from sbrcli.dataset.cutting import REPEATS, CutEvents
from sbrcli.dataset.disk_part import DiskPart
from sbrcli.dataset.filters import drop_repeats
from sbrcli.dataset.sessionize import is_gap_across_users, session_offsets
from sbrcli.engines.engine import Engine
from sbrcli.engines.shuffle import read_table, write_table
from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP


@dataclass(frozen=True, slots=True)
class Edges:
    """The sessions at the ends of a part that has an event.

    Args:
        first: the time of its first event in the dataset's order.
        last: the time of its last event, before repeats were dropped.
        head: the number of events of its first session.
        num_sessions: the number of its sessions, the head among them.
    """

    first: float
    last: float
    head: int
    num_sessions: int

    @classmethod
    def of(cls, cut: CutEvents) -> "Edges | None":
        """Return the edges of a part; None without an event."""
        if cut.span is None:
            return None
        return cls(*cut.span, int(session_offsets(cut.events)[1]), cut.num_sessions)


@dataclass(frozen=True, slots=True)
class Moves:
    """What becomes of a part.

    Args:
        gives: whether its head goes to a part before it.
        takes: the parts whose heads go to the end of its last session, in order.
        sessions_before: the number of sessions that begin in the parts before it.
    """

    gives: bool = False
    takes: tuple[int, ...] = ()
    sessions_before: int = 0


def decide_moves(edges: Sequence[Edges | None], gap_seconds: float) -> list[Moves]:
    """Return what becomes of each part.

    Args:
        edges: of the parts, in order; None for a part without events.
        gap_seconds: of the session rule.
    """
    moves = []
    taken: dict[int, list[int]] = {}
    owner: int | None = None  # the part in which the session begins that is open
    last, num_sessions = 0.0, 0
    for number, own in enumerate(edges):
        if own is None:
            moves.append(Moves(sessions_before=num_sessions))
            continue
        goes_on = owner is not None and not is_gap(own.first, last, gap_seconds)
        if owner is not None and goes_on:
            taken.setdefault(owner, []).append(number)
        moves.append(Moves(goes_on, (), num_sessions))
        num_sessions += own.num_sessions - goes_on
        if own.num_sessions > goes_on:
            owner = number
        last = own.last
    return [replace(one, takes=tuple(taken.get(at, ()))) for at, one in enumerate(moves)]


def is_gap(time: float, before: float, gap_seconds: float) -> bool:
    """Return whether an event begins a session after one of any user."""
    return bool(is_gap_across_users(np.diff(np.array([before, time])), gap_seconds)[0])


def move_heads(
    engine: Engine,
    parts: Sequence[DiskPart],
    sizes: Sequence[int],
    edges: Sequence[Edges | None],
    gap_seconds: float,
    drops_repeats: bool,
    advance: Callable[[int], object],
) -> tuple[list[DiskPart], int, Counter[str]]:
    """Move the heads of parts to where their sessions begin, and number all sessions.

    Args:
        engine: runs `complete_part`.
        parts: of a log, each cut as if it were the whole log.
        sizes: the number of events of each part.
        edges: of the parts.
        gap_seconds: of the session rule.
        drops_repeats: whether repeats are dropped, as they were within each part.
        advance: called with the number of parts done.

    Returns:
        The parts, the number of events of the largest one that has changed, and the number of
        events that were dropped, by reason.

    Raises:
        DataError: events were lost, as a file changed meanwhile.
    """
    moves = decide_moves(edges, gap_seconds)
    heads = [
        Head(part.path, 0 if own is None else own.head)
        for part, own in zip(parts, edges, strict=True)
    ]
    moved, changed, before = [], [], 0
    for part, size, own, one in zip(parts, sizes, edges, moves, strict=True):
        first_session = one.sessions_before - one.gives
        if one.gives or one.takes:
            path = part.path.with_name(f"complete-{part.path.name}")
            last = 0 if own is None else own.num_sessions - 1
            taken = tuple(heads[number] for number in one.takes)
            skipped = heads[part.number].length if one.gives else 0
            changed.append(Completion(part.path, path, skipped, taken, last))
            before += size
            moved.append(replace(part, path=path, first_session=first_session))
        else:
            moved.append(replace(part, first_session=first_session))
    after, num_repeats = [0], 0
    for num_events, num_dropped in engine.map(complete_part, changed, drops_repeats):
        after.append(num_events)
        num_repeats += num_dropped
        advance(1)
    if sum(after) != before:
        raise DataError(
            f"{before:,} events were in parts whose sessions go on, and {sum(after):,} are in the "
            "completed ones: a file changed meanwhile",
            hint="run the command again",
        )
    for one in changed:
        one.path.unlink()
    return moved, max(after), Counter({REPEATS: num_repeats})


@dataclass(frozen=True, slots=True)
class Head:
    """The first session of a part.

    Args:
        path: the part's file.
        length: its number of events.
    """

    path: Path
    length: int


@dataclass(frozen=True, slots=True)
class Completion:
    """A part whose head has left, or whose last session gets the heads of later parts.

    Args:
        path: its file.
        target: the file to write.
        skipped: the number of events at its begin that have left.
        heads: what comes to its end, in order.
        last_session: the number of its last session.
    """

    path: Path
    target: Path
    skipped: int
    heads: tuple[Head, ...]
    last_session: int


def complete_part(one: Completion, drops_repeats: bool) -> tuple[int, int]:
    """Write a part without the events that have left, and with those that have come.

    Returns:
        The number of its events, and how many were dropped as repeats.
    """
    heads = [read_table(head.path).slice(0, head.length) for head in one.heads]
    rows = pa.Table.from_batches([read_table(one.path).slice(one.skipped), *heads])
    sessions = rows[SESSION_ID].to_numpy()
    num_own = rows.num_rows - sum(head.length for head in one.heads)
    columns = {
        SESSION_ID: np.where(np.arange(len(sessions)) < num_own, sessions, one.last_session),
        ITEM_ID: rows[ITEM_ID].to_numpy(),
        TIMESTAMP: rows[TIMESTAMP].to_numpy(),
    }
    events = pd.DataFrame(columns, copy=False)
    left = drop_repeats(events) if drops_repeats else events
    table = pa.table({name: pa.array(values.to_numpy()) for name, values in left.items()})
    write_table(one.target, table)
    return len(events), len(events) - len(left)
