"""Any family of networks with learned repeats, where a configuration asks for them.

A family does not know of repeats: it gets its own shape, its own weights, and computes the scores
without them. Importing this module does not load NumPy.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sbrcli.config.options import Options

if TYPE_CHECKING:
    from sbrcli.models.network import Family, Network, NetworkShape, Weights
    from sbrcli.models.scorer import Scorer


class RepeatsFamily:
    """A family to which repeats are added; see `sbrcli.models.network.Family`.

    Args:
        family: the family, whose networks know nothing of repeats.
    """

    def __init__(self, family: "Family") -> None:
        self.family = family
        self.name, self.title = family.name, family.title
        self.size_options: tuple[str, ...] = family.size_options
        self.options: type[Options] = family.options
        self.presets = family.presets

    def shape_of(self, config: Any, num_items: int) -> "NetworkShape":
        """Return the shape of the network that a configuration describes."""
        from sbrcli.models.repeats.shape import RepeatsShape

        shape = self.family.shape_of(config, num_items)
        return RepeatsShape(shape) if config.repeats == "learned" else shape

    def size_words(self, config: Any) -> str:
        """Return `size_options` as written in a run's default name."""
        return self.family.size_words(config)

    def read_shape(self, network: Mapping[str, Any]) -> "NetworkShape":
        """Read a shape from a manifest."""
        from sbrcli.models.repeats.shape import REPEATS_ENTRY, RepeatsShape

        shape = self.family.read_shape(network)
        return RepeatsShape(shape) if network.get(REPEATS_ENTRY) else shape

    def initial_weights(self, shape: "NetworkShape", seed: int) -> "Weights":
        """Draw the initial weights; the terms begin at 0."""
        from sbrcli.models.repeats.shape import own_shape

        own = own_shape(shape)
        weights = self.family.initial_weights(own, seed)
        if own is shape:
            return weights
        import numpy as np

        from sbrcli.models.network import OUTPUT_REPEATS

        return weights | {OUTPUT_REPEATS: np.zeros(shape.weight_shapes()[OUTPUT_REPEATS], "f4")}

    def make_network(self, shape: "NetworkShape", config: Any, weights: "Weights") -> "Network":
        """Return a network in training with these initial weights."""
        from sbrcli.models.repeats.shape import own_shape, own_weights

        own = own_shape(shape)
        network = self.family.make_network(own, config, own_weights(weights))
        if own is shape:
            return network
        from sbrcli.models.network import OUTPUT_REPEATS
        from sbrcli.models.repeats.trainable import RepeatsNetwork

        return RepeatsNetwork(network, shape, weights[OUTPUT_REPEATS])

    def make_scorer(
        self, shape: "NetworkShape", weights: Mapping[str, Any], batch_size: int = 128
    ) -> "Scorer":
        """Return a scorer, which needs only NumPy."""
        from sbrcli.models.repeats.shape import own_shape, own_weights

        own = own_shape(shape)
        scorer = self.family.make_scorer(own, own_weights(weights), batch_size)
        if own is shape:
            return scorer
        from sbrcli.models.network import OUTPUT_REPEATS
        from sbrcli.models.repeats.scorer import RepeatsScorer

        return RepeatsScorer(scorer, weights[OUTPUT_REPEATS])

    def make_keras_model(self, shape: "NetworkShape", weights: "Weights") -> Any:
        """Return a Keras model."""
        from sbrcli.models.repeats.shape import own_shape, own_weights

        own = own_shape(shape)
        model = self.family.make_keras_model(own, own_weights(weights))
        if own is shape:
            return model
        from sbrcli.models.network import OUTPUT_REPEATS
        from sbrcli.models.repeats.keras_model import RepeatsModel

        return RepeatsModel(model, weights[OUTPUT_REPEATS])
