"""Ways of training that were tried beside the options of `sbr train`, for bench_search.py.

Each variant wraps a part of the training: the network here; the objective, the optimizer or the
loop over epochs in `search_training`. All are neutral by default, and may be combined.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.network import OUTPUT_TABLE

_EPSILON = 1e-6


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What differs from `sbr train`; see the module."""

    hide_items: float = 0.0
    """The share of the events whose whole input is zero in training."""

    keep_scale: bool = False
    """Whether the inputs that are not hidden keep their scale, rather than being scaled up."""

    skip: str = ""
    """What of the last item's embedding is added to the output: "scale" times a learned vector, or
    "matrix" times a learned matrix; both start at 0."""

    drop_skip: bool = False
    """Whether that embedding has the dropout of the network's input, by the same mask."""

    layer_norm: bool = False
    """Whether the output of the last layer is normalised, with a learned scale and bias."""

    cosine: float = 0.0
    """The factor of the cosine between the output and an item's row, in place of their product."""

    learn_cosine: bool = False
    """Whether that factor is learned."""

    average_epochs: int = 0
    """How many epochs' last weights are averaged to judge an epoch; with average_weights=0."""

    weight_decay: float = 0.0
    """The share, times the learning rate, by which an update shrinks the weights that it moves."""

    item_norm: float = 0.0
    """The norm to which an update scales the items' rows of the output table that it moves."""

    half_life: float = 0.0
    """The age of an event, as a share of the time of train, at which it counts half; 0 is off."""

    @property
    def changes_output(self) -> bool:
        """Whether the last layer's output is changed."""
        return bool(self.skip or self.layer_norm or self.cosine)


