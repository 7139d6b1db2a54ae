"""One training step: a chunk of lanes forward, back, and the weights moved.

A chunk is `bptt` steps of all lanes. Gradients run through the whole chunk and stop at its
beginning; the state goes on into the next chunk. Many chunks are walked inside one call of the
graph, since a call costs as much as a small chunk does.
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from sbrcli.config.training import TrainConfig
from sbrcli.models.gru4rec.gru_gradients import Walk, gru_backward, gru_forward
from sbrcli.models.gru4rec.network import Gru4Rec
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.objective import LossAndGradients, Objective
from sbrcli.models.training.optimizers import Gradients, Rows, clip_gradients, make_optimizer
from sbrcli.models.training.schedules import rate_at

_DRAWS_PER_STEP = 64
"""More than a step of the most layers draws at random: keeps the seeds of two steps apart."""
_NEGATIVES = _DRAWS_PER_STEP - 1
"""The draw that chooses negatives; those before it make dropout masks."""


class LayerCache(NamedTuple):
    """One layer's way forward."""

    entering: Any
    """(rows, width) its input."""

    mask: Any
    """(rows, width) what its input was multiplied by; None without dropout."""

    walk: Walk | None
    """None at the end, where the last layer's output goes on to the items."""


def compiles_with_xla() -> bool:
    """Return whether XLA compiles the recurrent layers: on processors alone.

    For a GPU it needs parts of CUDA that TensorFlow does not always find.
    """
    return not tf.config.get_visible_devices("GPU")


