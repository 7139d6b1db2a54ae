"""Choose where valid and test begin: by days, or by the share of the sessions that ends later."""

from dataclasses import dataclass

import numpy as np

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.sessionize import DAY_SECONDS

LONG_DAYS = 365
"""Logs that span at least this are split by days by default; MovieLens spans almost 3 years."""

DEFAULT_DAYS = 30.0
DEFAULT_SHARE = 0.1

_UNITS = (("days", DAY_SECONDS), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


@dataclass(frozen=True, slots=True)
class Cut:
    """The size of a split at the end of a log: either days or a share of the sessions."""

    days: float | None = None
    share: float | None = None

    def bound(self, ends: np.ndarray, last: float, total: int) -> float:
        """Return the time from which sessions that end then or later belong to the split.

        Args:
            ends: (sessions,) the times of the sessions' last events; at least one.
            last: the time of the last event.
            total: the number of sessions that the share refers to.

        Returns:
            With a share, the end that comes closest to it and leaves a session before it; if there
            is none, the last end.
        """
        if self.days is not None:
            return last - self.days * DAY_SECONDS
        assert self.share is not None
        times, counts = np.unique(ends, return_counts=True)
        if len(times) == 1:
            return times[0].item()
        later = counts[::-1].cumsum()[::-1][1:] / total  # the share that ends at times[1:] or later
        closest = len(later) - 1 - int(np.argmin(np.abs(later - self.share)[::-1]))
        return times[1:][closest].item()

    @property
    def is_nothing(self) -> bool:
        """Whether no split is requested."""
        return self.days == 0

    def __str__(self) -> str:
        """Return a description for errors, as in "30 days" or "share of 0.1"."""
        return f"share of {self.share:g}" if self.days is None else f"{self.days:g} days"


@dataclass(frozen=True, slots=True)
class Cuts:
    """The sizes of valid and test."""

    valid: Cut
    test: Cut


def choose_cuts(ends: np.ndarray, first: float, last: float, config: PrepareConfig) -> Cuts:
    """Return the requested cuts; those not requested are chosen by the log's span.

    A log of a year or more gives its last 30 days to test and the 30 days before to valid, unless
    no session ends earlier. Other logs give a tenth of their sessions to each.

    Args:
        ends: (sessions,) the times of the sessions' last events; by time, those of all events.
        first: the time of the first event.
        last: the time of the last event.
        config: the requested sizes.
    """
    usual = Cut(days=DEFAULT_DAYS)
    if last - first < LONG_DAYS * DAY_SECONDS or not _leaves_train(_asked(config, usual), ends):
        usual = Cut(share=DEFAULT_SHARE)
    return _asked(config, usual)


def describe_cuts(ends: dict[str, np.ndarray], rest: int) -> str:
    """Describe valid and test in one line: their time span and their share of the sessions.

    Args:
        ends: the ends of the sessions by split, in the order test, valid; empty if there is no such
            split.
        rest: the number of sessions in train.
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
    """Format a duration in the largest unit of which it has at least half."""
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
