"""Convert ids of a log into a column of the event table, by the contract in `events`."""

import re
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

# Longer texts of digits are not used as numbers, and Python parses them slowly.
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,1000}")

Ids = np.ndarray | pd.Categorical


def read_ids(column: pa.ChunkedArray, *, may_be_empty: bool = False) -> Ids:
    """Convert a column of any type into ids.

    Args:
        column: (events,) without nulls, unless ids may be empty.
        may_be_empty: whether an event may lack an id, which becomes an empty text.

    Raises:
        ValueError: an id is empty and may not be, an id is a fraction, or the column is neither
            text nor numbers.
    """
    if isinstance(column.type, pa.UuidType):
        column = _written_uuids(column)
    if column.null_count:
        texts = column if _is_text(column.type) else _without_decimals(column)
        column = texts.cast(pa.string()).fill_null("")
    kind = column.type
    if pa.types.is_integer(kind):
        try:
            return column.cast(pa.int64()).to_numpy()
        except pa.ArrowInvalid:  # beyond 64 bits with a sign
            column = column.cast(pa.string())
    elif pa.types.is_floating(kind):
        # Some writers turn integers into floats; those that are still exact are converted back.
        numbers = column.to_numpy()
        most = 2 ** {8: 53, 4: 24, 2: 11}[numbers.dtype.itemsize]
        if not (np.abs(numbers) < most).all() or (numbers != np.floor(numbers)).any():
            raise ValueError("its ids are fractions")
        return numbers.astype(np.int64)
    elif pa.types.is_decimal(kind):
        column = _without_decimals(column)
    elif not pa.types.is_dictionary(kind):
        column = column.cast(pa.string())
    elif kind.value_type != pa.string():
        column = column.cast(pa.dictionary(kind.index_type, pa.string()))
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    encoded = column.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    if not may_be_empty and encoded.dictionary.index("").as_py() >= 0:
        raise ValueError("one of its ids is empty")
    return id_column(encoded)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _written_uuids(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return UUIDs of 16 bytes as text."""
    stored = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    encoded = stored.dictionary_encode().unify_dictionaries().combine_chunks()
    encoded = encoded.chunk(0) if isinstance(encoded, pa.ChunkedArray) else encoded
    texts = [str(uuid.UUID(bytes=one)) for one in encoded.dictionary.to_pylist()]
    return pa.chunked_array([pa.DictionaryArray.from_arrays(encoded.indices, pa.array(texts))])


def _without_decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return decimals as whole numbers: 501.000 is 501.

    Raises:
        ValueError: one is a fraction.
    """
    plain = pc.replace_substring_regex(column.cast(pa.string()), r"\.0*$", "")  # pyright: ignore
    if pc.any(pc.match_substring(plain, ".")).as_py():  # pyright: ignore
        raise ValueError("its ids are fractions")
    return plain


def id_column(encoded: pa.DictionaryArray) -> Ids:
    """Convert ids into int64 if lossless, else into an ordered categorical of strings.

    Args:
        encoded: (events,) indices into distinct strings, without nulls.

    Returns:
        (events,) int64, or a categorical whose categories are in the dataset's order.
    """
    codes = encoded.indices.to_numpy()
    whole = _as_integers(encoded.dictionary)
    if whole is not None:
        return whole[codes]
    order = _dataset_order(encoded.dictionary)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    categories = pd.Index(encoded.dictionary.take(pa.array(order)).to_pandas())
    return pd.Categorical.from_codes(rank[codes], categories=categories)  # pyright: ignore


def written_ids(ids: pd.Series) -> pa.StringArray:
    """Return the distinct ids of a categorical column, in the order of its categories."""
    return pa.array(ids.cat.categories, pa.string())  # pyright: ignore[reportReturnType]


def _as_integers(texts: pa.StringArray) -> np.ndarray | None:
    """Return distinct ids as int64 if each converts back to the same text (not "007"), or None."""
    try:
        numbers = texts.cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    return numbers.to_numpy() if numbers.cast(pa.string()).equals(texts) else None


def _dataset_order(texts: pa.StringArray) -> np.ndarray:
    """Return the order of distinct ids: by value if all are whole numbers, else by code point.

    Equal numbers ("7", "07") are ordered by code point.
    """
    # UTF-8 sorts like its code points.
    by_code_point = pc.array_sort_indices(texts).to_numpy()  # pyright: ignore
    words = texts.to_pylist() if _WHOLE_NUMBER.fullmatch(texts[0].as_py()) else []
    if not words or not all(map(_WHOLE_NUMBER.fullmatch, words)):
        return by_code_point
    return np.array(sorted(by_code_point.tolist(), key=lambda at: int(words[at])))
