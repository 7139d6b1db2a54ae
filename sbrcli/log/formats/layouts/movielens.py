"""The ratings of MovieLens."""

from sbrcli.log.events import ITEM_ID, RATING, TIMESTAMP, USER_ID
from sbrcli.log.formats.layouts.layout import Headed, Headerless, has_columns
from sbrcli.log.formats.log_format import LogFormat

_COLUMNS = (USER_ID, ITEM_ID, RATING, TIMESTAMP)

HEADERLESS = (
    Headerless(LogFormat(name="MovieLens 1M", separator="::", columns=_COLUMNS)),
    Headerless(LogFormat(name="MovieLens 100k", separator="\t", columns=_COLUMNS)),
)
HEADED = (Headed("MovieLens", has_columns("userid", "movieid", "rating", "timestamp")),)
