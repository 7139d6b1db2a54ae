"""The item views of Diginetica, the CIKM Cup of 2016."""

from sbrcli.log.formats.layouts.layout import Headed, has_columns

HEADED = (Headed("Diginetica", has_columns("sessionid", "itemid", "timeframe", "eventdate")),)
