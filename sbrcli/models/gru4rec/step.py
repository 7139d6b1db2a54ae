"""One training step: a chunk of lanes forward, back, and the weights moved.

A chunk is `bptt` steps of all lanes. Gradients run through the whole chunk and stop at its
beginning; the state goes on into the next chunk. Many chunks are walked inside one call of the
graph, since a call costs as much as a small chunk does.
"""

from typing import Any

import tensorflow as tf

from sbrcli.config import TrainConfig
from sbrcli.models.gru4rec.candidates import Sampler
from sbrcli.models.gru4rec.network import Gru4Rec
from sbrcli.models.gru4rec.objective import Objective, Outcome
from sbrcli.models.gru4rec.optimizers import Gradients, Rows, clip_gradients, make_optimizer
from sbrcli.models.gru4rec.schedules import rate_at

_DRAWS_PER_STEP = 64
"""More than any step draws at random: keeps the seeds of two steps apart."""
_NEGATIVES = _DRAWS_PER_STEP - 1
"""The draw that chooses negatives; those before it make dropout masks."""


class TrainingStep:
    """What stays the same from chunk to chunk: variables, optimizer, and the compiled graph."""

    def __init__(
        self,
        model: Gru4Rec,
        config: TrainConfig,
        sampler: Sampler | None = None,
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

    def zero_states(self) -> list[Any]:
        """Give the state before the first chunk: (lanes, units) for each layer."""
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
        table_name = _input_table(self.shape.embedding)
        entered = tf.gather(self.variables[table_name], items)  # (rows, width)
        recurrent = {n: v for n, v in self.variables.items() if n.startswith("gru_")}
        watched = {n: v for n, v in recurrent.items() if n != table_name}
        with tf.GradientTape() as tape:
            tape.watch(entered)
            hidden, states = self._run_layers(entered, starts, states)  # (rows, units)
        outcome = self.objective.measure(
            hidden,
            self.variables["output/table"],
            self.variables["output/bias"],
            targets,
            counts,
            self._seed(_NEGATIVES),
        )
        entered_gradient, *inner = tape.gradient(
            hidden, [entered, *watched.values()], output_gradients=outcome.hidden
        )
        gradients = dict(zip(watched, inner, strict=True))
        gradients |= self._item_gradients(outcome, items, entered_gradient)
        if self.config.clip_norm:
            gradients = clip_gradients(gradients, self.config.clip_norm)
        rate = rate_at(self.config.schedule, self.chunks_done, self.total_chunks)
        self.optimizer.apply(self.variables, gradients, rate)
        self.chunks_done.assign_add(1)
        return outcome.loss, states

    def _item_gradients(self, outcome: Outcome, items: Any, entered: Any) -> Gradients:
        """Give the gradients of the weights that have a row for each item.

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

    def _run_layers(self, entered: Any, starts: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Walk the chunk: (rows, width) of input to (rows, units) of the last layer's output."""
        keeps = tf.unstack(tf.cast(~starts, tf.float32)[:, :, None])  # bptt times (lanes, 1)
        hidden = _drop(entered, self.embedding_dropout, self._seed(0))
        ends = []
        for layer, state in enumerate(states):
            bias = self.variables[f"gru_{layer}/bias"]
            if layer > 0 or self.shape.embedding != "none":
                hidden = tf.matmul(hidden, self.variables[f"gru_{layer}/kernel"])
            hidden, end = run_gru(
                tf.reshape(hidden + bias[0], (self.bptt, self.num_lanes, -1)),
                keeps,
                state,
                self.variables[f"gru_{layer}/recurrent_kernel"],
                bias[1],
            )
            hidden = tf.reshape(hidden, (self.bptt * self.num_lanes, self.shape.units[layer]))
            hidden = _drop(hidden, self.dropout, self._seed(layer + 1))
            ends.append(end)
        return hidden, ends

    def _seed(self, draw: int) -> Any:
        return tf.stack([self.chunks_done * _DRAWS_PER_STEP + draw, tf.cast(self.seed, tf.int64)])


def run_gru(projected: Any, keeps: list[Any], state: Any, kernel: Any, bias: Any) -> Any:
    """Walk one GRU layer through a chunk, gates in the order z, r, candidate.

    Args:
        projected: (steps, lanes, 3 * units) the input's share of the gates, bias included.
        keeps: for each step (lanes, 1), 0 where a session starts and the state is zero, else 1.
        state: (lanes, units) before the first step.
        kernel: (units, 3 * units) recurrent.
        bias: (3 * units,) recurrent.

    Returns:
        (steps, lanes, units) states, and the last of them.
    """
    units = state.shape[-1]
    outputs = []
    for entering, keep in zip(tf.unstack(projected, num=len(keeps)), keeps, strict=True):
        # The reset comes first, so that every gate, the update gate too, sees the zero state.
        state = state * keep
        recurrent = tf.matmul(state, kernel) + bias
        gates = tf.sigmoid(entering[:, : 2 * units] + recurrent[:, : 2 * units])
        update, reset = gates[:, :units], gates[:, units:]
        candidate = tf.tanh(entering[:, 2 * units :] + reset * recurrent[:, 2 * units :])
        state = candidate + update * (state - candidate)
        outputs.append(state)
    return tf.stack(outputs), state


def _input_table(embedding: str) -> str:
    """Name the weight whose rows are the items' inputs."""
    return {
        "none": "gru_0/kernel",
        "separate": "embedding/table",
        "shared": "output/table",
    }[embedding]


def _drop(values: Any, dropout: float, seed: Any) -> Any:
    """Set a share of the values to zero and scale up the rest, so that the mean stays."""
    if dropout == 0:
        return values
    kept = tf.random.stateless_uniform(values.shape, seed) >= dropout
    return values * tf.cast(kept, values.dtype) / (1 - dropout)
