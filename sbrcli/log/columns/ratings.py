"""What logs write where an event has no rating."""

import pyarrow as pa
import pyarrow.compute as pc

NO_RATINGS = (
    *("", "NA", "na", "N/A", "n/a", "#N/A", "<NA>", "null", "NULL", "Null", "None", "none", "NONE"),
    *("nan", "NaN", "NAN", "-", "--", "?", ".", "\\N", "(null)", "nil", "undefined"),
)


def is_no_rating(text: str) -> bool:
    """Return whether a field says that there is no rating."""
    return text.strip() in NO_RATINGS


def without_no_ratings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return ratings with null for each text that says that there is none.

    Args:
        column: (events,) of any type; one that is no text is returned as it is.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    texts = pc.utf8_trim_whitespace(column)  # pyright: ignore
    is_none = pc.is_in(texts, pa.array(NO_RATINGS, texts.type))  # pyright: ignore
    return pc.if_else(is_none, pa.scalar(None, texts.type), texts)  # pyright: ignore
