"""Bring the pieces of a log into parts of whole users, on scratch, with two kernels.

The first divides a piece by ranges of owners, users or sessions. The second lays a part's rows of
all pieces together, sorts them and cuts them into sessions.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.arrays import IntArray
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.cutting import OLDER_EVENTS, cut_events
from sbrcli.dataset.disk_part import DiskPart, encode_sessions
from sbrcli.dataset.filters import find_newest
from sbrcli.dataset.pieces import OWNER, Piece, Pieces
from sbrcli.engines.engine import Engine
from sbrcli.engines.shuffle import read_part, read_table, write_by_part, write_table
from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID


@dataclass(frozen=True, slots=True)
class Layout:
    """What all parts of a log agree on.

    Args:
        owner: the column of the event table that is sorted by.
        has_texts: whether its ids are text.
        by_value: whether these texts are numbers, and sorted as such.
        has_fractions: whether times are fractions of seconds.
        item_ids: the distinct ids of the items.
        bounds: ascending; a part has the owners above one bound and up to the next.
    """

    owner: str
    has_texts: bool
    by_value: bool
    has_fractions: bool
    item_ids: IntArray | pa.Array
    bounds: list[Any]

    @property
    def num_parts(self) -> int:
        """The number of parts."""
        return len(self.bounds) + 1

    def place(self, text: str) -> Any:
        """Return what an owner that is text is sorted by."""
        return int(text) if self.by_value else text


@dataclass(frozen=True, slots=True)
class Sorted:
    """The parts of a log.

    Args:
        parts: on scratch.
        dropped: the number of events that were dropped, by reason.
        largest: the number of events of the largest part.
        has_shared: whether a session has events of several users.
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


