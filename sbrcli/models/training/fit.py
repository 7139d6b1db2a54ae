"""Train a network in memory: no folder, no checkpoint. `sbrcli.models.training.loop` adds these."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from sbrcli.arrays import IntArray
from sbrcli.artefacts.manifests import WATCHED
from sbrcli.config.training import FitConfig
from sbrcli.errors import TrainingError
from sbrcli.models.network import Network
from sbrcli.models.repeats.lanes import LaneRepeats, limit_pairs
from sbrcli.models.training.arrangement import Arrangement
from sbrcli.models.training.checkpoint import TrainingState, are_finite
from sbrcli.models.training.events import (
    EpochEnded,
    EpochStarted,
    OnEvent,
    StepsDone,
    StopTraining,
    TrainingResumed,
    ValidationStarted,
    ignore_event,
)
from sbrcli.models.training.history import best_epoch
from sbrcli.models.training.interruption import uninterrupted
from sbrcli.models.training.lane_stream import LaneStream, Window
from sbrcli.models.training.loop_settings import Phase, Validate
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.step import TrainingStep
from sbrcli.models.training.team import Team
from sbrcli.models.training.team_step import TeamStep
from sbrcli.sessions import Sessions

PAIRS_PER_CALL = 2**15
"""Number of pairs in one call of the graph, which takes some tenths of a second."""

LOST_LOSS = 1e6
"""Guessing costs log(num_items), at most about 20: training never recovers from this mean loss."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The training data of a network."""

    sessions: Sessions
    """Every item index below the network's `num_items`."""

    validate: Validate | None = None
    """Called with a scorer after each epoch; returns its metrics on valid."""

    num_valid: int = 0
    """Number of targets that `validate` ranks."""


def fit(
    network: Network, data: TrainingData, config: FitConfig, on_event: OnEvent = ignore_event
) -> list[dict[str, Any]]:
    """Train a network, whose variables hold the weights of the last epoch afterwards.

    Args:
        network: the network with its initial weights.
        data: the sessions, and the validation of an epoch.
        config: how to train.
        on_event: called with each event of `sbrcli.models.training.events`. At `EpochEnded` the
            network holds the epoch's weights. If it raises `StopTraining`, training ends there;
            epochs that are complete remain in the history.

    Returns:
        One row for each complete epoch, as in history.csv.

    Raises:
        TrainingError: the loss has diverged, or a weight is not finite.
    """
    loop = EpochLoop(network, data, config, on_event)
    with suppress(StopTraining):
        loop.train()
    loop.step.keep_average()
    return loop.state.history


