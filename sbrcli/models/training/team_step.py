"""The training step of a team: a chunk at a time, divided among the workers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from sbrcli.config.training import FitConfig
from sbrcli.models.network import Network
from sbrcli.models.repeats.chunk import call_signature
from sbrcli.models.repeats.lanes import CallRepeats, LaneRepeats, nothing_seen
from sbrcli.models.training.lanes import Lanes
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.step import TrainingStep
from sbrcli.models.training.team import Team


class TeamStep:
    """The training step of a team: what `TrainingStep` is, divided among the workers.

    Args:
        team: the workers.
        networks: the network, once for each device of this process, with the same weights.
        config: how to train.
        sampler: samples the negatives; None compares with all items.
        total_chunks: the number of chunks of the whole training, for the schedule.
    """

    def __init__(
        self,
        team: Team,
        networks: Sequence[Network],
        config: FitConfig,
        sampler: NegativeSampler | None,
        total_chunks: int,
    ) -> None:
        self.team, self.steps = team, list[TrainingStep]()
        for device, network in enumerate(networks):
            with tf.device(team.devices[device]):
                share = team.share_of(device)
                step = TrainingStep(network, config, sampler, total_chunks, share, team.average)
            self.steps.append(step)
        first = self.steps[0]
        self.variables, self.optimizer = first.variables, first.optimizer
        self.chunks_done, self.has_repeats = first.chunks_done, first.has_repeats
        self.weight_average = first.weight_average
        self.averaged, self.keep_average = first.averaged, first.keep_average
        self.bptt = first.bptt
        # A sum between processes cannot stand in a loop of the graph: a call trains on one chunk.
        lanes = (None, first.all_lanes)
        states = [tf.TensorSpec(state.shape, state.dtype) for state in first.zero_states()]
        near = [list(call_signature(first.num_lanes))] if self.has_repeats else []
        self._train_chunk = tf.function(
            self._run_chunk,
            autograph=False,
            # Traced once: processes that trace at different times would mix up their sums.
            input_signature=[
                tf.TensorSpec((), tf.int32),
                [tf.TensorSpec(lanes, kind) for kind in (tf.int32, tf.int32, tf.bool, tf.bool)],
                [states for _ in self.steps],
                [*near] * len(self.steps),
            ],
        )

    def compile(self) -> None:
        """Trace and compile the graph; see `TrainingStep.compile`."""
        first = self.steps[0]
        items = np.zeros((self.bptt, first.all_lanes), np.int32)
        no = np.zeros(items.shape, bool)
        repeats = [nothing_seen(self.bptt, first.num_lanes) for _ in self.steps]
        self.walk(items, items, no, no, self.zero_states(), *([repeats] * self.has_repeats))
        for step in self.steps:
            for counter in (step.chunks_done, step.optimizer.slots.get("step")):
                if counter is not None:
                    counter.assign(tf.zeros_like(counter))
            if step.weight_average is not None:
                step.weight_average.begin()

    def zero_states(self) -> list[list[Any]]:
        """Return the state before the first chunk, for each device of this process."""
        return [step.zero_states() for step in self.steps]

    def walk(
        self,
        inputs: Any,
        targets: Any,
        starts: Any,
        is_pair: Any,
        states: list[list[Any]],
        repeats: Sequence[CallRepeats] = (),
    ) -> Any:
        """Train on the steps given, of all lanes; see `TrainingStep.walk`.

        Args:
            inputs: (steps, lanes), as the next three.
            targets: see `Lanes`.
            starts: see `Lanes`.
            is_pair: see `Lanes`.
            states: for each device of this process.
            repeats: likewise.
        """
        arrays = [tf.constant(array) for array in (inputs, targets, starts, is_pair)]
        near: list[Any] = [[tf.constant(part) for part in one] for one in repeats]
        loss = np.float32(0)
        for chunk in range(len(inputs) // self.bptt):
            chunk_loss, states = self._train_chunk(tf.constant(chunk), arrays, states, near)
            loss += chunk_loss.numpy()
        return loss, states

    def _run_chunk(self, chunk: Any, arrays: Any, states: Any, repeats: Any) -> Any:
        def train_own(chunk: Any, arrays: Any, states: Any, repeats: Any) -> Any:
            at = self._device_number()
            near = CallRepeats(*repeats[at]) if repeats else None
            return self.steps[at].train_chunk(chunk, arrays, states[at], near)

        found = self.team.strategy.run(train_own, args=(chunk, arrays, states, repeats))
        loss, ends = found
        local = self.team.strategy.experimental_local_results
        per_device = [local(end) for end in ends]  # of each state, that of each device
        new = [[one[at] for one in per_device] for at in range(len(self.steps))]
        return local(loss)[0], new

    def _device_number(self) -> int:
        """Return which of this process's devices runs the function that is being traced."""
        if len(self.steps) == 1:
            return 0
        context: Any = tf.distribute.get_replica_context()
        return int(tf.get_static_value(context.replica_id_in_sync_group)) % len(self.steps)

    def repeats_of(self, lanes: Lanes, repeats: LaneRepeats) -> list[CallRepeats]:
        """Return the last argument of `walk` for some steps: one for each device."""
        num_lanes = self.steps[0].all_lanes
        own = [step.share.lanes_of(num_lanes) for step in self.steps]
        return [repeats.of(lanes.part((slice(None), part))) for part in own]

    def all_states(self, states: list[list[Any]]) -> list[npt.NDArray[Any]]:
        """Return the states of all lanes, (lanes, units) each; all processes call it at once."""
        found = []
        for parts in zip(*states, strict=True):
            lanes = self.steps[0].all_lanes
            whole = np.zeros((lanes, *parts[0].shape[1:]), np.float32)
            for step, part in zip(self.steps, parts, strict=True):
                whole[step.share.lanes_of(lanes)] = part.numpy()
            found.append(self.team.merged(whole))
        return found

    def begin(self, states: Sequence[npt.NDArray[Any]] | None) -> list[list[Any]]:
        """Bring all workers to where the chief begins; return the states of the own lanes.

        All weights, slots and counters become those of the chief's first device.

        Args:
            states: (lanes, units) each, of all lanes; zeros by default. The chief's count.
        """
        first, lanes = self.steps[0], self.steps[0].all_lanes
        for name, tensor in tensors_of(first).items():
            value = self.team.numbers_from_chief(np.atleast_1d(tensor.numpy()))
            for step in self.steps:
                tensors_of(step)[name].assign(value.reshape(tensor.shape))
        if states is None:
            zeros = first.network.zero_states(lanes)
            states = [np.zeros(state.shape, np.float32) for state in zeros]
        states = [self.team.numbers_from_chief(state) for state in states]
        parts = [step.share.lanes_of(lanes) for step in self.steps]
        return [[tf.constant(state[part]) for state in states] for part in parts]


def tensors_of(step: TrainingStep | TeamStep) -> Mapping[str, Any]:
    """Return all variables that a step changes, by name."""
    average = step.weight_average
    return {
        **{f"weight/{name}": variable for name, variable in step.variables.items()},
        **{f"slot/{name}": variable for name, variable in step.optimizer.slots.items()},
        **({} if average is None else average.tensors),
        "chunks_done": step.chunks_done,
    }
