"""The epochs of a training: walk the lanes, validate, keep the best weights, save the place."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf

from sbrcli.artefacts.manifests import WATCHED
from sbrcli.config.training import TrainConfig
from sbrcli.errors import ArtefactError, TrainingError
from sbrcli.models.training.checkpoint import (
    Checkpoint,
    TrainingState,
    UnusableCheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from sbrcli.models.training.history import best_epoch, write_history
from sbrcli.models.training.interruption import deferred_interrupt
from sbrcli.models.training.lanes import Lanes, arrange_lanes, most_steps, order_by_start
from sbrcli.models.training.loop_settings import LoopSettings
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.step import TrainingStep
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights, save_weights

PAIRS_PER_CALL = 2**15
"""About so many pairs are walked in one call of the graph: some tenths of a second."""

LOST_LOSS = 1e6
"""Guessing costs log(num_items), some 20 at most: from such a mean loss nothing comes back."""


class TrainingLoop:
    """Runs a plan's epochs from wherever its checkpoint stands."""

    def __init__(self, plan: LoopSettings) -> None:
        self.plan = plan
        self.network = plan.network
        self.bptt = min(plan.config.bptt, self._most_steps())
        self.lanes = self._arrange(1)
        config = replace(plan.config, bptt=self.bptt)
        self.step = TrainingStep(self.network, config, self._sampler(), self._total_chunks())
        self.states = self.step.zero_states()
        self.place = TrainingState()
        self.steps_per_call = _steps_per_call(config)
        self.saved_at = time.monotonic()
        self.step.compile()
        self.is_resumed = self._resume()

    def run(self) -> list[dict[str, Any]]:
        """Train until the last epoch is done; give a row for each, as in history.csv.

        Raises:
            TrainingError: the loss is lost, or a weight is not finite.
            KeyboardInterrupt: Ctrl-C was pressed; the checkpoint stands where training stopped.
        """
        with deferred_interrupt(lambda: self.plan.watch("stopping", 0, {})) as is_interrupted:
            while not self._is_done():
                if self.plan.config.shuffle:
                    self.lanes = self._arrange(self.place.epoch)
                self._run_epoch(is_interrupted)
                self._finish_epoch()
                if is_interrupted():
                    raise KeyboardInterrupt
        return self.place.history

    def _is_done(self) -> bool:
        """Return whether the last epoch is done, or none has been better for too long."""
        history, config = self.place.history, self.plan.config
        if not history or not config.patience:
            return len(history) >= self.plan.num_epochs
        waited = len(history) - best_epoch(history, config.monitor)
        return len(history) >= self.plan.num_epochs or waited >= config.patience

    def _arrange(self, epoch: int) -> Lanes:
        config, sessions = self.plan.config, self.plan.sessions
        order = order_by_start(sessions)
        if config.shuffle:
            order = np.random.default_rng([config.seed, epoch]).permutation(order)
        return arrange_lanes(sessions, config.batch_size, order).padded(self.bptt)

    def _most_steps(self) -> int:
        """Compute how many steps the lanes hold; a longer chunk would be padding in every epoch.

        Where sessions are shuffled, it is a bound that holds for any order.
        """
        config, sessions = self.plan.config, self.plan.sessions
        if config.shuffle:
            return max(1, most_steps(sessions, config.batch_size))
        lanes = arrange_lanes(sessions, config.batch_size, order_by_start(sessions))
        return max(1, len(lanes.inputs))

    def _total_chunks(self) -> int:
        config = self.plan.config
        if config.shuffle and config.schedule != "constant":
            # Sessions laid in another order may fill another number of chunks.
            return sum(
                len(self._arrange(epoch).inputs) // self.bptt
                for epoch in range(1, config.epochs + 1)
            )
        return config.epochs * len(self.lanes.inputs) // self.bptt

    def _sampler(self) -> NegativeSampler | None:
        config = self.plan.config
        n_sample = config.negatives(self.network.shape.num_items)
        if n_sample == 0:
            return None
        return NegativeSampler(self.plan.train_count, n_sample, config.sample_alpha)

    def _run_epoch(self, is_interrupted: Callable[[], bool]) -> None:
        place, pairs = self.place, self.lanes.num_pairs
        walked = int(self.lanes.is_pair[: place.step].sum())
        if self.is_resumed:
            self.is_resumed = False
            share = walked / max(pairs, 1)
            self.plan.watch("resumed", walked, self._at() | {"share": share})
        self.plan.watch("epoch", pairs, self._at())
        if walked:
            self.plan.watch("pairs", walked, {})
        while place.step < len(self.lanes.inputs):
            walked += self._walk_once(walked)
            if time.monotonic() - self.saved_at >= self.plan.checkpoint_seconds:
                self._save()
            if is_interrupted():
                self._save()
                raise KeyboardInterrupt

    def _at(self) -> dict[str, Any]:
        """Return the position of the training, for the `watch` callback."""
        epochs, phase = self.plan.num_epochs, self.plan.phase
        return {"epoch": self.place.epoch, "epochs": epochs, "phase": phase}

    def _walk_once(self, walked: int) -> int:
        """Walk one call's steps; give how many pairs they held."""
        place = self.place
        window = slice(place.step, place.step + self.steps_per_call)
        is_pair = self.lanes.is_pair[window]
        began = time.perf_counter()
        loss, self.states = self.step.walk(
            self.lanes.inputs[window],
            self.lanes.targets[window],
            self.lanes.starts[window],
            is_pair,
            self.states,
        )
        place.loss += float(loss)
        place.seconds += time.perf_counter() - began
        place.step = window.stop
        pairs = int(is_pair.sum())
        mean = place.loss / max(walked + pairs, 1)
        if not mean < LOST_LOSS:
            raise _is_lost(f"the loss is {mean:.3g}", place, walked, self.plan)
        self.plan.watch("pairs", pairs, {"loss": f"{mean:.4f}"})
        return pairs

    def _finish_epoch(self) -> None:
        place, pairs = self.place, self.lanes.num_pairs
        if not _are_finite(self.step.variables):
            raise _is_lost("the weights are not finite", place, pairs, self.plan)
        row: dict[str, Any] = {
            "epoch": place.epoch,
            "loss": place.loss / max(pairs, 1),
            "seconds": place.seconds,
            "events_per_second": pairs / max(place.seconds, 1e-9),
            **dict.fromkeys(WATCHED),
        }
        began = time.perf_counter()
        if self.plan.validate is not None:
            self.plan.watch("validation", self.plan.num_valid, self._at())
            row |= self.plan.validate(self.network.scorer())
        place.history.append(row)
        is_best = best_epoch(place.history, self.plan.config.monitor) == place.epoch
        if is_best and self.plan.phase == "fit":
            save_weights(self.plan.folder / WEIGHTS_FILE, self.step.variables, place.epoch)
        # Before the checkpoint: what is done twice after a crash is written twice, not never.
        write_history(self.plan.folder, place.history)
        self._tell_end(pairs, row, is_best, place.seconds + time.perf_counter() - began)
        self.place = TrainingState(epoch=place.epoch + 1, history=place.history)
        self.states = self.step.zero_states()
        self._save()

    def _tell_end(self, pairs: int, row: dict[str, Any], is_best: bool, seconds: float) -> None:
        """Report the end of an epoch, which took `seconds` with its validation."""
        left = seconds * (self.plan.num_epochs - self.place.epoch)
        told = {"row": row, "is_best": is_best, "seconds_left": left}
        self.plan.watch("epoch_end", pairs, self._at() | told)

    def _tensors(self) -> dict[str, Any]:
        """Name everything that a step reads and changes."""
        return {
            **{f"weight/{name}": variable for name, variable in self.step.variables.items()},
            **{f"slot/{name}": variable for name, variable in self.step.optimizer.slots.items()},
            "chunks_done": self.step.chunks_done,
            **{f"state/{layer}": state for layer, state in enumerate(self.states)},
        }

    def _save(self) -> None:
        """Save the place, unless the last step has spoilt it: then the last good one stays."""
        tensors = self._tensors()
        if _are_finite(tensors):
            save_checkpoint(self.plan.folder, self.place, tensors)
        self.saved_at = time.monotonic()

    def _resume(self) -> bool:
        """Go back to where the checkpoint stands, and tell whether there is one to use."""
        try:
            found = load_checkpoint(self.plan.folder)
            if found is None:
                return False
            self._require_usable(found)
        except UnusableCheckpointError as error:
            self.plan.warn(f"{error}; training starts again")
            return False
        self.place = found.place
        for name, tensor in self._tensors().items():
            if isinstance(tensor, tf.Variable):
                tensor.assign(found.read(name))
        self.states = [tf.constant(found.read(f"state/{n}")) for n in range(len(self.states))]
        return True

    def _require_usable(self, found: Checkpoint) -> None:
        """Check that training can go on from a checkpoint, and keeps the best weights so far."""
        found.require(self._tensors())
        if found.place.history and self.plan.phase == "fit":
            try:
                load_weights(self.plan.folder / WEIGHTS_FILE, self.network.shape)
            except ArtefactError as error:
                raise UnusableCheckpointError(str(error)) from error


def _are_finite(tensors: Mapping[str, Any]) -> bool:
    """Return whether no number is infinite or none at all, copying one tensor at a time."""
    return all(np.isfinite(tensor.numpy()).all() for tensor in tensors.values())


def _steps_per_call(config: TrainConfig) -> int:
    chunk = config.batch_size * config.bptt
    return max(1, PAIRS_PER_CALL // chunk) * config.bptt


def _is_lost(what: str, place: TrainingState, walked: int, plan: LoopSettings) -> TrainingError:
    where = f"epoch {place.epoch}; no weights are kept"
    if plan.phase == "refit":
        where = f"epoch {place.epoch} of the refit; the weights from before the refit are kept"
    elif place.history:
        best = best_epoch(place.history, plan.config.monitor)
        where = f"epoch {place.epoch}; epoch {best}'s weights are kept"
    return TrainingError(
        f"{what} after {walked} events of {where}",
        hint="train again with --overwrite and a lower --learning-rate",
    )
