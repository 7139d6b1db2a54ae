"""The training step: forward and backward pass over a chunk of lanes, and the update of weights.

A chunk is `bptt` steps of all lanes. Gradients flow through the whole chunk and stop at its
beginning; the state carries over to the next chunk. One call of the graph processes many chunks, as
the overhead of a call equals the cost of a small chunk.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from sbrcli.config.training import FitConfig
from sbrcli.models.network import (
    MAX_DRAWS,
    OUTPUT_BIAS,
    OUTPUT_REPEATS,
    OUTPUT_TABLE,
    Network,
)
from sbrcli.models.repeats.chunk import ChunkRepeats, call_signature
from sbrcli.models.repeats.lanes import CallRepeats, LaneRepeats, nothing_seen
from sbrcli.models.training.lanes import Lanes
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.objective import LossAndGradients, Objective
from sbrcli.models.training.optimizers import Gradients, Rows, clip_gradients, make_optimizer
from sbrcli.models.training.schedules import rate_at
from sbrcli.models.training.share import WHOLE, Share
from sbrcli.models.training.weight_average import WeightAverage, decay_of

_NEGATIVES = MAX_DRAWS
"""The number of the draw that samples negatives; lower numbers are the network's."""
_DRAWS_PER_STEP = MAX_DRAWS + 1
"""The distance of the seeds of two steps."""
_OF_WORKER = 2**32
"""The distance of the seeds of two workers: each has dropout masks of its own."""


Average = Callable[[Gradients, Any], tuple[Gradients, Any]]


