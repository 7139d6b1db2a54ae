"""The .inter files of RecBole, whose column names end in their type, as in `user_id:token`."""

from sbrcli.log.formats.layouts.layout import Headed

HEADED = (Headed("RecBole .inter", lambda header: all(":" in name for name in header)),)
