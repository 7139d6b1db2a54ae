"""Select the events of some types, as if the log had no others."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.events import EVENT, TIMESTAMP


def filter_kinds(table: pa.Table, kinds: Sequence[str]) -> pa.Table:
    """Return the events of some types, without any trace of the others.

    Dictionaries lose ids without events, and times become numbers if all that remain are, as events
    of other types may have had other texts.

    Args:
        table: columns as parsed, including the types.
        kinds: the selected types.
    """
    is_taken = pc.is_in(table[EVENT].cast(pa.string()), pa.array(kinds))  # pyright: ignore
    taken = table.filter(is_taken)
    if taken.num_rows == table.num_rows:
        return taken
    for at, name in enumerate(taken.column_names):
        column = taken[name]
        if pa.types.is_dictionary(column.type):
            taken = taken.set_column(at, name, _compacted(column))
        elif name == TIMESTAMP and pa.types.is_string(column.type):
            taken = taken.set_column(at, name, _as_numbers(column))
    return taken


def _compacted(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a dictionary column without values that no row has."""
    encoded = column.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        if not encoded.num_chunks:
            return column
        encoded = encoded.chunk(0)
    if encoded.null_count:
        return encoded.cast(encoded.type.value_type).dictionary_encode()
    codes = encoded.indices.to_numpy()
    is_used = np.zeros(len(encoded.dictionary), dtype=bool)
    is_used[codes] = True
    new = (np.cumsum(is_used) - 1).astype(codes.dtype)
    values = encoded.dictionary.filter(pa.array(is_used))
    return pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(new[codes]), values)])


def _as_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    for kind in (pa.int64(), pa.float64()):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column
