"""The formats that a network is exported in: a new one is a module and one line here."""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format, whose module is imported when it is used.

    The module has `write(family, shape, weights, folder)`, which writes the model into an existing
    folder; `INPUTS` and `OUTPUTS`, a description of each by name; and `USE`, Python code that runs
    the exported model.
    """

    module: str
    requires: tuple[str, ...] = ()
    """The packages that the module imports beyond those that come with sbr."""

    def load(self) -> ModuleType:
        """Import the module."""
        return import_module(self.module)


FORMATS = {
    "onnx": ExportFormat("sbrcli.models.export.onnx_format", requires=("onnx",)),
    "saved-model": ExportFormat("sbrcli.models.export.saved_model_format"),
    "keras": ExportFormat("sbrcli.models.export.keras_format"),
}
