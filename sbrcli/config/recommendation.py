"""The options of `sbr recommend`: how many items it recommends, and which."""

from dataclasses import dataclass

from sbrcli.config.options import Options, option


@dataclass(frozen=True, kw_only=True)
class RecommendConfig(Options):
    """How many items `sbr recommend` recommends, and which."""

    k: int = option(20, "Number of items to recommend.", flag="-k", metavar="K", minimum=1)
    include_seen: bool = option(False, "Allow the session's own items to be recommended.")
