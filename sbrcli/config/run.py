"""The options of a training run: its epochs, batches, seed and machine."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from sbrcli.config.checks import require_option
from sbrcli.config.options import Options, SearchRange, option
from sbrcli.errors import OptionError

PANEL = "Training run"

Device = Literal["auto", "cpu", "gpu"]
Precision = Literal["auto", "float32", "bfloat16"]

# Greater values are more likely typing errors than intended, and would run out of memory later.
_MAX_LANES = 65_536
_MAX_STEPS = 10_000

_DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class RunConfig(Options):
    """How long, in which order, and where a network is trained; every network takes these."""

    batch_size: int = option(
        32,
        "Sessions trained in parallel.",
        panel=PANEL,
        short_sessions=64,
        minimum=1,
        maximum=_MAX_LANES,
        search=SearchRange(16, 256, is_log=True),
    )
    bptt: int = option(
        16,
        "Truncated backpropagation length, in steps; one update per chunk of steps.",
        panel=PANEL,
        short_sessions=8,
        minimum=1,
        maximum=_MAX_STEPS,
        search=SearchRange(4, 64, is_log=True),
    )
    epochs: int = option(
        8,
        "Number of passes over the train split.",
        panel=PANEL,
        minimum=1,
        maximum=1_000_000,
    )
    patience: int = option(
        0, "Stop after N epochs without improvement; 0 is off.", panel=PANEL, minimum=0
    )
    monitor: str = option("mrr@20", "Validation metric that selects the best epoch.", panel=PANEL)
    """One of `monitored_metrics` of `sbrcli.evaluation.rank_metrics.registry`, which checks it."""

    refit: bool = option(
        False,
        "Then retrain from scratch on train + valid for the best number of epochs.",
        panel=PANEL,
    )
    since: str | None = option(
        None,
        "Learn only from events from this date on, as in 2026-11-01 or 2026-11-01T08:00:00 (UTC); "
        "earlier events of their sessions are context.",
        panel=PANEL,
        metavar="DATE",
    )
    last_days: float | None = option(
        None,
        "Learn only from the last days of what is trained on, measured back from its last event.",
        panel=PANEL,
        metavar="DAYS",
        above=0,
    )
    shuffle: bool = option(
        False,
        "Shuffle the sessions in each epoch instead of ordering them by start time.",
        panel=PANEL,
    )
    seed: int = option(
        1,
        "Random seed; the same seed, machine and threads give the same result.",
        panel=PANEL,
        minimum=0,
        maximum=2**31 - 1,
        expected="0 to 2147483647",
    )
    threads: int = option(
        0, "CPU threads; 0 uses all cores.", panel=PANEL, minimum=0, maximum=1_024
    )
    """The last bits of a result depend on it."""

    device: Device = option("auto", "Where to train.", panel=PANEL, choices=get_args(Device))
    precision: Precision = option(
        "auto",
        "Precision of the output layer's products; auto: bfloat16 if the processor has it.",
        panel=PANEL,
        choices=get_args(Precision),
    )
    """Only with cross-entropy; the rest is float32."""

    @property
    def is_part(self) -> bool:
        """Whether only the newest events are learned from."""
        return self.since is not None or self.last_days is not None

    def begin(self, last_time: float) -> float:
        """Return the time from which on events are learned from, in seconds since 1970 UTC.

        Args:
            last_time: the time of the last event that could be.
        """
        if self.last_days is not None:
            return last_time - self.last_days * _DAY_SECONDS
        return -math.inf if self.since is None else _parse_date(self.since)

    def check_together(self) -> None:
        """Check that the newest part is chosen in one way, by a date that is one."""
        require_option(
            self.since is None or self.last_days is None,
            "since and last-days exclude each other",
            f"--since {self.since} --last-days {self.last_days}",
        )
        if self.since is not None:
            _parse_date(self.since)
        super().check_together()


def _parse_date(text: str) -> float:
    """Return a date in seconds since 1970 UTC.

    Raises:
        OptionError: it is none.
    """
    try:
        date = datetime.fromisoformat(text)
    except ValueError as error:
        raise OptionError(
            f"since must be a date, as in 2026-11-01 or 2026-11-01T08:00:00. Received: {text}"
        ) from error
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
