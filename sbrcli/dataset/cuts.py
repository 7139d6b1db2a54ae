"""Where valid and test begin: so many days back, or so that a share of the sessions ends later."""

from dataclasses import dataclass

import numpy as np

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.sessionize import DAY_SECONDS

LONG_DAYS = 365
"""From this span on, the default splits are of days; MovieLens spans almost three years."""

DEFAULT_DAYS = 30.0
DEFAULT_SHARE = 0.1

_UNITS = (("days", DAY_SECONDS), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


@dataclass(frozen=True, slots=True)
class Cut:
    """How much a split takes from the end: days, or a share of the sessions; one of the two."""

    days: float | None = None
    share: float | None = None

    def bound(self, ends: np.ndarray, last: float, total: int) -> float:
        """Return the time from which on a session that ends there belongs to the split.

        Args:
            ends: (sessions,) the times of the sessions' last events; at least one.
            last: the time of the last event.
            total: how many sessions the share is of.

        Returns:
            With a share, the end that comes closest to it and leaves a session before it; the
            last end of all where there is none.
        """
        if self.days is not None:
            return last - self.days * DAY_SECONDS
        assert self.share is not None
        times, counts = np.unique(ends, return_counts=True)
        if len(times) == 1:
            return times[0].item()
        later = counts[::-1].cumsum()[::-1][1:] / total  # share that ends at times[1:] or later
        closest = len(later) - 1 - int(np.argmin(np.abs(later - self.share)[::-1]))
        return times[1:][closest].item()

    @property
    def is_nothing(self) -> bool:
        """Whether the split is not wanted."""
        return self.days == 0

    def __str__(self) -> str:
        """Write it for an error, as in "30 days" or "share of 0.1"."""
        return f"share of {self.share:g}" if self.days is None else f"{self.days:g} days"


@dataclass(frozen=True, slots=True)
class Cuts:
    """How much valid and test take."""

    valid: Cut
    test: Cut


def choose_cuts(ends: np.ndarray, first: float, last: float, config: PrepareConfig) -> Cuts:
    """Take the cuts that were asked for; what was not asked for fits the log's span.

    A log of a year or more gives up its last 30 days to test and the 30 before to valid, unless
    no session ends earlier. Others give up a tenth of their sessions each.

    Args:
        ends: (sessions,) the times of the sessions' last events.
        first: the time of the first event.
        last: that of the last one.
        config: what was asked for.
    """
    usual = Cut(days=DEFAULT_DAYS)
    if last - first < LONG_DAYS * DAY_SECONDS or not _leaves_train(_asked(config, usual), ends):
        usual = Cut(share=DEFAULT_SHARE)
    return _asked(config, usual)


def describe_cuts(ends: dict[str, np.ndarray], rest: int) -> str:
    """Describe valid and test in one line: their time and their share of the sessions.

    Args:
        ends: by split, in the order test, valid, the ends of its sessions; none where there is
            no such split.
        rest: how many sessions train has.
    """
    total = rest + sum(map(len, ends.values()))
    said, before, until = [], "", None
    for name, own in ends.items():
        if not len(own):
            said.append(f"no {name}")
            continue
        share = _percent(len(own) / total) + (" of sessions" if not before else "")
        until = own.max().item() if until is None else until
        length = write_duration(until - own.min().item()) if len(own) > 1 else "session"
        until = own.min().item()
        said.append(f"{name} {'the' if before else 'is the last'} {length}{before} ({share})")
        before = " before"
    return f"split: {', '.join(said)}; --test-days and --valid-days set it"


def write_duration(seconds: float) -> str:
    """Write a duration in the largest unit of which it has at least a half."""
    for unit, size in _UNITS:
        if seconds >= size / 2:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:,.1f} seconds"


def _asked(config: PrepareConfig, usual: Cut) -> Cuts:
    valid, test = (
        usual if days is None and share is None else Cut(days, share)
        for days, share in (
            (config.valid_days, config.valid_share),
            (config.test_days, config.test_share),
        )
    )
    return Cuts(valid, test)


def _leaves_train(cuts: Cuts, ends: np.ndarray) -> bool:
    """Return whether a session ends before valid and test begin."""
    total = len(ends)
    for cut in (cuts.test, cuts.valid):
        if not cut.is_nothing:
            ends = ends[ends < cut.bound(ends, ends.max().item(), total)]
        if not len(ends):
            return False
    return True


def _percent(share: float) -> str:
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} %"