class TrainingStep:
    """What stays the same from chunk to chunk: variables, optimizer, and the compiled graph."""

    def __init__(
        self,
        model: Gru4Rec,
        config: TrainConfig,
        sampler: NegativeSampler | None = None,
        total_chunks: int = 1,
    ) -> None:
        self.shape = model.network_shape
        self.config = config
        self.objective = Objective(config, sampler)
        self.total_chunks = total_chunks
        self.variables = model.variables_by_name()
        self.optimizer = make_optimizer(config, self.variables)
        self.bptt, self.num_lanes = config.bptt, config.batch_size
        self.dropout, self.embedding_dropout = config.dropout, config.embedding_dropout
        self.seed = config.seed
        self.chunks_done = tf.Variable(tf.constant(0, tf.int64), name="chunks_done")
        with_xla = compiles_with_xla()
        self.gru_forward = tf.function(gru_forward, autograph=False, jit_compile=with_xla)
        self.gru_backward = tf.function(gru_backward, autograph=False, jit_compile=with_xla)
        lanes = (None, self.num_lanes)
        self.walk = tf.function(
            self._walk,
            autograph=False,
            input_signature=[
                tf.TensorSpec(lanes, tf.int32),
                tf.TensorSpec(lanes, tf.int32),
                tf.TensorSpec(lanes, tf.bool),
                tf.TensorSpec(lanes, tf.bool),
                [tf.TensorSpec((self.num_lanes, units)) for units in self.shape.units],
            ],
        )
        """(inputs, targets, starts, is_pair, states) to (the losses' sum, states): trains on the
        steps given, a multiple of `bptt`, each array (steps, lanes)."""

    def compile(self) -> None:
        """Trace and compile the graph, on a chunk of padding, so that no step's time holds that.

        To be called before any other chunk: padding has no gradient, and while no weight has
        moved yet there is no momentum either, so only what counts the steps must be put back.
        """
        shape = (self.bptt, self.num_lanes)
        items, no = np.zeros(shape, np.int32), np.zeros(shape, bool)
        self.walk(items, items, no, no, self.zero_states())
        for counter in (self.chunks_done, self.optimizer.slots.get("step")):
            if counter is not None:
                counter.assign(tf.zeros_like(counter))

    def zero_states(self) -> list[Any]:
        """Return the state before the first chunk: (lanes, units) for each layer."""
        return [tf.zeros((self.num_lanes, units)) for units in self.shape.units]

    def _walk(self, inputs: Any, targets: Any, starts: Any, is_pair: Any, states: Any) -> Any:
        def train_chunk(chunk: Any, loss: Any, states: Any) -> Any:
            first = chunk * self.bptt
            parts: list[Any] = [
                tf.ensure_shape(array[first : first + self.bptt], (self.bptt, self.num_lanes))
                for array in (inputs, targets, starts, is_pair)
            ]
            chunk_loss, states = self._train_chunk(*parts, states)  # pyright: ignore
            return chunk + 1, loss + chunk_loss, states

        num_chunks = tf.shape(inputs)[0] // self.bptt
        _, loss, states = tf.while_loop(
            lambda chunk, *_: chunk < num_chunks,
            train_chunk,
            (tf.constant(0), tf.constant(0.0), states),
            parallel_iterations=1,
        )
        return loss, states

    def _train_chunk(
        self, inputs: Any, targets: Any, starts: Any, is_pair: Any, states: list[Any]
    ) -> tuple[Any, list[Any]]:
        rows = self.bptt * self.num_lanes
        items, targets = tf.reshape(inputs, (rows,)), tf.reshape(targets, (rows,))
        counts = tf.cast(tf.reshape(is_pair, (rows,)), tf.float32)
        # Padding has no gradient, yet momentum moves each row that is named: let it name a row
        # that a pair of this chunk names anyway.
        pair = tf.argmax(counts)
        items = tf.where(counts > 0, items, items[pair])
        targets = tf.where(counts > 0, targets, targets[pair])
        entered = tf.gather(self.variables[_input_table(self.shape.embedding)], items)
        hidden, states, passes = self._run_layers(entered, starts, states)  # (rows, units)
        outcome = self.objective.measure(
            hidden,
            self.variables["output/table"],
            self.variables["output/bias"],
            targets,
            counts,
            self._seed(_NEGATIVES),
        )
        entered_gradient, gradients = self._unwind_layers(passes, outcome.hidden)
        gradients |= self._item_gradients(outcome, items, entered_gradient)
        if self.config.clip_norm:
            gradients = clip_gradients(gradients, self.config.clip_norm)
        rate = rate_at(self.config.schedule, self.chunks_done, self.total_chunks)
        self.optimizer.apply(self.variables, gradients, rate)
        self.chunks_done.assign_add(1)
        return outcome.loss, states

    def _item_gradients(self, outcome: LossAndGradients, items: Any, entered: Any) -> Gradients:
        """Return the gradients of the weights that have a row for each item.

        Args:
            outcome: gradients of the output layer.
            items: (rows,) the inputs.
            entered: (rows, width) gradients of their rows of the input's table.
        """
        input_table = _input_table(self.shape.embedding)
        is_shared = input_table == "output/table"
        if outcome.items is not None:
            bias = Rows.summed(outcome.items, outcome.bias)
            if is_shared:
                touched = tf.concat([outcome.items, items], axis=0)
                table = Rows.summed(touched, tf.concat([outcome.table, entered], axis=0))
                return {"output/table": table, "output/bias": bias}
            return {
                "output/table": Rows.summed(outcome.items, outcome.table),
                "output/bias": bias,
                input_table: Rows.summed(items, entered),
            }
        whole = {"output/table": outcome.table, "output/bias": outcome.bias}
        before = outcome.table if is_shared else tf.zeros_like(self.variables[input_table])
        whole[input_table] = tf.tensor_scatter_nd_add(before, items[:, None], entered)
        return whole

    def _run_layers(
        self, entered: Any, starts: Any, states: list[Any]
    ) -> tuple[Any, list[Any], list[LayerCache]]:
        """Walk the chunk: (rows, width) of input to (rows, units) of the last layer's output.

        Returns:
            That output, the states after the chunk, and what the way back needs of each layer.
        """
        keeps = tf.cast(~starts, tf.float32)[:, :, None]  # (bptt, lanes, 1)
        mask = _dropout_mask(entered.shape, self.embedding_dropout, self._seed(0))
        ends, passes = [], []
        hidden = entered
        for layer, state in enumerate(states):
            hidden = entering = _masked(hidden, mask)
            bias = self.variables[f"gru_{layer}/bias"]
            if self._has_kernel(layer):
                hidden = tf.matmul(hidden, self.variables[f"gru_{layer}/kernel"])
            hidden, end, walk = self.gru_forward(
                tf.reshape(hidden + bias[0], (self.bptt, self.num_lanes, -1)),
                keeps,
                state,
                self.variables[f"gru_{layer}/recurrent_kernel"],
                bias[1],
            )
            hidden = tf.reshape(hidden, (self.bptt * self.num_lanes, self.shape.units[layer]))
            passes.append(LayerCache(entering, mask, walk))
            mask = _dropout_mask(hidden.shape, self.dropout, self._seed(layer + 1))
            ends.append(end)
        passes.append(LayerCache(hidden, mask, None))
        return _masked(hidden, mask), ends, passes

    def _unwind_layers(self, passes: list[LayerCache], gradient: Any) -> tuple[Any, dict[str, Any]]:
        """Return the gradient of the input, (rows, width), and of the layers' own weights.

        Args:
            passes: as `_run_layers` gave them.
            gradient: (rows, units) of the last layer's output.
        """
        gradients: dict[str, Any] = {}
        gradient = _masked(gradient, passes[-1].mask)
        for layer in reversed(range(len(passes) - 1)):
            entering, mask, walk = passes[layer]
            name = f"gru_{layer}"
            shape = (self.bptt, self.num_lanes, self.shape.units[layer])
            recurrent = self.variables[f"{name}/recurrent_kernel"]
            found = self.gru_backward(walk, tf.reshape(gradient, shape), recurrent)
            gradient = tf.reshape(found.projected, (self.bptt * self.num_lanes, -1))
            gradients[f"{name}/recurrent_kernel"] = found.kernel
            gradients[f"{name}/bias"] = tf.stack([tf.reduce_sum(gradient, axis=0), found.bias])
            if self._has_kernel(layer):
                kernel = self.variables[f"{name}/kernel"]
                gradients[f"{name}/kernel"] = tf.matmul(entering, gradient, transpose_a=True)
                gradient = tf.matmul(gradient, kernel, transpose_b=True)
            gradient = _masked(gradient, mask)
        return gradient, gradients

    def _has_kernel(self, layer: int) -> bool:
        """Return whether a layer multiplies its input: a one-hot one picks the kernel's rows."""
        return layer > 0 or self.shape.embedding != "none"

    def _seed(self, draw: int) -> Any:
        return tf.stack([self.chunks_done * _DRAWS_PER_STEP + draw, tf.cast(self.seed, tf.int64)])


def _input_table(embedding: str) -> str:
    """Name the weight whose rows are the items' inputs."""
    return {
        "none": "gru_0/kernel",
        "separate": "embedding/table",
        "shared": "output/table",
    }[embedding]


def _dropout_mask(shape: Any, dropout: float, seed: Any) -> Any:
    """Make what sets a share of the values to zero and scales the rest up, so the mean stays."""
    if dropout == 0:
        return None
    kept = tf.random.stateless_uniform(shape, seed) >= dropout
    return tf.cast(kept, tf.float32) / (1 - dropout)


def _masked(values: Any, mask: Any) -> Any:
    return values if mask is None else values * mask