def lay_out(pieces: Pieces, num_parts: int) -> Layout:
    """Decide where the parts of a log begin.

    Args:
        pieces: of the log.
        num_parts: how many parts of about equal size are wanted; there are fewer if owners are.
    """
    has_texts = pieces.has_text_owners
    by_value = has_texts and pieces.are_whole_numbers
    layout = Layout(pieces.owner, has_texts, by_value, pieces.has_fractions, pieces.item_ids, [])
    places = [layout.place(str(one)) if has_texts else one for one in pieces.sample]
    places.sort()
    ends = (len(places) * at // num_parts for at in range(1, num_parts))
    return replace(layout, bounds=sorted({places[end] for end in ends}))


def sort_into_parts(
    engine: Engine,
    pieces: Pieces,
    config: PrepareConfig,
    num_parts: int,
    advance: Callable[[int], object],
) -> Sorted:
    """Bring pieces into parts of whole owners, and delete the pieces.

    Args:
        engine: runs the two kernels.
        pieces: of a log, at least one event.
        config: as for `cut_events`.
        num_parts: how many parts are wanted, at most 10,000.
        advance: called with the number of pieces or parts done.

    Raises:
        DataError: events were lost, as a file changed meanwhile.
    """
    layout = lay_out(pieces, num_parts)
    divided, dropped = [], Counter[str]()
    for path, num_older in divide_pieces(engine, pieces, layout, config.max_user_events):
        divided.append(path)
        dropped[OLDER_EVENTS] += num_older
        advance(1)
    numbers = range(layout.num_parts)
    paths = [pieces.folder / f"part-{number:05d}.arrow" for number in numbers]
    parts, largest, total, has_shared, num_sessions = [], 0, dropped.total(), False, 0
    places = list(zip(numbers, paths, strict=True))
    for (number, path), one in zip(
        places, engine.map(join_part, places, divided, layout, config), strict=True
    ):
        first_session = num_sessions if (config.session or "").startswith("gap") else 0
        parts.append(DiskPart(path, number, len(layout.item_ids), first_session))
        num_sessions += one.num_sessions
        dropped += one.dropped
        largest = max(largest, one.num_events)
        total += one.num_events
        has_shared |= one.has_shared
        advance(1)
    for path in divided:
        path.unlink()
    if total != pieces.num_events:
        raise DataError(
            f"{pieces.num_events:,} events were read, and {total:,} are in the parts: a file "
            "changed meanwhile",
            hint="run the command again",
        )
    return Sorted(parts, dropped, largest, has_shared)


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
        ITEM_ID: pa.array(_number_items(batch[ITEM_ID], layout.item_ids)),
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
    return _Joined(num_events, cut.num_sessions, cut.dropped, has_shared)


def read_rows(divided: Sequence[Path], number: int) -> pa.Table:
    """Read a part's rows of all pieces, in the order of the log."""
    return pa.Table.from_batches([_compact(one) for one in read_part(divided, number)])


def to_events(table: pa.Table, layout: Layout) -> pd.DataFrame:
    """Return the event table of a part's rows, whose item_id is a categorical of all items."""
    items = pd.CategoricalDtype(pd.RangeIndex(len(layout.item_ids)))
    codes = table[ITEM_ID].to_numpy()
    columns = {
        layout.owner: _order_ids(table[OWNER], layout),
        ITEM_ID: pd.Categorical.from_codes(codes, dtype=items),  # pyright: ignore
        TIMESTAMP: table[TIMESTAMP].to_numpy(),
    }
    if SESSION_ID in table.column_names:
        encoded = _unified(table[SESSION_ID])
        columns[SESSION_ID] = pd.Categorical.from_codes(
            encoded.indices.to_numpy(), categories=pd.Index(encoded.dictionary.to_pandas())
        )
    return pd.DataFrame(columns, copy=False)


def _number_items(items: pa.Array, item_ids: IntArray | pa.Array) -> IntArray:
    """Return each event's place among the ids of all items: (events,) int32."""
    if isinstance(item_ids, np.ndarray):
        place_of = np.searchsorted(item_ids, items.dictionary.to_numpy())
    else:
        texts = items.dictionary.cast(pa.string())
        place_of = pc.index_in(texts, item_ids).to_numpy()  # pyright: ignore
    return place_of.astype(np.int32)[items.indices.to_numpy()]


def _compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose dictionaries hold those ids alone that occur."""
    columns = {name: batch[name] for name in batch.schema.names}
    for name, ids in columns.items():
        if pa.types.is_dictionary(ids.type):
            used, compact = np.unique(ids.indices.to_numpy(), return_inverse=True)
            texts = ids.dictionary.take(pa.array(used))
            columns[name] = pa.DictionaryArray.from_arrays(
                pa.array(compact.astype(np.int32)), texts
            )
    return pa.RecordBatch.from_pydict(columns)


def _unified(ids: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return ids as indices into one dictionary."""
    encoded: Any = ids.unify_dictionaries().combine_chunks()
    return encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded


def _order_ids(owners: pa.ChunkedArray, layout: Layout) -> np.ndarray | pd.Categorical:
    """Return owners as a column of the event table, whose order is that of the whole log."""
    if not layout.has_texts:
        return owners.to_numpy()
    encoded = _unified(owners)
    texts = encoded.dictionary
    order = pc.array_sort_indices(texts).to_numpy()  # pyright: ignore
    if layout.by_value:  # equal numbers by code point
        words = texts.to_pylist()
        order = np.array(sorted(order.tolist(), key=lambda at: int(words[at])), np.int64)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    categories = pd.Index(texts.take(pa.array(order)).to_pandas())
    codes = rank[encoded.indices.to_numpy()]
    return pd.Categorical.from_codes(codes, categories=categories)  # pyright: ignore


def _has_shared(sessions: Any, users: IntArray) -> bool:
    """Return whether a session has events of several users."""
    codes = sessions.cat.codes if isinstance(sessions.dtype, pd.CategoricalDtype) else sessions
    first = pd.Series(users).groupby(codes.to_numpy()).transform("first").to_numpy()
    return bool((first != users).any())
