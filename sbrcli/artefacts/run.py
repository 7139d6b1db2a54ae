"""A run on disk: its dataset, its options and its epochs, decoded from its manifest."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Required, TypedDict

from sbrcli.artefacts.artefact import Artefact
from sbrcli.artefacts.dataset import Counts
from sbrcli.artefacts.decode import Count, Moment
from sbrcli.artefacts.manifests import Kind
from sbrcli.errors import ArtefactError

Phase = Literal["fit", "refit"]
""""fit" trains on train and finds the best epoch on valid; "refit" retrains on both."""

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
"""The figures of an epoch, as in history.csv; the metrics are on valid, None without a valid split.
Other versions of sbr may have written more or fewer."""


@dataclass(frozen=True, slots=True)
class DatasetReference:
    """The dataset that a run was trained on."""

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Parent:
    """The run from whose weights a run started."""

    run: str
    weights: str
    """The checksum of these weights."""


@dataclass(frozen=True, slots=True)
class Update:
    """What `sbr update` trained on beyond what the parent had learned from."""

    since: float
    """Time of the last event that the parent had learned from, in seconds since 1970 UTC."""

    replay: float
    """Replayed targets for each new one."""

    added: Counts
    """New events, sessions that begin with them, and new items."""

    log: str | None = None
    """The SHA-256 of the newer log."""

    start: str | None = None
    """The checksum of the weights that training began at."""


@dataclass(frozen=True, slots=True)
class Refit:
    """The second training, on train and valid."""

    epochs: list[EpochRow]


@dataclass(frozen=True, slots=True)
class LearnedFrom:
    """How the log of a run's dataset was read and cut into sessions, and when training ends."""

    config: dict[str, Any]
    """The options of `sbr preprocess`."""

    last_time: Moment | None = None
    """The time of the last training event; None without times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Artefact):
    """A run, complete or not, as its manifest describes it."""

    kind: ClassVar[Kind] = "run"

    config: dict[str, Any]
    """The options of `sbr train`, without those that were added after the run was trained."""

    dataset: DatasetReference
    network: dict[str, Any]
    """The sizes of the network, as its family writes them."""

    parameters: Count
    status: str | None = None
    phase: Phase = "fit"
    """The current phase, if the run is not complete."""

    model: str = "gru4rec"
    """The family of its network; the default for runs of earlier versions of sbr."""

    parent: Parent | None = None
    update: Update | None = None
    """None unless `sbr update` made the run."""

    precision: Literal["float32", "bfloat16"] | None = None
    epochs: list[EpochRow] | None = None
    best_epoch: Count | None = None
    refit: Refit | None = None
    stopped: str | None = None
    """Why training ended before its last epoch; None if it did not."""

    top_lists: dict[str, float] | None = None
    """How the top lists of the best epoch differ on valid; None if that was not measured."""

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
        """Return the error for an entry that the manifest lacks."""
        return ArtefactError(
            f"the manifest of run {self.name} lacks {entry}",
            hint="train the run again with --overwrite",
        )
