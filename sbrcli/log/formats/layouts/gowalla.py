"""The check-ins of Gowalla, each with the latitude and longitude of its place."""

from sbrcli.log.columns.times import is_number
from sbrcli.log.events import ITEM_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats.layouts.layout import Headerless
from sbrcli.log.formats.log_format import LogFormat

HEADERLESS = (
    Headerless(
        LogFormat(
            name="Gowalla check-ins",
            separator="\t",
            columns=(USER_ID, TIMESTAMP, None, None, ITEM_ID),
            time_unit="iso",
        ),
        lambda row: all(map(is_number, row[2:4])),
    ),
)
