"""The training loop in a run's folder: checkpoints, the best weights, history, resume."""

import time
from collections.abc import Sequence
from typing import Any

from sbrcli.arrays import IntArray
from sbrcli.errors import ArtefactError, TrainingError
from sbrcli.models.training.checkpoint import (
    Checkpoint,
    UnusableCheckpointError,
    are_finite,
    load_checkpoint,
    save_checkpoint,
)
from sbrcli.models.training.events import StopRequested, StopTraining
from sbrcli.models.training.fit import EpochLoop, TrainingData
from sbrcli.models.training.history import best_epoch, write_history
from sbrcli.models.training.interruption import deferred_interrupt
from sbrcli.models.training.loop_settings import LoopSettings
from sbrcli.models.training.team_step import tensors_of
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights, save_weights


class TrainingLoop(EpochLoop):
    """Trains in a folder, continuing from its checkpoint if there is one."""

    def __init__(self, settings: LoopSettings) -> None:
        self.settings = settings
        data = TrainingData(settings.sessions, settings.validate, settings.num_valid)
        super().__init__(
            settings.network,
            data,
            settings.config,
            settings.on_event,
            settings.epochs,
            settings.phase,
            settings.team,
            settings.copies,
        )
        self.saved_at = time.monotonic()
        self.is_resumed = self._resume()
        if not self.is_resumed:
            for name, slot in settings.slots.items():
                self.step.optimizer.slots[name].assign(slot)

    def run(self) -> list[dict[str, Any]]:
        """Train until the last epoch is done; return a row for each, as in history.csv.

        Raises:
            TrainingError: the loss has diverged, or a weight is not finite.
            KeyboardInterrupt: Ctrl-C was pressed; the checkpoint holds the state.
            StopTraining: the event handler raised it; the checkpoint holds the state.
        """
        with deferred_interrupt(lambda: self.settings.on_event(StopRequested())) as is_interrupted:
            try:
                self.train(is_interrupted)
            except StopTraining:
                if self.team is None:  # the others of a team would have to know of it
                    self._save()
                raise
        self.step.keep_average()
        return self.state.history

    def _train_count(self, num_items: int) -> IntArray:  # noqa: ARG002
        return self.settings.train_count

    def _store_epoch(self, is_best: bool) -> None:
        if is_best and self.settings.phase == "fit":
            save_weights(self.settings.folder / WEIGHTS_FILE, self.step.variables, self.state.epoch)
        # Before the checkpoint: after a crash in between, the row is written again.
        write_history(self.settings.folder, self.state.history)

    def _is_save_due(self) -> bool:
        return time.monotonic() - self.saved_at >= self.settings.checkpoint_seconds

    def _tensors(self, states: Sequence[Any]) -> dict[str, Any]:
        """Return all tensors that a step changes, by name, and the states of all lanes."""
        named = {f"state/{layer}": state for layer, state in enumerate(states)}
        return {**tensors_of(self.step), **named}

    def _zero_states(self) -> list[Any]:
        return self.network.zero_states(self.config.batch_size)

    def _save(self) -> None:
        """Save the state, unless it contains numbers that are not finite."""
        tensors = self._tensors(self.step.all_states(self.lane_states))
        if are_finite(tensors):
            save_checkpoint(self.settings.folder, self.state, tensors)
        self.saved_at = time.monotonic()

    def _resume(self) -> bool:
        """Restore the checkpoint's state; return whether there is a usable one."""
        try:
            found = load_checkpoint(self.settings.folder)
            if found is None:
                return False
            self._require_usable(found)
        except UnusableCheckpointError as error:
            self.settings.warn(f"{error}; training starts again")
            return False
        self.state = found.state
        for name, tensor in tensors_of(self.step).items():
            tensor.assign(found.read(name))
        states = [found.read(f"state/{layer}") for layer in range(len(self._zero_states()))]
        self.restored_states = states
        return True

    def _require_usable(self, found: Checkpoint) -> None:
        """Check that training can continue from a checkpoint, and that the best weights exist."""
        found.require(self._tensors(self._zero_states()))
        if found.state.history and self.settings.phase == "fit":
            try:
                load_weights(self.settings.folder / WEIGHTS_FILE, self.network.shape)
            except ArtefactError as error:
                raise UnusableCheckpointError(str(error)) from error

    def _is_lost(self, what: str, num_done: int) -> TrainingError:
        state = self.state
        where = f"epoch {state.epoch}; no weights are kept"
        if self.settings.phase == "refit":
            where = f"epoch {state.epoch} of the refit; the weights from before the refit are kept"
        elif state.history:
            best = best_epoch(state.history, self.settings.config.monitor)
            where = f"epoch {state.epoch}; epoch {best}'s weights are kept"
        return TrainingError(
            f"{what} after {num_done} events of {where}",
            hint="train again with --overwrite and a lower --learning-rate",
        )
