"""The input of the published code of GRU4Rec: `SessionId`, `ItemId` and `Time`."""

from sbrcli.log.formats.layouts.layout import Headed, has_columns

HEADED = (Headed("GRU4Rec", has_columns("sessionid", "itemid", "time")),)
