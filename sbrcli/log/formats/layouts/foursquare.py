"""The check-ins of Foursquare, with details of the place or without."""

from sbrcli.log.events import ITEM_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats.layouts.layout import Headerless
from sbrcli.log.formats.log_format import LogFormat


def _layout(*columns: str | None) -> Headerless:
    return Headerless(
        LogFormat(
            name="Foursquare check-ins", separator="\t", columns=columns, time_unit="year last"
        )
    )


HEADERLESS = (
    _layout(USER_ID, ITEM_ID, *(None,) * 5, TIMESTAMP),
    _layout(USER_ID, ITEM_ID, TIMESTAMP, None),
)
