"""What the parts of a log agree on: where they begin, and how their ids are ordered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.arrays import IntArray
from sbrcli.dataset.pieces import OWNER, Pieces
from sbrcli.engines.shuffle import read_part
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP


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


def lay_out(pieces: Pieces, num_parts: int, item_ids: IntArray | pa.Array) -> Layout:
    """Decide where the parts of a log begin.

    Args:
        pieces: of the log.
        num_parts: how many parts of about equal size are wanted; there are fewer if owners are.
        item_ids: the distinct ids of the items, which may be those of several logs.
    """
    has_texts = pieces.has_text_owners
    by_value = has_texts and pieces.are_whole_numbers
    layout = Layout(pieces.owner, has_texts, by_value, pieces.has_fractions, item_ids, [])
    places = [layout.place(str(one)) if has_texts else one for one in pieces.sample]
    places.sort()
    ends = (len(places) * at // num_parts for at in range(1, num_parts))
    return replace(layout, bounds=sorted({places[end] for end in ends}))


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


def place_items(items: pa.Array, item_ids: IntArray | pa.Array) -> IntArray:
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
