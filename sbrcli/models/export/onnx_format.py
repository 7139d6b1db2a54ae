"""A network as an ONNX model, written from its weights without TensorFlow.

The operators are those of ONNX opset 17, which onnxruntime knows since version 1.12.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from sbrcli.models.export.exportable import Exportable
from sbrcli.models.export.onnx_graph import OnnxGraph, value_info
from sbrcli.models.export.signature import (
    SCORES,
    TOP_INPUTS,
    TOP_OUTPUTS,
    describe_inputs,
)
from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_REPEATS, OUTPUT_TABLE, Weights
from sbrcli.models.repeats.export import add_onnx_repeats
from sbrcli.version import __version__

MODEL_FILE = "model.onnx"
_OPSET = 17
_IR_VERSION = 8
"""The IR version that came with opset 17: older runtimes read it too."""

_MAX_BYTES_IN_ONE_FILE = 1 << 30
"""Protocol buffers end at 2 GiB; larger weights are written to a file beside the model."""

INPUTS = describe_inputs("int64") | {
    "k": f"int64 (1,): {TOP_INPUTS['k']}",
    "exclude_seen": f"bool (): {TOP_INPUTS['exclude_seen']}",
}
OUTPUTS = TOP_OUTPUTS | SCORES | {"top_items": f"int64 {TOP_OUTPUTS['top_items']}"}
USE = """\
import json
import numpy as np
import onnxruntime

model = onnxruntime.InferenceSession("model.onnx")
ids = json.load(open("items.json"))["ids"]
session = [ids[0], ids[1]]  # item ids, oldest first

items = np.array([[ids.index(item) for item in session]], np.int64)
feeds = {
    "items": items,
    "lengths": np.array([len(session)], np.int64),
    "k": np.array([20], np.int64),
    "exclude_seen": np.array(True),
}
[best] = model.run(["top_items"], feeds)
print([ids[index] for index in best[0]])
"""


def write(family: Exportable, shape: Any, weights: Weights, folder: Path) -> None:
    """Write a network as `model.onnx`; large weights go to `model.onnx.data` beside it."""
    model = make_model(family, shape, weights)
    is_large = sum(weight.nbytes for weight in weights.values()) >= _MAX_BYTES_IN_ONE_FILE
    path = str(folder / MODEL_FILE)
    onnx.save_model(model, path, save_as_external_data=is_large, location=f"{MODEL_FILE}.data")
    onnx.checker.check_model(path)


def make_model(family: Exportable, shape: Any, weights: Weights) -> onnx.ModelProto:
    """Return a network as an ONNX model; see `INPUTS` and `OUTPUTS`."""
    graph = OnnxGraph()
    lengths = graph.add("Cast", ["lengths"], "lengths_int32", to=TensorProto.INT32)
    state = family.onnx_states(graph, shape, weights, "items", lengths)
    table = _find_or_add(graph, OUTPUT_TABLE, weights)
    bias = graph.constant(OUTPUT_BIAS, weights[OUTPUT_BIAS])
    seen = _mark_seen(graph, shape.num_items)
    if OUTPUT_REPEATS in weights:
        plain = graph.add("Gemm", [state, table, bias], "plain_scores", transB=1)
        terms = weights[OUTPUT_REPEATS]
        scores = add_onnx_repeats(graph, plain, terms, "items", "lengths", seen)
    else:
        scores = graph.add("Gemm", [state, table, bias], "scores", transB=1)
    _add_top_items(graph, scores, seen, shape.num_items)
    int64, float32 = TensorProto.INT64, TensorProto.FLOAT
    inputs = [
        value_info("items", int64, ["sessions", "steps"]),
        value_info("lengths", int64, ["sessions"]),
        value_info("k", int64, [1]),
        value_info("exclude_seen", TensorProto.BOOL, []),
    ]
    outputs = [
        value_info("top_items", int64, ["sessions", "top"]),
        value_info("top_scores", float32, ["sessions", "top"]),
        value_info("scores", float32, ["sessions", shape.num_items]),
    ]
    graph_proto = helper.make_graph(graph.nodes, "sbr", inputs, outputs, graph.constants)
    return helper.make_model(
        graph_proto,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="sbr",
        producer_version=__version__,
    )


def _find_or_add(graph: OnnxGraph, name: str, weights: Weights) -> str:
    """Return a weight's constant, which a shared embedding may have added already."""
    if any(constant.name == name for constant in graph.constants):
        return name
    return graph.constant(name, weights[name])


def _add_top_items(graph: OnnxGraph, scores: str, seen: str, num_items: int) -> None:
    """Add the choice of the best items; of equal scores, the lower index comes first."""
    is_left_out = graph.add("And", [seen, "exclude_seen"], "is_left_out")
    lowest = graph.scalar_constant("lowest", np.array(-np.inf, np.float32))
    candidates = graph.add("Where", [is_left_out, lowest, scores], "candidates")
    most = graph.constant("num_items", np.array([num_items], np.int64))
    k = graph.add("Min", ["k", most], "k_or_all")
    graph.add_node("TopK", [candidates, k], ("top_scores", "top_items"), axis=1)


def _mark_seen(graph: OnnxGraph, num_items: int) -> str:
    """Add (sessions, num_items), true at the items of each session.

    Padding is replaced by the session's first item, which is one of its own.
    """
    axis = graph.constant("axis_1", np.array([1], np.int64))
    from_0 = graph.constant("index_0", np.array([0], np.int64))
    to_1 = graph.constant("index_1", np.array([1], np.int64))
    zero = graph.scalar_constant("zero", np.array(0, np.int64))
    one = graph.scalar_constant("one", np.array(1, np.int64))
    sizes = graph.add("Shape", ["items"], "items_shape")

    first = graph.add("Slice", ["items", from_0, to_1, axis], "first_items")
    steps = graph.add("Gather", [sizes, one], "num_steps")
    step = graph.add("Range", [zero, steps, one], "step")
    length = graph.add("Unsqueeze", ["lengths", axis], "lengths_column")
    is_event = graph.add("Less", [step, length], "is_event")
    own_items = graph.add("Where", [is_event, "items", first], "own_items")

    num_sessions = graph.add("Slice", [sizes, from_0, to_1], "num_sessions")
    width = graph.constant("width", np.array([num_items], np.int64))
    mask_shape = graph.add("Concat", [num_sessions, width], "mask_shape", axis=0)
    nothing = graph.add(
        "Expand", [graph.scalar_constant("false", np.array(False)), mask_shape], "nothing_seen"
    )
    marks = graph.add("Expand", [graph.scalar_constant("true", np.array(True)), sizes], "marks")
    return graph.add("ScatterElements", [nothing, own_items, marks], "is_seen", axis=1)
