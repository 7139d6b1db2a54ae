"""The options of `sbr stats`."""

from dataclasses import dataclass

from sbrcli.config.options import Options, option
from sbrcli.config.session_rule import SessionRule


@dataclass(frozen=True, kw_only=True)
class StatsConfig(Options):
    """How `sbr stats` describes a log."""

    session: str | None = option(
        None,
        "Session rule: user, gap:SECONDS, or column (session ids of the log). \\[default: column "
        "if the log has session ids, else user]",
        metavar="RULE",
    )

    @property
    def rule(self) -> SessionRule | None:
        """The session rule; None uses the session ids of the log, else its users."""
        return None if self.session is None else SessionRule.parse(self.session)

    def check_together(self) -> None:
        """Check that the session rule is one."""
        SessionRule.parse(self.session or "user")
        super().check_together()
