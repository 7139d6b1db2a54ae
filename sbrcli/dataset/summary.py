"""The summary of a dataset: its splits and what was dropped, as stored in the manifest."""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Self

from sbrcli.artefacts.dataset import Counts, Dataset, SplitSummary
from sbrcli.dataset.tally import Tally
from sbrcli.dataset.timeline import Timeline
from sbrcli.log.columns.times import format_time


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """A dataset on disk: its folder, its splits and what was dropped."""

    dataset: str
    """The folder's path."""

    name: str
    splits: dict[str, SplitSummary | None]
    """The splits train, valid and test; None for a missing valid or test."""

    dropped: dict[str, Counts]
    """What was dropped, by reason. Its events and those of the splits make up the log, each once.
    With --split last, only the targets of valid and test count; the rest is in train or valid."""

    already_there: bool = False
    """Whether the same dataset existed already, and nothing was done."""

    timeline: dict[str, Timeline] = field(default_factory=dict)
    """The times of the targets of valid and test, by split; empty without times, and for a dataset
    by an earlier version of sbr."""

    @classmethod
    def of(cls, dataset: Dataset, already_there: bool = False) -> Self:
        """Return the summary of a dataset."""
        return cls(
            dataset=str(dataset.path),
            name=dataset.name,
            splits=dataset.splits if dataset.has_times else _without_times(dataset.splits),
            dropped=dataset.dropped,
            already_there=already_there,
            timeline={name: Timeline(**asdict(held)) for name, held in dataset.timeline.items()},
        )

    def in_zone(self, zone: tzinfo) -> Self:
        """Return the summary with times in another time zone."""
        moved = {name: split and _in_zone(split, zone) for name, split in self.splits.items()}
        timeline = {name: held.in_zone(zone) for name, held in self.timeline.items()}
        return replace(self, splits=moved, timeline=timeline)


def summarise(size: Tally) -> SplitSummary:
    """Return the counts of a split and its first and last time, in UTC."""
    first, last = format_time(size.first), format_time(size.last)
    counts = size.counts
    return SplitSummary(counts.events, counts.sessions, counts.items, first, last)


def _without_times(splits: dict[str, SplitSummary | None]) -> dict[str, SplitSummary | None]:
    """Return the summaries of splits whose timestamps are only sequence numbers."""
    return {
        name: split and replace(split, first_time=None, last_time=None)
        for name, split in splits.items()
    }


def _in_zone(split: SplitSummary, zone: tzinfo) -> SplitSummary:
    first, last = (
        time and datetime.fromisoformat(time).astimezone(zone).isoformat()
        for time in (split.first_time, split.last_time)
    )
    return replace(split, first_time=first, last_time=last)