class EpochLoop:
    """The loop over epochs, which trains on the lanes and validates.

    A subclass stores the state by the methods `_save`, `_is_save_due` and `_store_epoch`. All
    processes of a team call the same methods at once. For the arguments, see `LoopSettings`.
    """

    def __init__(
        self,
        network: Network,
        data: TrainingData,
        config: FitConfig,
        on_event: OnEvent,
        epochs: int | None = None,
        phase: Phase = "fit",
        team: Team | None = None,
        copies: Sequence[Network] = (),
    ) -> None:
        self.team = team
        self.network, self.data, self.config, self.on_event = network, data, config, on_event
        self.num_epochs = config.epochs if epochs is None else epochs
        self.phase: Phase = phase
        self.num_pairs = int(self._target_count().sum())
        """Of an epoch."""
        self._arrangement = Arrangement(data.sessions, config)
        self.bptt = min(config.bptt, self._arrangement.most_steps())
        config = replace(config, bptt=self.bptt)
        how = (config, self._sampler(), self._arrangement.total_chunks(self.bptt))
        self.step = TeamStep(team, copies, *how) if team else TrainingStep(network, *how)
        self.lane_states: list[Any] = self.step.zero_states()
        self.restored_states: list[Any] | None = None
        self.state = TrainingState()
        limit = limit_pairs(data.sessions) if self.step.has_repeats else math.inf
        chunk = config.batch_size * self.bptt
        self.steps_per_call = max(1, int(min(PAIRS_PER_CALL, limit) // chunk)) * self.bptt
        self._window: Window | None = None
        self._repeats: LaneRepeats | None = None
        self.lanes = self._arrange(1)
        self.is_resumed = False
        with uninterrupted():
            self.step.compile()

    def train(self, is_interrupted: Callable[[], bool] = lambda: False) -> None:
        """Train until the last epoch is done.

        Args:
            is_interrupted: called between two calls of the graph; if it returns True, the state is
                saved and KeyboardInterrupt raised.
        """
        self.lane_states = self.step.begin(self.restored_states)
        self.state = TrainingState(**self._from_chief(asdict(self.state)))
        while not self._is_done():
            if self.config.shuffle:
                self.lanes = self._arrange(self.state.epoch)
            self._run_epoch(is_interrupted)
            self._finish_epoch()
            if any(self._in_any(is_interrupted())):
                raise KeyboardInterrupt

    def _from_chief(self, value: Any) -> Any:
        """Return what the chief has; this process's own value if it is alone."""
        return value if self.team is None else self.team.from_chief(value)

    def _in_any(self, *facts: bool) -> Sequence[bool]:
        """Return for each fact whether it holds in any process of the team."""
        return facts if self.team is None else self.team.in_any(facts)

    def _is_done(self) -> bool:
        """Return whether the last epoch is done, or none has been better for too long."""
        history, config = self.state.history, self.config
        if not history or not config.patience:
            return len(history) >= self.num_epochs
        waited = len(history) - best_epoch(history, config.monitor)
        return len(history) >= self.num_epochs or waited >= config.patience

    def _arrange(self, epoch: int) -> LaneStream:
        return self._arrangement.stream(epoch, self.bptt, self.steps_per_call)

    def _sampler(self) -> NegativeSampler | None:
        config, num_items = self.config, self.network.shape.num_items
        n_sample = config.negatives(num_items)
        if n_sample == 0:
            return None
        return NegativeSampler(
            self._train_count(num_items),
            n_sample,
            config.sample_alpha,
            target_count=self._target_count(),
            num_lanes=config.batch_size,
        )

    def _target_count(self) -> IntArray:
        return self.data.sessions.count_items(self.network.shape.num_items, only_targets=True)

    def _train_count(self, num_items: int) -> IntArray:
        return self.data.sessions.count_items(num_items)

    def _run_epoch(self, is_interrupted: Callable[[], bool]) -> None:
        state, pairs = self.state, self.num_pairs
        num_done = self.lanes.count_pairs(state.step)
        if self.is_resumed:
            self.is_resumed = False
            self.on_event(TrainingResumed(**self._at(), done_share=num_done / max(pairs, 1)))
        self.on_event(EpochStarted(**self._at(), num_targets=pairs, num_done=num_done))
        while state.step < self.lanes.num_steps:
            num_done += self._train_steps(num_done)
            is_stopped, is_due = self._in_any(is_interrupted(), self._is_save_due())
            if is_stopped or is_due:
                self._save()
            if is_stopped:
                raise KeyboardInterrupt

    def _at(self) -> dict[str, Any]:
        """Return the position of the training, for events."""
        return {"epoch": self.state.epoch, "epochs": self.num_epochs, "phase": self.phase}

    def call_at(self, step: int, num_steps: int) -> list[Any]:
        """Return the arguments of a call of the graph: `Lanes`, and what is learned repeats' own.

        Args:
            step: the first one.
            num_steps: how many there are at most; a call ends where the window in memory ends.
        """
        if not self.lanes.holds(step):
            self._window = self._repeats = None  # before the next window takes memory
        window = self.lanes.window_at(step)
        if window is not self._window:
            self._window = window
            if self.step.has_repeats:
                self._repeats = LaneRepeats(window.sessions, self.bptt)
        first = step - window.first_step
        lanes = window.lanes.part(slice(first, first + num_steps))
        repeats = self._repeats
        return [lanes, *([] if repeats is None else [self.step.repeats_of(lanes, repeats)])]

    def _train_steps(self, num_done: int) -> int:
        """Train on the steps of one call; return their number of pairs."""
        state = self.state
        lanes, *repeats = self.call_at(state.step, self.steps_per_call)
        began = time.perf_counter()
        loss, self.lane_states = self.step.walk(
            lanes.inputs,
            lanes.targets,
            lanes.starts,
            lanes.is_pair,
            self.lane_states,
            *repeats,
        )
        state.loss += float(loss)
        state.seconds += time.perf_counter() - began
        state.step += len(lanes.inputs)
        pairs = lanes.num_pairs
        mean = state.loss / max(num_done + pairs, 1)
        if not mean < LOST_LOSS:
            raise self._is_lost(f"the loss is {mean:.3g}", num_done)
        self.on_event(StepsDone(num_targets=pairs, loss=mean))
        return pairs

    def _finish_epoch(self) -> None:
        if not are_finite(self.step.variables):
            raise self._is_lost("the weights are not finite", self.num_pairs)
        with self.step.averaged():
            self._judge_epoch()
        self._save()

    def _judge_epoch(self) -> None:
        state, pairs, at = self.state, self.num_pairs, self._at()
        row: dict[str, Any] = {
            "epoch": state.epoch,
            "loss": state.loss / max(pairs, 1),
            "seconds": state.seconds,
            "events_per_second": pairs / max(state.seconds, 1e-9),
            **dict.fromkeys(WATCHED),
        }
        began, metrics = time.perf_counter(), {}
        if self.data.validate is not None:
            self.on_event(ValidationStarted(**at, num_targets=self.data.num_valid))
            metrics = self.data.validate(self.network.scorer())
        row = self._from_chief(row | metrics)
        state.history.append(row)
        is_best = best_epoch(state.history, self.config.monitor) == state.epoch
        self._store_epoch(is_best)
        seconds = state.seconds + time.perf_counter() - began
        left = seconds * (self.num_epochs - state.epoch)
        # From here on the next epoch is the current one, wherever a handler stops training.
        self.state = TrainingState(epoch=state.epoch + 1, history=state.history)
        self.lane_states = self.step.zero_states()
        event = EpochEnded(
            **at,
            num_targets=pairs,
            loss=row["loss"],
            seconds=row["seconds"],
            events_per_second=row["events_per_second"],
            metrics=metrics,
            is_best=is_best,
            seconds_left=left,
        )
        self.on_event(event)

    def _store_epoch(self, is_best: bool) -> None:
        """Store the epoch that has just ended; nothing here."""

    def _save(self) -> None:
        """Store the state; here, only tell the chief of a team the states of the lanes."""
        self.step.all_states(self.lane_states)

    def _is_save_due(self) -> bool:
        """Return whether it is time to store the state, between two calls of the graph."""
        return False

    def _is_lost(self, what: str, num_done: int) -> TrainingError:
        return TrainingError(
            f"{what} after {num_done} events of epoch {self.state.epoch}",
            hint="train again with a lower learning rate",
        )
