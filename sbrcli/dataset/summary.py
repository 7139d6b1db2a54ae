"""The summary of a dataset: its splits and what was dropped, as stored in the manifest."""

from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Self

import pandas as pd

from sbrcli.artefacts.artefact import Artefact
from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.dataset.filters import Counts, count
from sbrcli.dataset.timeline import Timeline
from sbrcli.errors import ArtefactError
from sbrcli.log.columns.times import format_time
from sbrcli.log.events import TIMESTAMP


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """The size of one split and its time range.

    Times are ISO 8601 with an offset, or None if the log was read without times.
    """

    events: int
    sessions: int
    items: int
    first_time: str | None
    last_time: str | None


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
    """How the targets of valid and test lie in time, by split; empty without times, and of a
    dataset by an earlier version of sbr."""

    @classmethod
    def from_folder(cls, folder: Artefact, already_there: bool = False) -> Self:
        """Read the summary of a dataset from its manifest.

        Raises:
            ArtefactError: the manifest does not contain it.
        """
        try:
            splits, dropped = folder.manifest["splits"], folder.manifest["dropped"]
            summaries = {name: held and SplitSummary(**held) for name, held in splits.items()}
            if folder.manifest.get("config", {}).get("no_time"):
                summaries = {
                    name: held and _without_times(held) for name, held in summaries.items()
                }
            return cls(
                dataset=str(folder.path),
                name=folder.name,
                splits=summaries,
                dropped={reason: Counts(**counts) for reason, counts in dropped.items()},
                already_there=already_there,
                timeline={
                    name: Timeline(**held)
                    for name, held in folder.manifest.get("timeline", {}).items()
                },
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise damaged_manifest(folder) from error

    def in_zone(self, zone: tzinfo) -> Self:
        """Return the summary with times in another time zone."""
        moved = {name: split and _in_zone(split, zone) for name, split in self.splits.items()}
        timeline = {name: held.in_zone(zone) for name, held in self.timeline.items()}
        return replace(self, splits=moved, timeline=timeline)


def damaged_manifest(folder: Artefact) -> ArtefactError:
    """Return the error for a manifest that `sbr preprocess` cannot have written."""
    return ArtefactError(
        f"{folder.path / MANIFEST} is damaged: it lacks what a dataset's has",
        hint="make the dataset again: sbr preprocess LOG --overwrite",
    )


def summarise(events: pd.DataFrame) -> SplitSummary:
    """Return the counts of a split's table and its first and last time, in UTC."""
    held, times = count(events), events[TIMESTAMP]
    first, last = format_time(times.min().item()), format_time(times.max().item())
    return SplitSummary(held.events, held.sessions, held.items, first, last)


def _without_times(split: SplitSummary) -> SplitSummary:
    """Return the summary of a split whose timestamps are only sequence numbers."""
    return replace(split, first_time=None, last_time=None)


def _in_zone(split: SplitSummary, zone: tzinfo) -> SplitSummary:
    first, last = (
        time and datetime.fromisoformat(time).astimezone(zone).isoformat()
        for time in (split.first_time, split.last_time)
    )
    return replace(split, first_time=first, last_time=last)
