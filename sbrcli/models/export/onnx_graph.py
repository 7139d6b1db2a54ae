"""Build an ONNX graph node by node."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper


class OnnxGraph:
    """Nodes and constants under construction; values are referred to by name."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """Add a constant, and return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def scalar_constant(self, name: str, value: npt.NDArray[Any]) -> str:
        """Add a constant of no dimension, and return its name."""
        self.constants.append(numpy_helper.from_array(value.reshape(()), name))
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node with one output, and return the output's name."""
        return self.add_node(operator, inputs, (output,), **attributes)[0]

    def add_node(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> Sequence[str]:
        """Add a node, and return the names of its outputs; an empty name is an output not used."""
        name = next(output for output in outputs if output)
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=name, **attributes))
        return outputs


def value_info(name: str, kind: int, sizes: Sequence[str | int]) -> ValueInfoProto:
    """Describe an input or output; sizes that vary are given by name."""
    return helper.make_tensor_value_info(name, kind, sizes)
