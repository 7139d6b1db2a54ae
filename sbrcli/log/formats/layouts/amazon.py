"""The ratings of Amazon, of 2014 and of 2018."""

from sbrcli.log.columns.times import is_number
from sbrcli.log.events import ITEM_ID, RATING, TIMESTAMP, USER_ID
from sbrcli.log.formats.layouts.layout import Headerless
from sbrcli.log.formats.log_format import LogFormat


def _is_rating(row: list[str]) -> bool:
    """Return whether a row of four fields ends in one to five stars and a time since 1996."""
    stars, time = row[2:]
    return stars.removesuffix(".0") in set("12345") and is_number(time) and float(time) > 8e8


HEADERLESS = (
    Headerless(
        LogFormat(
            name="Amazon 2014 ratings",
            separator=",",
            columns=(USER_ID, ITEM_ID, RATING, TIMESTAMP),
        ),
        lambda row: row[0].startswith("A") and _is_rating(row),
    ),
    Headerless(
        LogFormat(
            name="Amazon 2018 ratings",
            separator=",",
            columns=(ITEM_ID, USER_ID, RATING, TIMESTAMP),
        ),
        # Ids of books begin with digits, those of other things with a B.
        lambda row: row[1].startswith("A") and row[0][:1] != "A" and _is_rating(row),
    ),
)
