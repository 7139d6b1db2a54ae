"""A run on disk, read once: what it was trained on, how, and what came of it."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Required, TypedDict

from sbrcli.artefacts.artefact import Artefact
from sbrcli.artefacts.decode import Count, Moment
from sbrcli.artefacts.manifests import Kind
from sbrcli.errors import ArtefactError

Phase = Literal["fit", "refit"]
"""Training on train, with the best epoch found on valid; and then again, on train and valid."""

EpochRow = TypedDict(
    "EpochRow",
    {
        "epoch": Required[Count],
        "loss": float | None,
        "seconds": float | None,
        "events_per_second": float | None,
        "recall@20": float | None,
        "mrr@20": float | None,
        "ndcg@20": float | None,
    },
    total=False,
)
"""The figures of an epoch, as in history.csv; the metrics are those on valid, None without one.
Another version of sbr may have written more of them, or fewer."""


@dataclass(frozen=True, slots=True)
class DatasetReference:
    """The dataset that a run was trained on."""

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Parent:
    """The run at whose weights a run began."""

    run: str
    weights: str
    """The checksum of the weights."""


@dataclass(frozen=True, slots=True)
class Refit:
    """The second training, on train and valid."""

    epochs: list[EpochRow]


@dataclass(frozen=True, slots=True)
class LearnedFrom:
    """How the log of a run's dataset was read and cut into sessions, and when it ends."""

    config: dict[str, Any]
    """The options of `sbr preprocess`."""

    last_time: Moment | None = None
    """The time of the last event that the run was trained on; None without times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Artefact):
    """A run, complete or not, as its manifest describes it."""

    kind: ClassVar[Kind] = "run"

    config: dict[str, Any]
    """The options of `sbr train`; those that came later than the run are not in it."""

    dataset: DatasetReference
    network: dict[str, Any]
    """The sizes of the network, as its family writes them."""

    parameters: Count
    status: str | None = None
    phase: Phase = "fit"
    """The phase under way, if the run is not complete."""

    model: str = "gru4rec"
    """The family of its network; runs from before there were others do not state it."""

    parent: Parent | None = None
    precision: Literal["float32", "bfloat16"] | None = None
    epochs: list[EpochRow] | None = None
    best_epoch: Count | None = None
    refit: Refit | None = None
    stopped: str | None = None
    """Why training ended before its last epoch; None if it did not."""

    learned_from: LearnedFrom | None = None
    versions: dict[str, str] = field(default_factory=dict)
    """The versions of the libraries that trained it, by name."""

    @property
    def is_complete(self) -> bool:
        """Whether training is over, so that the run can be used."""
        return self.status == "complete"

    @property
    def is_refitted(self) -> bool:
        """Whether the run was trained on valid too."""
        return self.refit is not None

    def lacks(self, entry: str) -> ArtefactError:
        """Return the error of an entry that the manifest lacks."""
        return ArtefactError(
            f"the manifest of run {self.name} lacks {entry}",
            hint="train the run again with --overwrite",
        )
