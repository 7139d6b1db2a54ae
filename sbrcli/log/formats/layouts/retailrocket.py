"""The events of RetailRocket."""

from sbrcli.log.formats.layouts.layout import Headed, has_columns

HEADED = (Headed("RetailRocket", has_columns("timestamp", "visitorid", "event", "itemid")),)
