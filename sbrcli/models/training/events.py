"""The events of a training, with which an `on_event` handler is called.

In a training without interruption they come in this order: `TrainingPlanned` and
`LibrariesLoading` (from `sbr train` alone), then for each epoch `EpochStarted`, `StepsDone` again
and again, `ValidationStarted` and `TargetsRanked` if there is a valid split, and `EpochEnded`. A
handler ends the training by raising `StopTraining`. Nothing here loads TensorFlow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sbrcli.artefacts.run import Phase


class StopTraining(Exception):  # noqa: N818  it is a signal and no error
    """Raised by an event handler to end the training after the event.

    `fit` then returns the history of the complete epochs. A training in a run's folder saves its
    state and raises this again: the run is not complete, and can be resumed.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlanned:
    """A run is to be trained, unless it exists already."""

    run: str
    dataset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LibrariesLoading:
    """TensorFlow is about to be imported, which takes seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEvent:
    """An event of one epoch."""

    epoch: int
    """Counted from 1."""

    epochs: int
    """How many epochs are trained at most."""

    phase: Phase = "fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResumed(EpochEvent):
    """Training resumes from a checkpoint, within this epoch or at its start."""

    done_share: float
    """The share of the epoch's targets that it was trained on before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochStarted(EpochEvent):
    """An epoch is about to start, or to continue after `TrainingResumed`."""

    num_targets: int
    """Targets of the whole epoch."""

    num_done: int = 0
    """Those of them that it was trained on before the interruption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsDone:
    """Some steps of the epoch are done, a few tenths of a second of work."""

    num_targets: int
    """Targets of these steps."""

    loss: float
    """Mean loss of the epoch so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationStarted(EpochEvent):
    """The epoch's training is done; the targets of valid are about to be ranked."""

    num_targets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsRanked:
    """Some targets of valid are ranked."""

    num_targets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEnded(EpochEvent):
    """An epoch is complete; the network still holds its weights."""

    num_targets: int
    loss: float
    """Mean loss of the epoch's targets."""

    seconds: float
    """Duration of the training steps, without validation."""

    events_per_second: float
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The metrics on valid, as in {"mrr@20": 0.1}; empty without a valid split."""

    is_best: bool
    """Whether no earlier epoch is as good by `--monitor`."""

    seconds_left: float
    """Estimated duration of the epochs that remain, with validation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested:
    """Ctrl-C was pressed; training stops as soon as its state is saved."""


TrainingEvent = (
    TrainingPlanned
    | LibrariesLoading
    | TrainingResumed
    | EpochStarted
    | StepsDone
    | ValidationStarted
    | TargetsRanked
    | EpochEnded
    | StopRequested
)

OnEvent = Callable[[TrainingEvent], None]
"""A handler of events."""


def ignore_event(_event: TrainingEvent) -> None:
    """Drop an event; the default handler."""
