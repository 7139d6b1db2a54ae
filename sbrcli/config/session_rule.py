"""The rule that cuts a log into sessions."""

import math
from dataclasses import dataclass
from typing import Literal, Self

from sbrcli.config.checks import require
from sbrcli.errors import OptionError

SessionKind = Literal["user", "gap", "column"]


@dataclass(frozen=True, slots=True)
class SessionRule:
    """A session is a user, a user's events without a long pause, or an id of the log."""

    kind: SessionKind
    gap_seconds: float | None = None
    """With kind "gap": a pause this long or longer starts a new session."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `user`, `column` or `gap:SECONDS`.

        Raises:
            ConfigError: for anything else.
        """
        if text in ("user", "column"):
            return cls(text)  # pyright: ignore[reportArgumentType]
        kind, colon, seconds = text.partition(":")
        if kind == "gap" and colon:
            expected = "the gap of a session must be a number of seconds above 0, as in gap:3600"
            try:
                gap_seconds = float(seconds)
            except ValueError as error:
                raise OptionError(f"{expected}. Received: {text}") from error
            require(math.isfinite(gap_seconds) and gap_seconds > 0, expected, text)
            return cls("gap", gap_seconds)
        raise OptionError(
            f"a session is 'user', 'column' or 'gap:SECONDS'. Received: {text}",
            hint="for one-hour sessions write --session gap:3600",
        )

    def __str__(self) -> str:
        """Write the rule as `parse` reads it."""
        if self.gap_seconds is None:
            return self.kind
        return f"gap:{repr(self.gap_seconds).removesuffix('.0')}"
