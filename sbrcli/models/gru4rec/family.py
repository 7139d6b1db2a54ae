"""GRU4Rec as a family of networks (Hidasi et al. 2016, arXiv 1511.06939)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sbrcli.models.gru4rec.options import Gru4RecConfig
from sbrcli.models.gru4rec.presets import PRESETS

if TYPE_CHECKING:  # `sbr train --help` reads the options, without NumPy
    from sbrcli.models.export.onnx_graph import OnnxGraph
    from sbrcli.models.gru4rec.inference import GruScorer
    from sbrcli.models.gru4rec.network import Gru4Rec
    from sbrcli.models.gru4rec.trainable import GruNetwork
    from sbrcli.models.gru4rec.weights import GruShape
    from sbrcli.models.network import Weights


class Gru4RecFamily:
    """GRU layers over an item embedding; see `sbrcli.models.network.Family`."""

    name = "gru4rec"
    title = "GRU4Rec"
    size_options = ("hsz", "layers")
    options = Gru4RecConfig
    presets = PRESETS

    def shape_of(self, config: Gru4RecConfig, num_items: int) -> "GruShape":
        """Return the shape of the network that a configuration describes."""
        from sbrcli.models.gru4rec.weights import GruShape

        return GruShape(num_items, config.units, config.embedding, config.has_residual)

    def size_words(self, config: Gru4RecConfig) -> str:
        """Return the layers and units in words, as in "1x100"."""
        return f"{config.layers}x{'-'.join(map(str, config.hsz))}"

    def read_shape(self, network: Mapping[str, Any]) -> "GruShape":
        """Read a shape from a manifest; see `sbrcli.models.network.Family`."""
        from sbrcli.models.gru4rec.weights import GruShape

        return GruShape.from_manifest(network)

    def initial_weights(self, shape: "GruShape", seed: int) -> "Weights":
        """Draw the initial weights."""
        from sbrcli.models.gru4rec.weights import initialise_weights

        return initialise_weights(shape, seed)

    def make_network(
        self, shape: "GruShape", config: Gru4RecConfig, weights: "Weights"
    ) -> "GruNetwork":
        """Return a network in training with these initial weights."""
        from sbrcli.models.gru4rec.trainable import GruNetwork

        return GruNetwork(self.make_keras_model(shape, weights), config)

    def make_scorer(
        self, shape: "GruShape", weights: Mapping[str, Any], batch_size: int = 128
    ) -> "GruScorer":
        """Return a scorer, which needs only NumPy."""
        from sbrcli.models.gru4rec.inference import GruScorer

        return GruScorer(shape, weights, batch_size)

    def make_keras_model(self, shape: "GruShape", weights: "Weights") -> "Gru4Rec":
        """Return a Keras model."""
        from sbrcli.models.gru4rec.network import Gru4Rec

        model = Gru4Rec(shape)
        model.set_by_name(weights)
        return model

    def onnx_states(
        self, graph: "OnnxGraph", shape: "GruShape", weights: "Weights", items: str, lengths: str
    ) -> str:
        """Add the layers to an ONNX graph; see `sbrcli.models.export.exportable.Exportable`."""
        from sbrcli.models.gru4rec.export import onnx_states

        return onnx_states(graph, shape, weights, items, lengths)

    def keras_states(self, items: Any, shape: "GruShape", weights: "Weights") -> Any:
        """Apply layers that come with Keras; see `sbrcli.models.export.exportable.Exportable`."""
        from sbrcli.models.gru4rec.export import keras_states

        return keras_states(items, shape, weights)


FAMILY = Gru4RecFamily()
