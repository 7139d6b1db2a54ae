"""A dataset on disk: its source, its options and its splits, decoded from its manifest."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from sbrcli.artefacts.artefact import Artefact
from sbrcli.artefacts.decode import Count, Moment
from sbrcli.artefacts.manifests import MANIFEST, Kind
from sbrcli.errors import ArtefactError


@dataclass(frozen=True, slots=True)
class Counts:
    """The size of a table, or of the part that a step dropped.

    A session or an item is dropped with its last event.
    """

    events: int = 0
    sessions: int = 0
    items: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.events + other.events, self.sessions + other.sessions, self.items + other.items
        )

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(
            self.events - other.events, self.sessions - other.sessions, self.items - other.items
        )


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """The size and the time span of one split.

    Times are ISO 8601 with an offset, or None if the log was read without times.
    """

    events: Count
    sessions: Count
    items: Count
    first_time: Moment | None = None
    last_time: Moment | None = None


@dataclass(frozen=True, slots=True)
class TargetTimes:
    """When training ends and the targets of a split begin, as ISO 8601 with an offset."""

    train_last_time: Moment
    first_target_time: Moment
    targets_after_train: float
    """The share of the targets that are later than the last training event."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A source file of a dataset: a log, or a file of titles.

    For several files, `name` lists their names, and `sha256` is the hash of their hashes.
    """

    name: str
    sha256: str | None = None
    parts: "list[SourceFile] | None" = None

    def to_document(self) -> dict[str, Any]:
        """Return the manifest's entry; `parts` only if there are several files."""
        parts = [part.to_document() for part in self.parts or ()]
        return {"name": self.name, "sha256": self.sha256} | ({"parts": parts} if parts else {})


@dataclass(frozen=True, slots=True)
class Source(SourceFile):
    """All source files of a dataset: the log, and the other files."""

    rows: int | None = None
    """The number of rows of all logs together."""

    test_log: SourceFile | None = None
    valid_log: SourceFile | None = None
    titles: SourceFile | None = None

    @property
    def others(self) -> dict[str, SourceFile | None]:
        """The files other than the log, by the option that names them."""
        return {"test_log": self.test_log, "valid_log": self.valid_log, "titles": self.titles}

    def to_document(self) -> dict[str, Any]:
        """Return the manifest's entry."""
        others = {name: file and file.to_document() for name, file in self.others.items()}
        return SourceFile.to_document(self) | others | {"rows": self.rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(Artefact):
    """A dataset, as its manifest describes it."""

    kind: ClassVar[Kind] = "dataset"

    source: Source
    config: dict[str, Any]
    """The options of `sbr preprocess`, without those that were added after the dataset was made."""

    splits: dict[str, SplitSummary | None]
    """The size of train, valid and test; None for a split that the dataset does not have."""

    dropped: dict[str, Counts]
    """How much was dropped, by reason."""

    fingerprint: str
    timeline: dict[str, TargetTimes] = field(default_factory=dict)
    """The times of the targets of valid and test, by split; empty without times, and for a dataset
    of an earlier version of sbr."""

    train_full: SplitSummary | None = None
    """The size of train and valid together, which --refit trains on."""

    @property
    def is_complete(self) -> bool:
        """True: a dataset folder is complete or absent."""
        return True

    @property
    def has_times(self) -> bool:
        """Whether the log was read with its times."""
        return not self.config.get("no_time", False)

    @property
    def train(self) -> SplitSummary:
        """The summary of train.

        Raises:
            ArtefactError: the manifest lacks it.
        """
        train = self.splits.get("train")
        if train is None:
            raise self.lacks("splits.train")
        return train

    def lacks(self, entry: str) -> ArtefactError:
        """Return the error for an entry that the manifest lacks."""
        return self.damaged(f"{entry} is missing")

    def damaged(self, problem: str) -> ArtefactError:
        """Return the error for a manifest that `sbr preprocess` cannot have written."""
        return ArtefactError(
            f"{self.path / MANIFEST} is damaged: {problem}",
            hint="make the dataset again: sbr preprocess LOG --overwrite",
        )
