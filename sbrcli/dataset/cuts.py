"""Choose where valid and test begin: by days, or by the share of the sessions that ends later."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from sbrcli.arrays import IntArray
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.sessionize import DAY_SECONDS

LONG_DAYS = 365
"""Logs that span at least this are split by days by default; MovieLens spans almost 3 years."""

DEFAULT_DAYS = 30.0
DEFAULT_SHARE = 0.1

_UNITS = (("days", DAY_SECONDS), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


@dataclass(frozen=True, slots=True)
class Times:
    """Times of sessions or events, of which only the distinct ones are held.

    Args:
        values: (distinct,) seconds since 1970 UTC, ascending.
        counts: (distinct,) how often each occurs.
    """

    values: npt.NDArray[np.generic]
    counts: IntArray

    @classmethod
    def of(cls, times: npt.NDArray[np.generic]) -> Self:
        """Return times given in any order."""
        return cls(*np.unique(times, return_counts=True))

    def __add__(self, other: "Times") -> "Times":
        values = np.concatenate((self.values, other.values))
        order = np.argsort(values, kind="stable")  # merges two ascending runs
        values, counts = values[order], np.concatenate((self.counts, other.counts))[order]
        is_new = np.ones(len(values), np.bool_)
        is_new[1:] = values[1:] != values[:-1]
        firsts = np.flatnonzero(is_new)
        return Times(values[firsts], np.add.reduceat(counts, firsts) if len(firsts) else counts)

    def __len__(self) -> int:
        return int(self.counts.sum())

    @property
    def first(self) -> float:
        """The earliest time; there must be one."""
        return self.values[0].item()

    @property
    def last(self) -> float:
        """The latest time; there must be one."""
        return self.values[-1].item()

    def before(self, bound: float) -> "Times":
        """Return the times before a bound."""
        return self._cut(slice(None, int(np.searchsorted(self.values, bound))))

    def since(self, bound: float) -> "Times":
        """Return the times at or after a bound."""
        return self._cut(slice(int(np.searchsorted(self.values, bound)), None))

    def latest(self, rank: int) -> float:
        """Return the time with this rank, counted from the latest, which is 1."""
        later = self.counts[::-1].cumsum()
        return self.values[len(later) - 1 - int(np.searchsorted(later, rank))].item()

    def _cut(self, distinct: slice) -> "Times":
        return Times(self.values[distinct], self.counts[distinct])


@dataclass(frozen=True, slots=True)
class Cut:
    """The size of a split at the end of a log: either days or a share of the sessions."""

    days: float | None = None
    share: float | None = None

    def bound(self, ends: Times, last: float, total: int) -> float:
        """Return the time from which sessions that end then or later belong to the split.

        Args:
            ends: the times of the sessions' last events; at least one.
            last: the time of the last event.
            total: the number of sessions that the share refers to.

        Returns:
            With a share, the end that comes closest to it and leaves a session before it; if there
            is none, the last end.
        """
        if self.days is not None:
            return last - self.days * DAY_SECONDS
        assert self.share is not None
        times, counts = ends.values, ends.counts
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


def choose_cuts(ends: Times, first: float, last: float, config: PrepareConfig) -> Cuts:
    """Return the requested cuts; those not requested are chosen by the log's span.

    A log of a year or more gives its last 30 days to test and the 30 days before to valid, unless
    no session ends earlier. Other logs give a tenth of their sessions to each.

    Args:
        ends: the times of the sessions' last events; by time, those of all events.
        first: the time of the first event.
        last: the time of the last event.
        config: the requested sizes.
    """
    usual = Cut(days=DEFAULT_DAYS)
    if last - first < LONG_DAYS * DAY_SECONDS or not _leaves_train(_asked(config, usual), ends):
        usual = Cut(share=DEFAULT_SHARE)
    return _asked(config, usual)


def describe_cuts(ends: dict[str, Times], rest: int) -> str:
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
        until = own.last if until is None else until
        length = write_duration(until - own.first) if len(own) > 1 else "session"
        until = own.first
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


def _leaves_train(cuts: Cuts, ends: Times) -> bool:
    """Return whether a session ends before valid and test begin."""
    total = len(ends)
    for cut in (cuts.test, cuts.valid):
        if not cut.is_nothing:
            ends = ends.before(cut.bound(ends, ends.last, total))
        if not len(ends):
            return False
    return True


def _percent(share: float) -> str:
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} %"
