"""Detect the texts that stand for a missing rating."""

import pyarrow as pa
import pyarrow.compute as pc

NO_RATINGS = (
    *("", "NA", "na", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "Null", "None", "none", "NONE"),
    *("nan", "NaN", "NAN", "-", "--", "?", ".", "\\N", "(null)", "nil", "undefined"),
)


def is_no_rating(text: str) -> bool:
    """Return whether a field stands for a missing rating."""
    return text.strip() in NO_RATINGS


def without_no_ratings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ratings with null for each text that stands for a missing one.

    Args:
        column: (events,) of any type; other types than text are returned unchanged.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    texts = pc.utf8_trim_whitespace(column)  # pyright: ignore
    is_none = pc.is_in(texts, pa.array(NO_RATINGS, texts.type))  # pyright: ignore
    return pc.if_else(is_none, pa.scalar(None, texts.type), texts)  # pyright: ignore
