"""GRU4Rec's hidden states in other runtimes; see `sbrcli.models.export.exportable`."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sbrcli.models.gru4rec.weights import RESIDUAL, GruShape
from sbrcli.models.network import OUTPUT_TABLE, Weights

if TYPE_CHECKING:
    from sbrcli.models.export.onnx_graph import OnnxGraph

FloatArray = npt.NDArray[np.float32]


def onnx_states(
    graph: "OnnxGraph", shape: GruShape, weights: Weights, items: str, lengths: str
) -> str:
    """Add an embedding and a GRU for each layer; see `Exportable.onnx_states`.

    ONNX' GRU with `linear_before_reset` is Keras' with `reset_after`: the same equations, and the
    gates in the same order (z, r, candidate).
    """
    table_name, table, first_kernel = _input_of(shape, weights)
    by_step = graph.add("Transpose", [items], "items_by_step", perm=[1, 0])
    table_name = graph.constant(table_name, table)
    hidden = graph.add("Gather", [table_name, by_step], "embedded")
    direction = graph.constant("direction_axis", np.array([1], np.int64))
    state = ""
    for layer, units in enumerate(shape.units):
        name = f"gru_{layer}"
        kernel = first_kernel if layer == 0 else weights[f"{name}/kernel"]
        inputs = [
            hidden,
            graph.constant(f"{name}/W", kernel.T[None]),
            graph.constant(f"{name}/R", weights[f"{name}/recurrent_kernel"].T[None]),
            graph.constant(f"{name}/B", weights[f"{name}/bias"].reshape(1, -1)),
            lengths,
        ]
        outputs = (f"{name}/all", f"{name}/last")
        graph.add_node("GRU", inputs, outputs, hidden_size=units, linear_before_reset=1)
        hidden = graph.add("Squeeze", [outputs[0], direction], f"{name}/states")
        state = outputs[1]
    first_axis = graph.constant("layer_axis", np.array([0], np.int64))
    state = graph.add("Squeeze", [state, first_axis], "state")
    if not shape.has_residual:
        return state
    last = graph.add("Gather", [table_name, _last_items(graph, items, lengths)], "last_embedded")
    matrix = graph.constant(RESIDUAL, weights[RESIDUAL])
    return graph.add(
        "Add", [state, graph.add("MatMul", [last, matrix], "residual")], "output_state"
    )


def _last_items(graph: "OnnxGraph", items: str, lengths: str) -> str:
    """Add the last item of each session, (sessions,); what follows it is padding."""
    one = graph.constant("one_event", np.array(1, np.int32))
    last = graph.add("Sub", [lengths, one], "last_event")
    last = graph.add("Cast", [last], "last_event_int64", to=7)  # TensorProto.INT64
    axis = graph.constant("last_axis", np.array([1], np.int64))
    last = graph.add("Unsqueeze", [last, axis], "last_event_column")
    return graph.add("GatherND", [items, last], "last_item", batch_dims=1)


def keras_states(items: Any, shape: GruShape, weights: Weights) -> Any:
    """Apply an embedding and a GRU for each layer; see `Exportable.keras_states`."""
    import keras

    _, table, kernel = _input_of(shape, weights)
    embedding = keras.layers.Embedding(*table.shape, name="embedding")
    hidden = embedded = embedding(items)
    embedding.set_weights([table])
    for layer, units in enumerate(shape.units):
        name = f"gru_{layer}"
        gru = keras.layers.GRU(units, return_sequences=True, reset_after=True, name=name)
        hidden = gru(hidden)
        kernel = kernel if layer == 0 else weights[f"{name}/kernel"]
        gru.set_weights([kernel, weights[f"{name}/recurrent_kernel"], weights[f"{name}/bias"]])
    if shape.has_residual:
        residual = keras.layers.Dense(hidden.shape[-1], use_bias=False, name="residual")
        hidden = keras.layers.Add(name="output_states")([hidden, residual(embedded)])
        residual.set_weights([weights[RESIDUAL]])
    return hidden


def _input_of(shape: GruShape, weights: Weights) -> tuple[str, FloatArray, FloatArray]:
    """Return the table of the items' inputs, its name, and the first layer's kernel.

    A one-hot input selects a row of the first kernel. That is written as an embedding with these
    rows, and a kernel that leaves them as they are, so that no one-hot vectors are made.
    """
    kernel = weights["gru_0/kernel"]
    if shape.embedding == "none":
        return "gru_0/rows", kernel, np.eye(kernel.shape[1], dtype=np.float32)
    name = OUTPUT_TABLE if shape.embedding == "shared" else "embedding/table"
    return name, weights[name], kernel
