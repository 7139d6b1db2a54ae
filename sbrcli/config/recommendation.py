"""The options of `sbr recommend`: how many items it recommends, and which."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.options import Options, option

Fallback = Literal["popularity"]


@dataclass(frozen=True, kw_only=True)
class RecommendConfig(Options):
    """How many items `sbr recommend` recommends, and which."""

    k: int = option(20, "Number of items to recommend.", flag="-k", metavar="K", minimum=1)
    include_seen: bool = option(False, "Allow the session's own items to be recommended.")
    fallback: Fallback | None = option(
        None,
        "If the run knows no item of a session, recommend the most popular items of train.",
        metavar="popularity",
        choices=get_args(Fallback),
    )
