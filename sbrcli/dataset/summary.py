"""What a dataset holds and what was left out, as it is reported and kept in the manifest."""

from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Self

import pandas as pd

from sbrcli.artefacts.artefact import Artefact
from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.dataset.filters import Counts, count
from sbrcli.errors import ArtefactError
from sbrcli.log.columns.times import format_time
from sbrcli.log.events import TIMESTAMP


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """How much one split holds, and of when.

    Times are ISO 8601 with an offset, or None where the log was read without times.
    """

    events: int
    sessions: int
    items: int
    first_time: str | None
    last_time: str | None


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """A dataset on disk: its folder, its splits and what was left out."""

    dataset: str
    """The folder's path."""

    name: str
    splits: dict[str, SplitSummary | None]
    """By train, valid, test; None where there is no valid or no test."""

    dropped: dict[str, Counts]
    """By reason; its events and the splits' are every row of the log, once. With --split last an
    event of valid or test is a session's last there: the others are train's or valid's too."""

    already_there: bool = False
    """Whether the same had been made before, and nothing was done."""

    @classmethod
    def from_folder(cls, folder: Artefact, already_there: bool = False) -> Self:
        """Read a dataset's figures from its manifest.

        Raises:
            ArtefactError: they are not in it.
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
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise damaged_manifest(folder) from error

    def in_zone(self, zone: tzinfo) -> Self:
        """Return the same with the times as a clock in that zone shows them."""
        moved = {name: split and _in_zone(split, zone) for name, split in self.splits.items()}
        return replace(self, splits=moved)


def damaged_manifest(folder: Artefact) -> ArtefactError:
    """Return the error of a manifest that is not what `sbr preprocess` writes."""
    return ArtefactError(
        f"{folder.path / MANIFEST} is damaged: it lacks what a dataset's has",
        hint="make the dataset again: sbr preprocess LOG --overwrite",
    )


def summarise(events: pd.DataFrame) -> SplitSummary:
    """Count a split's table, and find its first and last time, in UTC."""
    held, times = count(events), events[TIMESTAMP]
    first, last = format_time(times.min().item()), format_time(times.max().item())
    return SplitSummary(held.events, held.sessions, held.items, first, last)


def _without_times(split: SplitSummary) -> SplitSummary:
    """Return a split whose events are numbered and have no times."""
    return replace(split, first_time=None, last_time=None)


def _in_zone(split: SplitSummary, zone: tzinfo) -> SplitSummary:
    first, last = (
        time and datetime.fromisoformat(time).astimezone(zone).isoformat()
        for time in (split.first_time, split.last_time)
    )
    return replace(split, first_time=first, last_time=last)