class TrainingStep:
    """The training step of a network: its variables, optimizer and compiled graph.

    Args:
        network: what is trained.
        config: how to train.
        sampler: samples the negatives; None compares with all items.
        total_chunks: the number of chunks of the whole training, for the schedule.
        share: the lanes to compute, if several workers divide them.
        average: called with the gradients of the share's lanes and the sum of their losses; returns
            the mean of the gradients over all workers, and the sum of all losses.
    """

    def __init__(
        self,
        network: Network,
        config: FitConfig,
        sampler: NegativeSampler | None = None,
        total_chunks: int = 1,
        share: Share = WHOLE,
        average: Average | None = None,
    ) -> None:
        self.network = network
        self.config = config
        self.objective = Objective(config, sampler)
        self.total_chunks = total_chunks
        self.variables = network.variables
        self.optimizer = make_optimizer(config, self.variables)
        self.share, self.average = share, average
        self.weight_average = self._average_weights(in_rows=sampler is not None)
        self.bptt, self.all_lanes = config.bptt, config.batch_size
        self.num_lanes = config.batch_size // share.size
        self.seed = config.seed
        self.chunks_done = tf.Variable(tf.constant(0, tf.int64), name="chunks_done")
        self.has_repeats = OUTPUT_REPEATS in self.variables
        lanes = (None, self.all_lanes)
        self.walk = tf.function(
            self._walk,
            autograph=False,
            input_signature=[
                tf.TensorSpec(lanes, tf.int32),
                tf.TensorSpec(lanes, tf.int32),
                tf.TensorSpec(lanes, tf.bool),
                tf.TensorSpec(lanes, tf.bool),
                [tf.TensorSpec(state.shape, state.dtype) for state in self.zero_states()],
                *([call_signature(self.num_lanes)] if self.has_repeats else []),
            ],
        )
        """(inputs, targets, starts, is_pair, states) to (the losses' sum, states): trains on the
        steps given, a multiple of `bptt`, each array (steps, lanes). With learned repeats there is
        a sixth argument, the `CallRepeats` of the steps."""

    def compile(self) -> None:
        """Trace and compile the graph on a chunk of padding, outside the measured training time.

        It must be called before any other chunk: padding has no gradient, and there is no momentum
            before the first update, so that only the step counters must be reset.
        """
        shape = (self.bptt, self.num_lanes)
        items, no = np.zeros(shape, np.int32), np.zeros(shape, bool)
        repeats = [nothing_seen(self.bptt, self.num_lanes)] if self.has_repeats else []
        self.walk(items, items, no, no, self.zero_states(), *repeats)
        for counter in (self.chunks_done, self.optimizer.slots.get("step")):
            if counter is not None:
                counter.assign(tf.zeros_like(counter))
        if self.weight_average is not None:
            self.weight_average.begin()

    def _average_weights(self, *, in_rows: bool) -> WeightAverage | None:
        config = self.config
        if not config.average_weights:
            return None
        decay = decay_of(config.average_weights, self.total_chunks / config.epochs)
        tables = {OUTPUT_TABLE, OUTPUT_BIAS, self.network.input_table} if in_rows else ()
        return WeightAverage(self.variables, tables, decay)

    def averaged(self) -> AbstractContextManager[None]:
        """Put the averages of the weights, if there are any, into the variables within a block."""
        average = self.weight_average
        return nullcontext() if average is None else average.in_place(int(self.chunks_done))

    def keep_average(self) -> None:
        """Put the averages of the weights, if there are any, into the variables for good."""
        if self.weight_average is not None:
            self.weight_average.put_in_place(int(self.chunks_done))

    def zero_states(self) -> list[Any]:
        """Return the state before the first chunk."""
        return self.network.zero_states(self.num_lanes)

    def begin(self, states: Sequence[Any] | None) -> list[Any]:
        """Return the states to begin with: these of a checkpoint, or zeros."""
        return self.zero_states() if states is None else [tf.constant(state) for state in states]

    def all_states(self, states: list[Any]) -> list[Any]:
        """Return the states of all lanes, for a checkpoint."""
        return states

    def repeats_of(self, lanes: Lanes, repeats: LaneRepeats) -> Any:
        """Return the last argument of `walk` for some steps, with learned repeats."""
        return repeats.of(lanes)

    def _walk(
        self,
        inputs: Any,
        targets: Any,
        starts: Any,
        is_pair: Any,
        states: Any,
        repeats: CallRepeats | None = None,
    ) -> Any:
        def train_chunk(chunk: Any, loss: Any, states: Any) -> Any:
            arrays = (inputs, targets, starts, is_pair)
            chunk_loss, states = self.train_chunk(chunk, arrays, states, repeats)
            return chunk + 1, loss + chunk_loss, states

        num_chunks = tf.shape(inputs)[0] // self.bptt
        _, loss, states = tf.while_loop(
            lambda chunk, *_: chunk < num_chunks,
            train_chunk,
            (tf.constant(0), tf.constant(0.0), states),
            parallel_iterations=1,
        )
        return loss, states

    def train_chunk(
        self, chunk: Any, arrays: Sequence[Any], states: Any, repeats: CallRepeats | None = None
    ) -> Any:
        """Train on one chunk of a call; return the sum of its losses, and the states after it.

        Args:
            chunk: the number of the chunk in the call.
            arrays: the first four arguments of `walk`, of all lanes.
            states: those of the share's lanes.
            repeats: those of the share's lanes, with learned repeats.
        """
        first = chunk * self.bptt
        parts: list[Any] = [
            tf.ensure_shape(array[first : first + self.bptt], (self.bptt, self.all_lanes))
            for array in arrays
        ]
        near = None
        if repeats is not None:
            terms = self.variables[OUTPUT_REPEATS]
            near = ChunkRepeats.of_call(terms, repeats, chunk, self.bptt)
        return self._train_chunk(*parts, states, near)  # pyright: ignore

    def _train_chunk(
        self,
        inputs: Any,
        targets: Any,
        starts: Any,
        is_pair: Any,
        states: list[Any],
        repeats: ChunkRepeats | None = None,
    ) -> tuple[Any, list[Any]]:
        share = self.share
        items, targets = share.in_order(inputs), share.in_order(targets)
        counts = tf.cast(share.in_order(is_pair), tf.float32)
        # Padding has no gradient, but momentum updates each row of a gradient: use a row that a
        # pair of this chunk updates anyway.
        pair = tf.argmax(counts)
        is_context = items < 0
        items = tf.where(is_context, -1 - items, items)
        items = tf.where((counts > 0) | is_context, items, items[pair])
        targets = tf.where(counts > 0, targets, targets[pair])
        entered = tf.gather(self.variables[self.network.input_table], share.own(items))
        hidden, states, cache = self.network.forward(
            entered, share.own_lanes(starts), states, self._seed_of_share
        )
        outcome = self.objective.measure(
            hidden,
            self.variables[OUTPUT_TABLE],
            self.variables[OUTPUT_BIAS],
            share.own_first(targets),
            share.own_first(counts),
            self._seed(_NEGATIVES),
            repeats,
        )
        entered_gradient, gradients = self.network.backward(cache, outcome.hidden)
        gradients |= self._item_gradients(outcome, items, entered_gradient)
        if repeats is not None:
            gradients[OUTPUT_REPEATS] = outcome.repeats
        loss = outcome.loss
        if self.average is not None:
            gradients, loss = self.average(gradients, loss)
        if self.config.clip_norm:
            gradients = clip_gradients(gradients, self.config.clip_norm)
        rate = rate_at(self.config.schedule, self.chunks_done, self.total_chunks)
        if self.weight_average is None:
            self.optimizer.apply(self.variables, gradients, rate)
        else:
            before = self.weight_average.before(gradients)
            self.optimizer.apply(self.variables, gradients, rate)
            self.weight_average.follow(gradients, before, self.chunks_done)
        self.chunks_done.assign_add(1)
        return loss, states

    def _item_gradients(self, outcome: LossAndGradients, items: Any, entered: Any) -> Gradients:
        """Return the gradients of the weights with a row for each item.

        Args:
            outcome: the gradients at the output layer.
            items: (rows,) the input items of all lanes.
            entered: (own rows, width) the gradients of the share's rows of the input table.
        """
        input_table, share = self.network.input_table, self.share
        is_shared = input_table == OUTPUT_TABLE
        if outcome.items is not None:
            columns, of_table, of_bias = (
                share.restored(values, items.shape[0])
                for values in (outcome.items, outcome.table, outcome.bias)
            )
            entered = share.among_all(entered)
            bias = Rows.summed(columns, of_bias)
            if is_shared:
                touched = tf.concat([columns, items], axis=0)
                table = Rows.summed(touched, tf.concat([of_table, entered], axis=0))
                return {OUTPUT_TABLE: table, OUTPUT_BIAS: bias}
            return {
                OUTPUT_TABLE: Rows.summed(columns, of_table),
                OUTPUT_BIAS: bias,
                input_table: Rows.summed(items, entered),
            }
        whole = {OUTPUT_TABLE: outcome.table, OUTPUT_BIAS: outcome.bias}
        before = outcome.table if is_shared else tf.zeros_like(self.variables[input_table])
        whole[input_table] = tf.tensor_scatter_nd_add(before, share.own(items)[:, None], entered)
        return whole

    def _seed(self, draw: int) -> Any:
        return tf.stack([self.chunks_done * _DRAWS_PER_STEP + draw, tf.cast(self.seed, tf.int64)])

    def _seed_of_share(self, draw: int) -> Any:
        seed = self._seed(draw)
        if self.share.rank == 0:
            return seed
        return seed + tf.constant([0, _OF_WORKER * self.share.rank], tf.int64)
