"""SASRec in training: the forward pass of a chunk, and its gradients by automatic differentiation.

A block stores its inputs of the last events of each lane, from which the next chunk computes keys
and values again; gradients stop there (Dai et al. 2019, Transformer-XL, section 3.2). The scores of
a session are thus the same in one chunk as in several, as long as no weight changes in between.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE, Weights
from sbrcli.models.sasrec.inference import SasRecScorer
from sbrcli.models.sasrec.options import SasRecConfig
from sbrcli.models.sasrec.weights import EPSILON, SasRecShape

_LOWEST = -1e9
"""The logit of an event that is out of reach."""


class Cache(NamedTuple):
    """The forward pass of a chunk, recorded for `SasRecNetwork.backward`."""

    tape: tf.GradientTape
    hidden: Any
    entered: Any
    weights: dict[str, Any]
    """All variables except those of the output layer, as tensors."""


class SasRecNetwork:
    """Trains the weights of a SASRec; see `sbrcli.models.network.Network`.

    The states are each block's inputs, (lanes, memory, units), the latest last, and how many of
    them belong to the session that goes on, (lanes,).
    """

    input_table = OUTPUT_TABLE

    def __init__(self, shape: SasRecShape, config: SasRecConfig, weights: Weights) -> None:
        self.shape = shape
        self.variables = {name: tf.Variable(tf.constant(one)) for name, one in weights.items()}
        self.dropout, self.embedding_dropout = config.dropout, config.embedding_dropout

    def zero_states(self, num_lanes: int) -> list[Any]:
        """Return the state before the first chunk."""
        stored = (num_lanes, self.shape.memory, self.shape.units)
        return [tf.zeros(stored) for _ in range(self.shape.blocks)] + [tf.zeros((num_lanes,))]

    def forward(
        self, entered: Any, starts: Any, states: list[Any], seed_of: Callable[[int], Any]
    ) -> tuple[Any, list[Any], Cache]:
        """Run the forward pass of a chunk; see `sbrcli.models.network.Network`."""
        steps, lanes = starts.shape
        weights = {
            name: tf.convert_to_tensor(variable)
            for name, variable in self.variables.items()
            if name not in (OUTPUT_TABLE, OUTPUT_BIAS)
        }
        reach = _Reach(self.shape.window, tf.transpose(starts), states[-1])
        memories = []
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([entered, *weights.values()])
            by_step = tf.reshape(entered, (steps, lanes, self.shape.units))
            hidden = _normed(tf.transpose(by_step, (1, 0, 2)), weights["first/norm"])
            hidden = _dropped(hidden, self.embedding_dropout, seed_of(0))
            for block, stored in enumerate(states[:-1]):
                known = tf.concat([stored, hidden], axis=1)
                memories.append(tf.stop_gradient(known[:, steps:]))
                attended = self._attend(weights, block, known, reach)
                hidden += _dropped(attended, self.dropout, seed_of(2 * block + 1))
                fed = self._feed(weights, block, hidden)
                hidden += _dropped(fed, self.dropout, seed_of(2 * block + 2))
            hidden = _times(_normed(hidden, weights["last/norm"]), weights["last/output"])
            hidden = _dropped(hidden, self.dropout, seed_of(2 * self.shape.blocks + 1))
            hidden = tf.reshape(tf.transpose(hidden, (1, 0, 2)), (steps * lanes, self.shape.units))
        return hidden, [*memories, reach.age_after()], Cache(tape, hidden, entered, weights)

    def backward(self, cache: Cache, gradient: Any) -> tuple[Any, dict[str, Any]]:
        """Return a chunk's gradients; see `sbrcli.models.network.Network`."""
        sources = {"": cache.entered, **cache.weights}
        found = cache.tape.gradient(cache.hidden, sources, output_gradients=gradient)
        return found.pop(""), found

    def scorer(self) -> SasRecScorer:
        """Return a scorer with a copy of the current weights."""
        weights = {name: variable.numpy() for name, variable in self.variables.items()}
        return SasRecScorer(self.shape, weights)

    def _attend(self, weights: dict[str, Any], block: int, known: Any, reach: "_Reach") -> Any:
        """Return what attention adds to the events of the chunk, (lanes, steps, units).

        Args:
            weights: those of the network.
            block: the number of the block.
            known: (lanes, memory + steps, units) the block's inputs, the stored ones first.
            reach: who attends to whom.
        """
        name = f"block_{block}/attention"
        normed = _normed(known, weights[f"{name}/norm"])
        own = normed[:, self.shape.memory :]
        queries = self._by_head(_times(own, weights[f"{name}/queries"]))
        both = _times(normed, weights[f"{name}/keys_values"])
        keys, values = (self._by_head(part) for part in tf.split(both, 2, axis=-1))
        logits = tf.matmul(queries, keys, transpose_b=True)  # (lanes, heads, steps, known)
        logits *= (self.shape.units // self.shape.heads) ** -0.5
        logits += reach.by_distance(weights[f"{name}/distance"])
        shares = tf.nn.softmax(tf.where(reach.is_within, logits, _LOWEST))
        mixed = tf.transpose(tf.matmul(shares, values), (0, 2, 1, 3))
        added = _times(tf.reshape(mixed, tf.shape(own)), weights[f"{name}/output"])
        return self._gated(weights, name, added, own)

    def _feed(self, weights: dict[str, Any], block: int, hidden: Any) -> Any:
        """Return what the feed-forward layer adds, (lanes, steps, units)."""
        name = f"block_{block}/feed"
        normed = _normed(hidden, weights[f"{name}/norm"])
        inner = _times(normed, weights[f"{name}/inner"]) + weights[f"{name}/inner_bias"]
        added = _times(tf.nn.relu(inner), weights[f"{name}/outer"]) + weights[f"{name}/outer_bias"]
        return self._gated(weights, name, added, normed)

    def _gated(self, weights: dict[str, Any], name: str, added: Any, normed: Any) -> Any:
        if not self.shape.has_gates:
            return added
        return added * tf.sigmoid(_times(normed, weights[f"{name}/gate"]))

    def _by_head(self, rows: Any) -> Any:
        """Return (lanes, events, units) as (lanes, heads, events, units of a head)."""
        lanes, events, units = rows.shape
        heads = self.shape.heads
        return tf.transpose(tf.reshape(rows, (lanes, events, heads, units // heads)), (0, 2, 1, 3))


class _Reach:
    """Which events each event of a chunk attends to.

    Args:
        window: the number of events that one reaches, itself included.
        starts: (lanes, steps) True where a session starts.
        age: (lanes,) how many of the stored events belong to the session that goes on.
    """

    def __init__(self, window: int, starts: Any, age: Any) -> None:
        memory, (_, steps) = window - 1, starts.shape
        distance = np.arange(steps)[:, None] + memory - np.arange(memory + steps)
        self._bounded = np.clip(distance, 0, memory)  # (steps, memory + steps)
        self._memory, self._steps = memory, steps
        session = tf.cumsum(tf.cast(starts, tf.int32), axis=1)  # 0: the one that goes on
        self._starts, self._age = starts, age
        is_stored = tf.range(memory, 0, -1, dtype=tf.float32) <= age[:, None]
        known = tf.concat([tf.where(is_stored, 0, -1), session], axis=1)
        is_same = session[:, :, None] == known[:, None]  # (lanes, steps, memory + steps)
        self.is_within = (is_same & ((distance >= 0) & (distance <= memory)))[:, None]
        """(lanes, 1, steps, memory + steps)"""

    def by_distance(self, terms: Any) -> Any:
        """Return (heads, steps, memory + steps) the terms, (heads, window), of the distances."""
        return tf.gather(terms, self._bounded, axis=1)

    def age_after(self) -> Any:
        """Return (lanes,) how many of the events stored after the chunk belong to the session."""
        since = tf.range(self._steps, 0, -1, dtype=tf.float32)  # events from this step on
        started = tf.reduce_min(tf.where(self._starts, since, np.inf), axis=1)
        age = tf.where(tf.math.is_inf(started), self._age + self._steps, started)
        return tf.minimum(age, float(self._memory))


def _times(rows: Any, matrix: Any) -> Any:
    """Multiply (lanes, events, inputs) by (inputs, columns), in one product."""
    flat = tf.matmul(tf.reshape(rows, (-1, rows.shape[-1])), matrix)
    return tf.reshape(flat, (*rows.shape[:-1], matrix.shape[-1]))


def _normed(rows: Any, norm: Any) -> Any:
    """Return rows of mean 0 and variance 1, times the norm's factors plus its terms."""
    centred = rows - tf.reduce_mean(rows, axis=-1, keepdims=True)
    variance = tf.reduce_mean(centred * centred, axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(variance + EPSILON) * norm[0] + norm[1]


def _dropped(rows: Any, dropout: float, seed: Any) -> Any:
    """Set a share of the values to zero, and scale up the rest."""
    if dropout == 0:
        return rows
    kept = tf.random.stateless_uniform(rows.shape, seed) >= dropout
    return rows * tf.cast(kept, tf.float32) / (1 - dropout)
