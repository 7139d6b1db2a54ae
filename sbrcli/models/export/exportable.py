"""What a family of networks adds so that its runs can be exported."""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from sbrcli.models.network import Family, Weights
from sbrcli.models.repeats.family import RepeatsFamily
from sbrcli.models.repeats.shape import own_shape, own_weights

if TYPE_CHECKING:
    from sbrcli.models.export.onnx_graph import OnnxGraph


@runtime_checkable
class Exportable(Protocol):
    """A family that can describe its network to another runtime, up to its last hidden states.

    The output layer, which all families share, and the choice of the best items are added by the
    formats.
    """

    def onnx_states(
        self, graph: "OnnxGraph", shape: Any, weights: Weights, items: str, lengths: str
    ) -> str:
        """Add the nodes that compute the last hidden state of each session.

        Args:
            graph: the graph to add to.
            shape: the network's shape.
            weights: its weights.
            items: the name of (sessions, steps) int64 item indices.
            lengths: the name of (sessions,) int32 lengths, at least 1; steps beyond are padding.

        Returns:
            The name of (sessions, units), each session's state after its last event.
        """
        ...

    def keras_states(self, items: Any, shape: Any, weights: Weights) -> Any:
        """Apply layers that come with Keras to a symbolic tensor of items.

        Args:
            items: (sessions, steps) int32 item indices, a Keras tensor.
            shape: the network's shape.
            weights: its weights.

        Returns:
            (sessions, steps, units), the state after each event, a Keras tensor.
        """
        ...


def as_exportable(family: Family) -> Exportable | None:
    """Return the family if its runs can be exported, else None."""
    if isinstance(family, RepeatsFamily):
        own = as_exportable(family.family)
        return None if own is None else _WithRepeats(own)
    return family if isinstance(family, Exportable) else None


class _WithRepeats:
    """Gives a family its own shape and weights; the formats add the terms to the scores."""

    def __init__(self, family: Exportable) -> None:
        self._family = family

    def onnx_states(
        self, graph: "OnnxGraph", shape: Any, weights: Weights, items: str, lengths: str
    ) -> str:
        own = own_shape(shape), own_weights(weights)
        return self._family.onnx_states(graph, *own, items, lengths)

    def keras_states(self, items: Any, shape: Any, weights: Weights) -> Any:
        return self._family.keras_states(items, own_shape(shape), own_weights(weights))
