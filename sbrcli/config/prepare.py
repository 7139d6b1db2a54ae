"""The options of `sbr preprocess`."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.checks import require_option
from sbrcli.config.options import Options, option
from sbrcli.config.session_rule import SessionRule
from sbrcli.errors import OptionError

SplitRule = Literal["date", "last", "time"]


@dataclass(frozen=True, kw_only=True)
class PrepareConfig(Options):
    """How `sbr preprocess` makes a dataset from a log; the dataset's manifest stores it whole."""

    session: str | None = option(
        None,
        "Session rule: user, gap:SECONDS (a pause that long ends a session), or column "
        "(session ids of the log). \\[default: column if the log has session ids, else user]",
        metavar="RULE",
    )
    """None uses the session ids of the log, else its users."""

    across_users: bool = option(
        False,
        "With gap: cut the whole log as if it came from one user, as the source notebook "
        "did. Use it only to reproduce the notebook.",
    )
    min_session_length: int = option(
        2,
        "Drop sessions with fewer events; at least 2.",
        metavar="EVENTS",
        minimum=2,
        expected="at least 2 (one event has no next item)",
    )
    min_item_support: int = option(5, "Drop items with fewer events.", metavar="EVENTS", minimum=1)
    max_user_events: int | None = option(
        None,
        "With --session user or gap: keep the newest events of each user, at most this many. "
        "\\[default: all]",
        metavar="EVENTS",
        minimum=2,
        expected="at least 2 (one event has no next item)",
    )
    split: SplitRule = option(
        "date",
        "date: the sessions that end last are test, and those before them valid. last: the "
        "last event of each session is test, and the one before it valid, if two events remain. "
        "time: events from one moment on are test, and those from an earlier moment on valid.",
        choices=get_args(SplitRule),
        expected="date, last or time",
    )
    valid_days: float | None = option(
        None,
        "Sessions that end within this many days before test are valid; 0 for none. "
        "\\[default: 30 if the log spans a year or more, else a share of 0.1]",
        metavar="DAYS",
        minimum=0,
        expected="a number of days, at least 0",
    )
    """None, without `valid_share`, fits the log's span (see `dataset.cuts`)."""

    test_days: float | None = option(
        None,
        "Sessions that end within the last days of the log are test; 0 for none, to train on "
        "all events. \\[default: as for --valid-days]",
        metavar="DAYS",
        minimum=0,
        expected="a number of days, at least 0",
    )
    valid_share: float | None = option(
        None,
        "Instead of --valid-days: the share of the sessions, those that end last before test, "
        "that is valid; above 0 and below 1. With --split time, the share of the events.",
        metavar="SHARE",
        above=0,
        below=1,
    )
    test_share: float | None = option(
        None,
        "Instead of --test-days: the share of the sessions, those that end last, that is test. "
        "With --split time, the share of the events.",
        metavar="SHARE",
        above=0,
        below=1,
    )
    drop_repeats: bool = option(
        False,
        "Keep one of a session's consecutive events of the same item, before dropping rare items.",
    )

    def check_together(self) -> None:
        """Check that each split has days or a share, and what goes with the session rule."""
        rule = SessionRule.parse(self.session) if self.session is not None else None
        require_option(
            not self.across_users or (rule is not None and rule.kind == "gap"),
            "across-users goes with gap sessions alone, as in --session gap:3600 --across-users",
            f"--session {self.session}" if self.session else "no --session",
        )
        if self.max_user_events is not None and self.session == "column":
            raise OptionError(
                "max-user-events goes with sessions made of users: --session user, or "
                "gap:SECONDS. Received: --session column",
                hint="the sessions of the log stay whole; --drop-id session=ID leaves one out",
            )
        for split, days, share in (
            ("valid", self.valid_days, self.valid_share),
            ("test", self.test_days, self.test_share),
        ):
            require_option(
                days is None or share is None,
                f"{split} takes days or a share, not both",
                f"{days} days and {share}",
            )
        super().check_together()
