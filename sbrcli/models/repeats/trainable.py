"""A network with learned repeats in training."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from sbrcli.models.network import OUTPUT_REPEATS, Network, NetworkShape
from sbrcli.models.repeats.scorer import RepeatsScorer
from sbrcli.models.repeats.shape import own_weights


class RepeatsNetwork:
    """Adds the variable of the terms to a network; see `sbrcli.models.network.Network`.

    The training step adds the terms to the scores, and computes their gradient.

    Args:
        network: the network.
        shape: its shape with the terms.
        terms: their initial values.
    """

    def __init__(self, network: Network, shape: NetworkShape, terms: Any) -> None:
        self._network, self.shape = network, shape
        variable = tf.Variable(tf.constant(terms, tf.float32), name=OUTPUT_REPEATS)
        self.variables: dict[str, Any] = {**network.variables, OUTPUT_REPEATS: variable}
        self.input_table = network.input_table

    def zero_states(self, num_lanes: int) -> list[Any]:
        """Return the state before the first chunk, which is the network's."""
        return self._network.zero_states(num_lanes)

    def forward(
        self, entered: Any, starts: Any, states: list[Any], seed_of: Callable[[int], Any]
    ) -> tuple[Any, list[Any], Any]:
        """Run the forward pass of a chunk; see `sbrcli.models.network.Network`."""
        return self._network.forward(entered, starts, states, seed_of)

    def backward(self, cache: Any, gradient: Any) -> tuple[Any, dict[str, Any]]:
        """Return the gradients of a chunk; see `sbrcli.models.network.Network`."""
        return self._network.backward(cache, gradient)

    def scorer(self) -> RepeatsScorer:
        """Return a scorer with a copy of the current weights."""
        self._network.variables = own_weights(self.variables)  # they may have been replaced
        return RepeatsScorer(self._network.scorer(), self.variables[OUTPUT_REPEATS].numpy())
