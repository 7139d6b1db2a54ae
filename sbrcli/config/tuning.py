"""The options of `sbr tune` itself, and the texts of its search space."""

import re
from dataclasses import dataclass

from sbrcli.config.checks import require, require_option
from sbrcli.config.options import Options, option

PANEL = "Search"

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")
_DURATION_WORDS = "time-limit must be a duration such as 90s, 40m, 1h, 1h30m"


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as "90s", "40m", "1h30m" or "3600".

    Raises:
        OptionError: it is no duration.
        ConfigError: it is no time at all.
    """
    parts = _DURATION.findall(text)
    written = "".join(number + unit for number, unit in parts)
    require_option(bool(parts) and written == text.strip(), _DURATION_WORDS, text)
    seconds = sum(float(number) * _SECONDS[unit or "s"] for number, unit in parts)
    require(seconds > 0, "time-limit must be above 0", text)
    return seconds


@dataclass(frozen=True, kw_only=True)
class TuneConfig(Options):
    """How long `sbr tune` searches; a study can be continued with other values."""

    trials: int = option(
        30,
        "Number of trials, those of an earlier call included.",
        panel=PANEL,
        metavar="N",
        minimum=1,
        maximum=100_000,
    )
    time_limit: float | None = option(
        None,
        "Stop after this time, such as 40m or 1h30m; the same command continues later.",
        panel=PANEL,
        metavar="TIME",
        parse=parse_duration,
    )
    """In seconds."""
