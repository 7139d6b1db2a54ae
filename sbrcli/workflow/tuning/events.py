"""What a tuning reports while it runs, beside the events of each trial's own training."""

from collections.abc import Callable
from dataclasses import dataclass

from sbrcli.models.training.events import TrainingEvent
from sbrcli.workflow.tuning.result import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneEvent:
    """An event of one trial, and how far the tuning has come."""

    trial: Trial
    trials: int
    """How many trials there will be."""

    best: Trial | None
    """The best complete trial so far, this one included."""

    seconds_left: float | None
    """Estimated time until the last trial ends, or until the time limit; None if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStarted(TuneEvent):
    """A trial is about to be trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnded(TuneEvent):
    """A trial is complete, pruned or failed."""


OnTuneEvent = Callable[[TuneEvent | TrainingEvent], None]
"""A handler of events."""


def ignore_tune_event(_event: TuneEvent | TrainingEvent) -> None:
    """Drop an event; the default handler."""
