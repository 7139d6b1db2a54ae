"""SASRec's last hidden states as ONNX nodes; see `sbrcli.models.export.exportable`."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sbrcli.models.network import OUTPUT_TABLE, Weights
from sbrcli.models.sasrec.weights import EPSILON, SasRecShape, block_weights

if TYPE_CHECKING:
    from sbrcli.models.export.onnx_graph import OnnxGraph

_LOWEST = -1e9
"""The logit of an event that is out of reach."""


def onnx_states(
    graph: "OnnxGraph", shape: SasRecShape, weights: Weights, items: str, lengths: str
) -> str:
    """Add an embedding and the blocks; see `Exportable.onnx_states`."""
    nodes = _Nodes(graph, shape)
    nodes.add_distances(items)
    table = graph.constant(OUTPUT_TABLE, weights[OUTPUT_TABLE])
    hidden = graph.add("Gather", [table, items], "embedded")
    hidden = nodes.norm(hidden, weights["first/norm"], "first_norm")
    for block in range(shape.blocks):
        hidden = nodes.add_block(hidden, block_weights(weights, block), f"block_{block}")
    hidden = nodes.norm(hidden, weights["last/norm"], "last_norm")
    hidden = nodes.product(hidden, weights["last/output"], "last_output")
    # The state after the last event of each session; what follows it is padding.
    one = graph.constant("one_event", np.array(1, np.int32))
    last = graph.add("Sub", [lengths, one], "last_event")
    last = graph.add("Cast", [last], "last_event_int64", to=7)  # TensorProto.INT64
    axis = graph.constant("last_axis", np.array([1], np.int64))
    last = graph.add("Unsqueeze", [last, axis], "last_event_column")
    return graph.add("GatherND", [hidden, last], "state", batch_dims=1)


class _Nodes:
    """Adds the layers of a network to a graph."""

    def __init__(self, graph: "OnnxGraph", shape: SasRecShape) -> None:
        self.graph, self.shape = graph, shape
        heads = np.array([0, 0, shape.heads, shape.units // shape.heads], np.int64)
        self.by_head = graph.constant("by_head", heads)  # 0 leaves a dimension as it is
        self.together = graph.constant("together", np.array([0, 0, shape.units], np.int64))
        self.lowest = self.number("out_of_reach", _LOWEST)

    def add_distances(self, items: str) -> None:
        """Add how far each event lies behind another, (steps, steps), and which are in reach."""
        graph, memory = self.graph, self.shape.memory
        zero = graph.scalar_constant("event_zero", np.array(0, np.int64))
        one = graph.scalar_constant("event_one", np.array(1, np.int64))
        most = graph.scalar_constant("memory", np.array(memory, np.int64))
        sizes = graph.add("Shape", [items], "sizes_of_items")
        steps = graph.add("Gather", [sizes, one], "number_of_events")
        place = graph.add("Range", [zero, steps, one], "place")
        axes = [graph.constant(f"place_axis_{n}", np.array([n], np.int64)) for n in (0, 1)]
        row = graph.add("Unsqueeze", [place, axes[0]], "place_row")
        column = graph.add("Unsqueeze", [place, axes[1]], "place_column")
        back = graph.add("Sub", [column, row], "back")
        is_past = graph.add("GreaterOrEqual", [back, zero], "is_past")
        is_near = graph.add("LessOrEqual", [back, most], "is_near")
        self.is_within = graph.add("And", [is_past, is_near], "is_within")
        nearest = graph.add("Min", [back, most], "back_at_most")
        self.distance = graph.add("Max", [nearest, zero], "distance")

    def add_block(self, hidden: str, own: Weights, name: str) -> str:
        """Add a block, and return the name of its output."""
        graph = self.graph
        normed = self.norm(hidden, own["attention/norm"], f"{name}/attention/normed")
        mixed = self._attend(normed, own, f"{name}/attention")
        added = self.product(mixed, own["attention/output"], f"{name}/attention/output")
        added = self._gated(added, normed, own.get("attention/gate"), f"{name}/attention")
        hidden = graph.add("Add", [hidden, added], f"{name}/attended")
        normed = self.norm(hidden, own["feed/norm"], f"{name}/feed/normed")
        inner = self.product(normed, own["feed/inner"], f"{name}/feed/inner")
        inner = self._plus(inner, own["feed/inner_bias"], f"{name}/feed/inner_bias")
        inner = graph.add("Relu", [inner], f"{name}/feed/relu")
        added = self.product(inner, own["feed/outer"], f"{name}/feed/outer")
        added = self._plus(added, own["feed/outer_bias"], f"{name}/feed/outer_bias")
        added = self._gated(added, normed, own.get("feed/gate"), f"{name}/feed")
        return graph.add("Add", [hidden, added], f"{name}/fed")

    def norm(self, rows: str, norm: npt.NDArray[np.float32], name: str) -> str:
        """Add a norm."""
        constants = [self.graph.constant(f"{name}/{n}", part) for n, part in enumerate(norm)]
        return self.graph.add(
            "LayerNormalization", [rows, *constants], name, axis=-1, epsilon=EPSILON
        )

    def product(self, rows: str, matrix: npt.NDArray[np.float32], name: str) -> str:
        """Add a product with a matrix."""
        return self.graph.add("MatMul", [rows, self.graph.constant(f"{name}/matrix", matrix)], name)

    def scaled(self, values: str, factor: float, name: str) -> str:
        """Add a product with a number."""
        return self.graph.add("Mul", [values, self.number(f"{name}/factor", factor)], name)

    def number(self, name: str, value: float) -> str:
        """Add a constant number."""
        return self.graph.scalar_constant(name, np.array(value, np.float32))

    def _attend(self, normed: str, own: Weights, name: str) -> str:
        """Add attention, and return the name of the weighted values, (sessions, steps, units)."""
        graph, units = self.graph, self.shape.units
        keys_values = own["attention/keys_values"]
        matrices = (own["attention/queries"], keys_values[:, :units], keys_values[:, units:])
        orders = ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3))  # the keys are transposed
        parts = []
        for part, matrix, order in zip(("q", "k", "v"), matrices, orders, strict=True):
            rows = self.product(normed, matrix, f"{name}/{part}")
            rows = graph.add("Reshape", [rows, self.by_head], f"{name}/{part}_heads")
            parts.append(graph.add("Transpose", [rows], f"{name}/{part}_by_head", perm=order))
        logits = graph.add("MatMul", parts[:2], f"{name}/products")
        logits = self.scaled(logits, (units // self.shape.heads) ** -0.5, f"{name}/logits")
        terms = graph.constant(f"{name}/terms", own["attention/distance"])
        terms = graph.add("Gather", [terms, self.distance], f"{name}/by_distance", axis=1)
        logits = graph.add("Add", [logits, terms], f"{name}/all_logits")
        within = graph.add("Where", [self.is_within, logits, self.lowest], f"{name}/within")
        shares = graph.add("Softmax", [within], f"{name}/shares", axis=-1)
        mixed = graph.add("MatMul", [shares, parts[2]], f"{name}/mixed")
        mixed = graph.add("Transpose", [mixed], f"{name}/mixed_by_step", perm=(0, 2, 1, 3))
        return graph.add("Reshape", [mixed, self.together], f"{name}/mixed_heads")

    def _plus(self, rows: str, bias: npt.NDArray[np.float32], name: str) -> str:
        return self.graph.add("Add", [rows, self.graph.constant(f"{name}/terms", bias)], name)

    def _gated(
        self, added: str, normed: str, gate: npt.NDArray[np.float32] | None, name: str
    ) -> str:
        if gate is None:
            return added
        logits = self.product(normed, gate, f"{name}/gate")
        share = self.graph.add("Sigmoid", [logits], f"{name}/gate_share")
        return self.graph.add("Mul", [added, share], f"{name}/gated")
