"""The options of `sbr export`: the format, and what the model card states."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.options import Options, option

Format = Literal["onnx", "saved-model", "keras"]


@dataclass(frozen=True, kw_only=True)
class ExportConfig(Options):
    """How `sbr export` writes a run for another runtime."""

    format: Format = option(
        "onnx",
        "onnx for onnxruntime and many others, saved-model for TensorFlow, keras for Keras.",
        choices=get_args(Format),
    )
    license: str = option(
        "not stated",
        "The licence of the model, as its card states it.",
        metavar="TEXT",
    )
