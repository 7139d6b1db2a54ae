"""The options of `sbr preprocess`: their defaults and bounds."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.checks import require, require_option
from sbrcli.config.session_rule import SessionRule

SplitRule = Literal["date", "last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """How `sbr preprocess` makes a dataset of a log; saved whole in the dataset's manifest."""

    session: str | None = None
    """`user`, `gap:SECONDS` or `column`; None takes the log's own sessions, else its users."""

    across_users: bool = False
    """Cut gap sessions over the whole user-sorted log, as the source notebook did."""

    min_session_length: int = 2
    min_item_support: int = 5
    split: SplitRule = "date"
    """What valid and test are: the sessions that end last, or each session's last events."""

    valid_days: float | None = None
    """0 for no valid; None, without `valid_share`, fits the log's span (see `dataset.cuts`)."""

    test_days: float | None = None
    """As `valid_days`."""

    valid_share: float | None = None
    """Share of the sessions, by their ends, instead of days."""

    test_share: float | None = None
    drop_repeats: bool = False
    """Of events of the same item in a row, keep the first."""

    def __post_init__(self) -> None:
        rule = SessionRule.parse(self.session) if self.session is not None else None
        require_option(
            not self.across_users or (rule is not None and rule.kind == "gap"),
            "across-users goes with gap sessions alone, as in --session gap:3600 --across-users",
            f"--session {self.session}" if self.session else "no --session",
        )
        require(
            self.min_session_length >= 2,
            "min-session-length must be at least 2 (one event has no next item)",
            self.min_session_length,
        )
        require(
            self.min_item_support >= 1,
            "min-item-support must be at least 1",
            self.min_item_support,
        )
        require_option(
            self.split in get_args(SplitRule),
            f"split must be {' or '.join(get_args(SplitRule))}",
            self.split,
        )
        for split, days, share in (
            ("valid", self.valid_days, self.valid_share),
            ("test", self.test_days, self.test_share),
        ):
            _require_cut(split, days, share)


def _require_cut(split: str, days: float | None, share: float | None) -> None:
    """Check that a split has days or a share, or neither, each within its bounds."""
    require_option(
        days is None or share is None,
        f"{split} takes days or a share, not both",
        f"{days} days and {share}",
    )
    require(
        days is None or (math.isfinite(days) and days >= 0),
        f"{split}-days must be a number of days, at least 0",
        days,
    )
    require(
        share is None or 0 < share < 1,
        f"{split}-share must be above 0 and below 1",
        share,
    )
