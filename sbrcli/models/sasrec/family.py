"""SASRec as a family of networks (Kang & McAuley 2018, arXiv 1808.09781)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sbrcli.models.sasrec.options import SasRecConfig
from sbrcli.models.sasrec.presets import PRESETS

if TYPE_CHECKING:  # `sbr train --help` reads the options, without NumPy
    from sbrcli.models.export.onnx_graph import OnnxGraph
    from sbrcli.models.network import Weights
    from sbrcli.models.sasrec.inference import SasRecScorer
    from sbrcli.models.sasrec.trainable import SasRecNetwork
    from sbrcli.models.sasrec.weights import SasRecShape


class SasRecFamily:
    """A causal transformer over a session's last events; see `sbrcli.models.network.Family`."""

    name = "sasrec"
    title = "SASRec"
    size_options = ("hsz", "blocks")
    options = SasRecConfig
    presets = PRESETS

    def shape_of(self, config: SasRecConfig, num_items: int) -> "SasRecShape":
        """Return the shape of the network that a configuration describes."""
        from sbrcli.models.sasrec.weights import SasRecShape

        return SasRecShape(
            num_items,
            config.units,
            config.blocks,
            config.heads,
            config.window,
            config.feed_forward,
            config.gates,
        )

    def size_words(self, config: SasRecConfig) -> str:
        """Return the blocks and units in words, as in "sasrec2x64"."""
        return f"sasrec{config.blocks}x{config.units}"

    def read_shape(self, network: Mapping[str, Any]) -> "SasRecShape":
        """Read a shape from a manifest; see `sbrcli.models.network.Family`."""
        from sbrcli.models.sasrec.weights import SasRecShape

        return SasRecShape.from_manifest(network)

    def initial_weights(self, shape: "SasRecShape", seed: int) -> "Weights":
        """Draw the initial weights."""
        from sbrcli.models.sasrec.weights import initialise_weights

        return initialise_weights(shape, seed)

    def make_network(
        self, shape: "SasRecShape", config: SasRecConfig, weights: "Weights"
    ) -> "SasRecNetwork":
        """Return a network in training with these initial weights."""
        from sbrcli.models.sasrec.trainable import SasRecNetwork

        return SasRecNetwork(shape, config, weights)

    def make_scorer(
        self, shape: "SasRecShape", weights: Mapping[str, Any], batch_size: int = 128
    ) -> "SasRecScorer":
        """Return a scorer, which needs only NumPy."""
        from sbrcli.models.sasrec.inference import SasRecScorer

        return SasRecScorer(shape, weights, batch_size)

    def make_keras_model(self, shape: "SasRecShape", weights: "Weights") -> Any:
        """Return a Keras model."""
        from sbrcli.models.sasrec.keras_layers import make_keras_model

        return make_keras_model(shape, weights)

    def onnx_states(
        self,
        graph: "OnnxGraph",
        shape: "SasRecShape",
        weights: "Weights",
        items: str,
        lengths: str,
    ) -> str:
        """Add the blocks to an ONNX graph; see `sbrcli.models.export.exportable.Exportable`."""
        from sbrcli.models.sasrec.onnx_nodes import onnx_states

        return onnx_states(graph, shape, weights, items, lengths)

    def keras_states(self, items: Any, shape: "SasRecShape", weights: "Weights") -> Any:
        """Apply built-in Keras layers; see `sbrcli.models.export.exportable.Exportable`."""
        from sbrcli.models.sasrec.keras_layers import keras_states

        return keras_states(items, shape, weights)


FAMILY = SasRecFamily()
