"""Find the column of event types by its values if its name is not known."""

import re
from collections.abc import Mapping, Sequence

from sbrcli.log.events import EVENT

_KINDS = frozenset(
    (
        *("view", "pageview", "viewitem", "itemview", "productview", "detail", "detailview", "pv"),
        *(
            "impression",
            "show",
            "click",
            "clickout",
            "select",
            "selectitem",
            "tap",
            "open",
            "visit",
        ),
        *("cart", "addtocart", "addcart", "removefromcart", "removecart", "basket", "addtobasket"),
        *("checkout", "begincheckout", "purchase", "buy", "order", "transaction", "sale", "bought"),
        *(
            "fav",
            "favorite",
            "favourite",
            "wishlist",
            "addtowishlist",
            "collect",
            "bookmark",
            "save",
        ),
        *(
            "like",
            "dislike",
            "love",
            "share",
            "comment",
            "follow",
            "rate",
            "review",
            "vote",
            "apply",
        ),
        *("play", "listen", "watch", "skip", "pause", "stop", "finish", "complete", "download"),
        *("read", "install", "search", "reply", "delete", "refund", "return", "cancel", "page"),
        *("event", "conversion", "subscribe", "unsubscribe", "rent", "borrow", "bid", "contact"),
    )
)
"""Names of event types in logs, in the present tense, without case and signs."""


def add_kind_column(
    names: Sequence[str], columns: Mapping[str, int], rows: Sequence[Sequence[str]]
) -> dict[str, int]:
    """Return the places of columns, with that of event types if values show one.

    Args:
        names: as in the log.
        columns: places by the column of the event table.
        rows: the first rows, each with a value for each name.
    """
    if EVENT in columns:
        return dict(columns)
    for place in range(len(names)):
        if place in columns.values():
            continue
        values = {row[place] for row in rows if place < len(row) and row[place]}
        if values and all(map(_is_kind, values)):
            return {**columns, EVENT: place}
    return dict(columns)


def _is_kind(value: str) -> bool:
    plain = re.sub("[^a-z]", "", value.lower())
    stems = (plain, plain.removesuffix("s"), plain.removesuffix("ed"), plain.removesuffix("d"))
    return not any(map(str.isdigit, value)) and any(stem in _KINDS for stem in stems)
