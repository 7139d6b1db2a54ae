"""GRU4Rec in training: the forward and backward pass of a chunk through all layers."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import tensorflow as tf

from sbrcli.models.gru4rec.gru_gradients import ForwardCache, gru_backward, gru_forward
from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.network import Gru4Rec
from sbrcli.models.gru4rec.options import Gru4RecConfig
from sbrcli.models.gru4rec.weights import RESIDUAL
from sbrcli.models.training import backend


class LayerCache(NamedTuple):
    """The values of one layer's forward pass that its backward pass needs."""

    entering: Any
    """(rows, width) its input."""

    mask: Any
    """(rows, width) the dropout mask of its input; None without dropout."""

    recurrence: ForwardCache | None
    """None for the output of the last layer."""


class GruNetwork:
    """Trains the weights of a Keras model; see `sbrcli.models.network.Network`."""

    def __init__(self, model: Gru4Rec, config: Gru4RecConfig) -> None:
        self.shape = model.network_shape
        self.variables = model.variables_by_name()
        self.input_table = _input_table(self.shape.embedding)
        self.dropout, self.embedding_dropout = config.dropout, config.embedding_dropout
        self.gru_forward, self.gru_backward = _compile_gru(backend.compiles_with_xla())

    def zero_states(self, num_lanes: int) -> list[Any]:
        """Return the state before the first chunk: (lanes, units) for each layer."""
        return [tf.zeros((num_lanes, units)) for units in self.shape.units]

    def forward(
        self, entered: Any, starts: Any, states: list[Any], seed_of: Callable[[int], Any]
    ) -> tuple[Any, list[Any], list[LayerCache]]:
        """Run the forward pass of a chunk; see `sbrcli.models.network.Network`."""
        keeps = tf.cast(~starts, tf.float32)[:, :, None]  # (steps, lanes, 1)
        steps, lanes = starts.shape
        mask = _dropout_mask(entered.shape, self.embedding_dropout, seed_of(0))
        ends, cache = [], []
        hidden = entered
        for layer, state in enumerate(states):
            hidden = entering = _masked(hidden, mask)
            bias = self.variables[f"gru_{layer}/bias"]
            if self._has_kernel(layer):
                hidden = tf.matmul(hidden, self.variables[f"gru_{layer}/kernel"])
            hidden, end, recurrence = self.gru_forward(
                tf.reshape(hidden + bias[0], (steps, lanes, -1)),
                keeps,
                state,
                tf.convert_to_tensor(self.variables[f"gru_{layer}/recurrent_kernel"]),
                bias[1],
            )
            hidden = tf.reshape(hidden, (steps * lanes, self.shape.units[layer]))
            cache.append(LayerCache(entering, mask, recurrence))
            mask = _dropout_mask(hidden.shape, self.dropout, seed_of(layer + 1))
            ends.append(end)
        if self.shape.has_residual:
            hidden += tf.matmul(cache[0].entering, self.variables[RESIDUAL])
        cache.append(LayerCache(hidden, mask, None))
        return _masked(hidden, mask), ends, cache

    def backward(self, cache: list[LayerCache], gradient: Any) -> tuple[Any, dict[str, Any]]:
        """Return a chunk's gradients; see `sbrcli.models.network.Network`."""
        gradients: dict[str, Any] = {}
        gradient = to_output = _masked(gradient, cache[-1].mask)
        for layer in reversed(range(len(cache) - 1)):
            entering, mask, recurrence = cache[layer]
            assert recurrence is not None
            name = f"gru_{layer}"
            steps, lanes = recurrence.keeps.shape[:2]
            recurrent = tf.convert_to_tensor(self.variables[f"{name}/recurrent_kernel"])
            found = self.gru_backward(
                recurrence, tf.reshape(gradient, (steps, lanes, self.shape.units[layer])), recurrent
            )
            gradient = tf.reshape(found.projected, (steps * lanes, -1))
            gradients[f"{name}/recurrent_kernel"] = found.kernel
            gradients[f"{name}/bias"] = tf.stack([tf.reduce_sum(gradient, axis=0), found.bias])
            if self._has_kernel(layer):
                kernel = self.variables[f"{name}/kernel"]
                gradients[f"{name}/kernel"] = tf.matmul(entering, gradient, transpose_a=True)
                gradient = tf.matmul(gradient, kernel, transpose_b=True)
            gradient = _masked(gradient, mask)
        if self.shape.has_residual:
            entering, mask, _ = cache[0]
            gradients[RESIDUAL] = tf.matmul(entering, to_output, transpose_a=True)
            to_entering = tf.matmul(to_output, self.variables[RESIDUAL], transpose_b=True)
            gradient += _masked(to_entering, mask)
        return gradient, gradients

    def scorer(self) -> GruScorer:
        """Return a scorer with a copy of the current weights."""
        weights = {name: variable.numpy() for name, variable in self.variables.items()}
        return GruScorer(self.shape, weights)

    def _has_kernel(self, layer: int) -> bool:
        """Return whether a layer multiplies its input; a one-hot one selects rows of the kernel."""
        return layer > 0 or self.shape.embedding != "none"


@cache
def _compile_gru(with_xla: bool) -> tuple[Any, Any]:
    """Return `gru_forward` and `gru_backward` as graphs, compiled once for layers of one size.

    They are shared by all networks of the process, so their arguments must be tensors, not
    variables.
    """
    forward, backward = (
        tf.function(function, autograph=False, jit_compile=with_xla)
        for function in (gru_forward, gru_backward)
    )
    return forward, backward


def _input_table(embedding: str) -> str:
    """Return the name of the weight whose rows are the items' inputs."""
    return {
        "none": "gru_0/kernel",
        "separate": "embedding/table",
        "shared": "output/table",
    }[embedding]


def _dropout_mask(shape: Any, dropout: float, seed: Any) -> Any:
    """Return a dropout mask: zero for a share of the values, and scaled up for the rest."""
    if dropout == 0:
        return None
    kept = tf.random.stateless_uniform(shape, seed) >= dropout
    return tf.cast(kept, tf.float32) / (1 - dropout)


def _masked(values: Any, mask: Any) -> Any:
    return values if mask is None else values * mask
