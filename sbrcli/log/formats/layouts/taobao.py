"""The user behaviour of Taobao: page views, carts, favourites and purchases."""

from sbrcli.log.columns.times import is_number
from sbrcli.log.events import EVENT, ITEM_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats.layouts.layout import Headerless
from sbrcli.log.formats.log_format import LogFormat

_KINDS = {"pv", "cart", "fav", "buy"}

HEADERLESS = (
    Headerless(
        LogFormat(
            name="Taobao UserBehavior",
            separator=",",
            columns=(USER_ID, ITEM_ID, None, EVENT, TIMESTAMP),
        ),
        lambda row: row[3] in _KINDS and is_number(row[4]),
    ),
)
