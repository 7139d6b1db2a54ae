"""The clicks and buys of Yoochoose, the RecSys Challenge of 2015."""

from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP
from sbrcli.log.formats.layouts.layout import Headerless
from sbrcli.log.formats.log_format import LogFormat


def _layout(name: str, *others: None) -> Headerless:
    return Headerless(
        LogFormat(
            name=name,
            separator=",",
            is_quoted=True,
            columns=(SESSION_ID, TIMESTAMP, ITEM_ID, *others),
            time_unit="iso",
        )
    )


HEADERLESS = (_layout("Yoochoose clicks", None), _layout("Yoochoose buys", None, None))