class VariedNetwork:
    """Changes the inputs and the output of a network; see `sbrcli.models.network.Network`."""

    def __init__(self, network: Any, variant: Variant) -> None:
        self._network, self._variant = network, variant
        self.shape, self.input_table = network.shape, network.input_table
        units = network.shape.weight_shapes()[OUTPUT_TABLE][1]
        self._own = {
            name: tf.Variable(tf.constant(start, tf.float32))
            for name, start in _own_weights(variant, units).items()
        }
        self.variables: dict[str, Any] = network.variables | self._own
        self._input_dropout = 0.0
        if variant.drop_skip:
            self._input_dropout, network.embedding_dropout = network.embedding_dropout, 0.0
        if variant.changes_output:  # its dropout comes after that, so this is for one layer alone
            self._dropout, network.dropout = network.dropout, 0.0

    def zero_states(self, num_lanes: int) -> list[Any]:
        """Return the state before the first chunk, which is the network's."""
        return self._network.zero_states(num_lanes)

    def forward(
        self, entered: Any, starts: Any, states: list[Any], seed_of: Callable[[int], Any]
    ) -> tuple[Any, list[Any], Any]:
        """Run the forward pass of a chunk."""
        mask = self._input_mask(entered.shape, seed_of)
        entered = entered if mask is None else entered * mask
        hidden, ends, inner = self._network.forward(entered, starts, states, seed_of)
        if not self._variant.changes_output:
            return hidden, ends, (inner, mask)
        own = {name: tf.convert_to_tensor(variable) for name, variable in self._own.items()}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([hidden, entered, *own.values()])
            kept = tf.random.stateless_uniform(hidden.shape, seed_of(61)) >= self._dropout
            dropped = tf.cast(kept, tf.float32) / (1 - self._dropout)
            changed = self._change(hidden, entered, own, dropped, tf)
        return changed, ends, (inner, mask, tape, changed, hidden, entered, own)

    def backward(self, cache: Any, gradient: Any) -> tuple[Any, dict[str, Any]]:
        """Return the gradients of a chunk."""
        inner, mask, *changed = cache
        direct, of_own = 0.0, {}
        if changed:
            tape, output, *sources = changed
            zero = tf.UnconnectedGradients.ZERO
            gradient, direct, of_own = tape.gradient(
                output, sources, gradient, unconnected_gradients=zero
            )
        to_entered, gradients = self._network.backward(inner, gradient)
        to_entered += direct
        return to_entered if mask is None else to_entered * mask, gradients | of_own

    def _input_mask(self, shape: Any, seed_of: Callable[[int], Any]) -> Any:
        """Return what a chunk's inputs, (rows, width), are multiplied by; None for nothing."""
        variant, mask = self._variant, None
        if variant.hide_items:
            drawn = tf.random.stateless_uniform((shape[0], 1), seed_of(60))
            mask = tf.cast(drawn >= variant.hide_items, tf.float32)
            mask /= 1 if variant.keep_scale else 1 - variant.hide_items
        if self._input_dropout:
            kept = tf.random.stateless_uniform(shape, seed_of(62)) >= self._input_dropout
            dropped = tf.cast(kept, tf.float32) / (1 - self._input_dropout)
            mask = dropped if mask is None else mask * dropped
        return mask

    def scorer(self) -> Any:
        """Return a scorer with a copy of the current weights."""
        weights = {name: variable.numpy() for name, variable in self.variables.items()}
        own = {name: weights.pop(name) for name in self._own}
        table = weights[OUTPUT_TABLE]
        if self._variant.cosine:
            weights |= {"embedding/table": table, OUTPUT_TABLE: unit_rows(table, np)}
            scorer: Any = GruScorer(replace(self.shape, embedding="separate"), weights)
        else:
            self._network.variables = {name: tf.constant(one) for name, one in weights.items()}
            scorer = self._network.scorer()
        if not self._variant.changes_output:
            return scorer
        walk = scorer._walk_batch

        def changed(items: Any, starts: Any, steps: Any) -> Any:
            for positions, states in walk(items, starts, steps):
                hidden = self._change(states[:, :-1], table[items[positions]], own, 1.0, np)
                yield positions, np.concatenate((hidden, states[:, -1:]), axis=1, dtype=np.float32)

        scorer._walk_batch = changed
        return scorer

    def _change(
        self, hidden: Any, entered: Any, own: Mapping[str, Any], mask: Any, lib: Any
    ) -> Any:
        """Return the output for the last layer's output, in TensorFlow or NumPy.

        Args:
            hidden: (rows, units) the output of the last layer.
            entered: (rows, units) the inputs of the last items.
            own: the weights.
            mask: the dropout mask.
            lib: TensorFlow or NumPy.
        """
        variant = self._variant
        if variant.layer_norm:
            mean = tf.reduce_mean if lib is tf else np.mean
            centred = hidden - mean(hidden, axis=-1, keepdims=True)
            variance = mean(centred * centred, axis=-1, keepdims=True)
            hidden = centred / lib.sqrt(variance + _EPSILON) * own["norm/scale"] + own["norm/bias"]
        if variant.skip == "scale":
            hidden = hidden + entered * own["skip"]
        elif variant.skip == "matrix":
            hidden = hidden + lib.matmul(entered, own["skip"])
        hidden = hidden * mask
        if variant.cosine:
            factor = lib.exp(own["factor"]) if variant.learn_cosine else variant.cosine
            hidden = factor * unit_rows(hidden, lib)
        return hidden


def _own_weights(variant: Variant, units: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if variant.layer_norm:
        found |= {"norm/scale": np.full(units, 0.5), "norm/bias": np.zeros(units)}
    if variant.skip:
        shape = (units, units) if variant.skip == "matrix" else (units,)
        found["skip"] = np.zeros(shape)
    if variant.learn_cosine:
        found["factor"] = np.log(variant.cosine)
    return found


def unit_rows(rows: Any, lib: Any) -> Any:
    """Return rows of norm 1, in TensorFlow or NumPy (`lib`)."""
    total = tf.reduce_sum if lib is tf else np.sum
    return rows / lib.sqrt(total(rows * rows, axis=-1, keepdims=True) + 1e-12)
