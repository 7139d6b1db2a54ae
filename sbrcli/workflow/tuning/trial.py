"""Train one trial in memory: no run folder, no checkpoint."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.training import FitConfig
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ConfigError, TrainingError
from sbrcli.evaluation.validation import validate
from sbrcli.models.scorer import Scorer
from sbrcli.models.training import backend
from sbrcli.models.training.events import (
    EpochEnded,
    LibrariesLoading,
    OnEvent,
    StopTraining,
    TargetsRanked,
    TrainingEvent,
)
from sbrcli.models.training.history import best_epoch
from sbrcli.models.training.memory import out_of_memory_explained
from sbrcli.workflow.training_data import load_training_data
from sbrcli.workflow.training_estimate import require_room
from sbrcli.workflow.tuning.result import State
from sbrcli.workflow.tuning.settings import TuneSettings


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a trial."""

    state: State | None
    """None if it was interrupted and must be trained again."""

    value: float | None
    """The metric that is searched for, of the best epoch."""

    facts: dict[str, object]
    """Entries of `result.Trial`."""


class Runner(Protocol):
    """Trains the trials of a study."""

    def run(
        self,
        options: Mapping[str, Any],
        should_prune: Callable[[int, float], bool],
        should_stop: Callable[[], bool],
    ) -> Outcome:
        """Train a trial; see `TrialRunner.run`."""
        ...

    def close(self) -> None:
        """Free what the trials needed."""


class TrialRunner:
    """Trains the trials of a study on its dataset; reads its train and valid splits alone."""

    def __init__(self, workspace: Workspace, settings: TuneSettings, on_event: OnEvent) -> None:
        """Read the data and start TensorFlow.

        Raises:
            ArtefactError: the dataset is damaged.
            ConfigError: the device does not exist.
        """
        self.workspace, self.settings, self.on_event = workspace, settings, on_event
        self.data = load_training_data(settings.job_of(settings.base), "fit")
        self.valid = load_split(settings.dataset.path, "valid")
        on_event(LibrariesLoading())
        base = settings.base
        backend.start_tensorflow(base.threads, base.device)
        in_bfloat16 = backend.multiplies_in_bfloat16(base.precision)
        self.precision = "bfloat16" if in_bfloat16 else "float32"

    def run(
        self,
        options: Mapping[str, Any],
        should_prune: Callable[[int, float], bool],
        should_stop: Callable[[], bool],
    ) -> Outcome:
        """Train a trial until its last epoch, or until it is pruned or stopped.

        Args:
            options: the searched options; all others are those of the settings.
            should_prune: called after each epoch with its number and the best metric so far.
            should_stop: called often; True ends the trial at once.
        """
        monitor = self.settings.base.monitor
        rows: list[dict[str, float]] = []
        state: State | None = "complete"
        began = time.monotonic()

        def watch(event: TrainingEvent) -> None:
            nonlocal state
            self.on_event(event)
            if isinstance(event, EpochEnded):
                rows.append({"epoch": event.epoch, **event.metrics})
                best = rows[best_epoch(rows, monitor) - 1][monitor]
                if event.epoch < event.epochs and should_prune(event.epoch, best):
                    state = "pruned"
                    raise StopTraining
                if event.epoch == event.epochs:
                    return
            if should_stop():
                state = None
                raise StopTraining

        error = None
        try:
            config = self.settings.configure(options)
            self._fit(config, watch)
        except (TrainingError, ConfigError) as failure:
            state, error = "failed", str(failure)
        finally:
            backend.release_memory()
        facts: dict[str, object] = {
            "seconds": round(time.monotonic() - began, 3),
            "epochs": len(rows),
            "error": error,
        }
        if not rows:
            return Outcome(state, None, facts)
        best = rows[best_epoch(rows, monitor) - 1]
        metrics = {name: figure for name, figure in best.items() if name != "epoch"}
        facts |= {"best_epoch": best["epoch"], "metrics": metrics}
        return Outcome(state, metrics[monitor], facts)

    def close(self) -> None:
        """Do nothing: the memory of each trial is already free."""

    def _fit(self, config: FitConfig, watch: OnEvent) -> None:
        from sbrcli.models.training.fit import TrainingData as FitData
        from sbrcli.models.training.fit import fit

        job = self.settings.job_of(replace(config, precision=self.precision))
        family, shape = job.family, job.shape
        require_room(self.workspace, job, on_disk=False)

        def measure(scorer: Scorer) -> dict[str, float]:
            def advance(done: int, /, **_figures: object) -> None:
                watch(TargetsRanked(num_targets=done))

            return validate(scorer, self.valid, advance)

        with out_of_memory_explained():
            weights = family.initial_weights(shape, config.seed)
            network = family.make_network(shape, job.config, weights)
            data = FitData(self.data.sessions, measure, self.valid.num_targets)
            fit(network, data, job.config, watch)
