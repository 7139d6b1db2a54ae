"""Bring the pieces of a log into parts of whole users, on scratch, with two kernels.

The first divides a piece by ranges of owners, users or sessions. The second lays a part's rows of
all pieces together, sorts them and cuts them into sessions. Sessions that are cut across users are
then completed; see `dataset.heads`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sbrcli.arrays import IntArray
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.cutting import OLDER_EVENTS, cut_events
from sbrcli.dataset.disk_part import DiskPart, encode_sessions
from sbrcli.dataset.filters import find_newest
from sbrcli.dataset.heads import Edges, move_heads
from sbrcli.dataset.layout import Layout, lay_out, place_items, read_rows, to_events
from sbrcli.dataset.pieces import OWNER, Piece, Pieces
from sbrcli.engines.engine import Engine
from sbrcli.engines.shuffle import read_table, write_by_part, write_table
from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID


@dataclass(frozen=True, slots=True)
class Sorted:
    """The parts of a log.

    Args:
        parts: on scratch.
        dropped: the number of events that were dropped, by reason.
        largest: the number of events of the largest part.
        has_shared: whether a session has events of several users, in a log that names its sessions.
    """

    parts: Sequence[DiskPart]
    dropped: Counter[str]
    largest: int
    has_shared: bool


@dataclass(frozen=True, slots=True)
class _Joined:
    num_events: int
    num_sessions: int
    dropped: Counter[str]
    has_shared: bool
    edges: Edges | None


def sort_into_parts(
    engine: Engine,
    pieces: Pieces,
    config: PrepareConfig,
    num_parts: int,
    item_ids: IntArray | pa.Array,
    advance: Callable[[int], object],
) -> Sorted:
    """Bring pieces into parts of whole owners, and delete the pieces.

    Args:
        engine: runs the two kernels.
        pieces: of a log, at least one event.
        config: as for `cut_events`.
        num_parts: how many parts are wanted, at most 10,000.
        item_ids: as for `lay_out`.
        advance: called with the number of pieces or parts done.

    Raises:
        DataError: events were lost, as a file changed meanwhile.
    """
    layout = lay_out(pieces, num_parts, item_ids)
    divided, dropped = [], Counter[str]()
    for path, num_older in divide_pieces(engine, pieces, layout, config.max_user_events):
        divided.append(path)
        dropped[OLDER_EVENTS] += num_older
        advance(1)
    numbers = range(layout.num_parts)
    places = [(number, pieces.folder / f"part-{number:05d}.arrow") for number in numbers]
    joined: list[_Joined] = []
    for one in engine.map(join_part, places, divided, layout, config):
        joined.append(one)
        advance(1)
    for path in divided:
        path.unlink()
    total = dropped.total() + sum(one.num_events for one in joined)
    if total != pieces.num_events:
        raise DataError(
            f"{pieces.num_events:,} events were read, and {total:,} are in the parts: a file "
            "changed meanwhile",
            hint="run the command again",
        )
    parts = [DiskPart(path, number, len(layout.item_ids), 0) for number, path in places]
    dropped = sum((one.dropped for one in joined), dropped)
    largest = max(one.num_events for one in joined)
    rule = SessionRule.parse(str(config.session))
    if config.across_users and rule.gap_seconds is not None:
        edges = [one.edges for one in joined]
        sizes = [one.num_events - one.dropped.total() for one in joined]
        options = (rule.gap_seconds, config.drop_repeats)
        parts, largest_changed, repeats = move_heads(engine, parts, sizes, edges, *options, advance)
        dropped, largest = dropped + repeats, max(largest, largest_changed)
    elif rule.kind == "gap":
        counts = accumulate((one.num_sessions for one in joined), initial=0)
        parts = [replace(part, first_session=at) for part, at in zip(parts, counts, strict=False)]
    return Sorted(parts, dropped, largest, any(one.has_shared for one in joined))


def divide_pieces(
    engine: Engine, pieces: Pieces, layout: Layout, max_user_events: int | None = None
) -> Iterator[tuple[Path, int]]:
    """Yield what `divide_piece`, which can run again, returns of each piece; delete the piece."""
    results = engine.map(divide_piece, pieces.written, layout, max_user_events)
    for piece, result in zip(pieces.written, results, strict=True):
        piece.path.unlink(missing_ok=True)
        yield result


def divide_piece(piece: Piece, layout: Layout, max_user_events: int | None) -> tuple[Path, int]:
    """Write a piece's events part by part.

    Older events of a user who has more than the maximum in this piece alone are left out, so that
    a part of few users stays small.

    Returns:
        The file, and the number of events left out.
    """
    batch = read_table(piece.path)
    owners, codes = batch[OWNER], None
    if layout.has_texts:
        if not pa.types.is_dictionary(owners.type):
            encoded = owners.dictionary_encode()
            texts = encoded.dictionary.cast(pa.string())
            owners = pa.DictionaryArray.from_arrays(encoded.indices, texts)
        places = map(layout.place, owners.dictionary.to_pylist())
        part_of = np.array([bisect_left(layout.bounds, place) for place in places], np.int64)
        codes = owners.indices.to_numpy()
        part_of_row = part_of[codes]
    else:
        part_of_row = np.searchsorted(np.array(layout.bounds, np.int64), owners.to_numpy())
    times = batch[TIMESTAMP]
    columns = {
        OWNER: owners,
        ITEM_ID: pa.array(place_items(batch[ITEM_ID], layout.item_ids)),
        TIMESTAMP: times.cast(pa.float64()) if layout.has_fractions else times,
    }
    columns |= {name: batch[name] for name in (USER_ID, SESSION_ID) if name in batch.schema.names}
    path = piece.path.with_name(piece.path.name.replace("piece", "divided"))
    table = pa.table(columns)
    if max_user_events is not None:
        codes = pd.factorize(owners.to_numpy())[0] if codes is None else codes
        newest = find_newest(codes, times.to_numpy(), max_user_events)
        if not newest.all():
            table, part_of_row = table.filter(pa.array(newest)), part_of_row[newest]
    write_by_part(path, table, part_of_row, layout.num_parts)
    return path, batch.num_rows - table.num_rows


def join_part(
    place: tuple[int, Path], divided: Sequence[Path], layout: Layout, config: PrepareConfig
) -> _Joined:
    """Lay a part's events of all pieces together, cut them into sessions and write them.

    Args:
        place: the part's number, and its file.
        divided: what `divide_piece` has written, in the order of the log.
        layout: of the parts.
        config: as for `cut_events`.
    """
    number, path = place
    table = read_rows(divided, number)
    events = to_events(table, layout)
    has_shared = USER_ID in table.column_names and _has_shared(
        events[layout.owner], table[USER_ID].to_numpy()
    )
    num_events = len(events)
    del table
    cut = cut_events(events, config)
    del events
    write_table(path, encode_sessions(cut.events))
    return _Joined(num_events, cut.num_sessions, cut.dropped, has_shared, Edges.of(cut))


def _has_shared(sessions: Any, users: IntArray) -> bool:
    """Return whether a session has events of several users."""
    codes = sessions.cat.codes if isinstance(sessions.dtype, pd.CategoricalDtype) else sessions
    first = pd.Series(users).groupby(codes.to_numpy()).transform("first").to_numpy()
    return bool((first != users).any())
