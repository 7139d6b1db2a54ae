"""The trained GRU4Rec network as a public Keras 3 model."""

import os
import sys
from pathlib import Path
from typing import Any

from sbrcli.artefacts.items import RunItems
from sbrcli.models.gru4rec.weights import RESIDUAL, GruShape
from sbrcli.models.network import Weights
from sbrcli.models.training.backend import quiet_start

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # Keras reads it when it is first imported

if "tensorflow" in sys.modules:
    import keras
    import tensorflow as tf
else:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet_start():
        import keras
        import tensorflow as tf

        # The search for a GPU writes messages, and would otherwise happen at the first operation.
        tf.config.list_physical_devices("GPU")


class ItemScores(keras.layers.Layer):
    """The output layer: a row of a table and a bias for each item.

    Its table is (num_items, units), so that it can serve as the input's embedding too.
    """

    def __init__(self, num_items: int, units: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.table = self.add_weight(shape=(num_items, units), name="table")
        self.bias = self.add_weight(shape=(num_items,), initializer="zeros", name="bias")

    def call(self, hidden: Any) -> Any:
        """Score every item: (..., units) to (..., num_items)."""
        return keras.ops.matmul(hidden, keras.ops.transpose(self.table)) + self.bias


class Gru4Rec(keras.Model):
    """Scores every item as the next one of a session (Hidasi et al. 2016, arXiv 1511.06939).

    `model(items)` takes (sessions, steps) item indices, one session per row, and returns (sessions,
    steps, num_items) scores of the item that follows each of them.
    """

    def __init__(self, shape: GruShape, **settings: Any) -> None:
        super().__init__(**settings)
        self.network_shape = shape
        last = shape.units[-1]
        width = shape.num_items if shape.embedding == "none" else last
        self.embedding = None
        if shape.embedding == "separate":
            self.embedding = keras.layers.Embedding(shape.num_items, last, name="embedding")
            self.embedding.build()
        self.grus = []
        for layer, units in enumerate(shape.units):
            gru = keras.layers.GRU(
                units, return_sequences=True, reset_after=True, name=f"gru_{layer}"
            )
            gru.build((None, None, width))
            self.grus.append(gru)
            width = units
        self.residual = None
        if shape.has_residual:
            self.residual = keras.layers.Dense(last, use_bias=False, name="residual")
            self.residual.build((None, None, last))
        self.item_scores = ItemScores(shape.num_items, last, name="output")
        self.built = True  # all weights exist, so summary() and count_params() work

    def call(self, items: Any) -> Any:
        """Score the item after each event: (sessions, steps) to (sessions, steps, num_items)."""
        if self.network_shape.embedding == "none":
            hidden = keras.ops.one_hot(items, self.network_shape.num_items)
        elif self.embedding is not None:
            hidden = self.embedding(items)
        else:
            hidden = keras.ops.take(self.item_scores.table, items, axis=0)
        embedded = hidden
        for gru in self.grus:
            hidden = gru(hidden)
        if self.residual is not None:
            hidden += self.residual(embedded)
        return self.item_scores(hidden)

    def variables_by_name(self) -> dict[str, tf.Variable]:
        """Return the variables of the weights, by their names in `GruShape`."""
        found = {} if self.embedding is None else {"embedding/table": self.embedding.embeddings}
        for layer, gru in enumerate(self.grus):
            cell = gru.cell
            found[f"gru_{layer}/kernel"] = cell.kernel
            found[f"gru_{layer}/recurrent_kernel"] = cell.recurrent_kernel
            found[f"gru_{layer}/bias"] = cell.bias
        if self.residual is not None:
            found[RESIDUAL] = self.residual.kernel
        found["output/table"] = self.item_scores.table
        found["output/bias"] = self.item_scores.bias
        return {name: variable.value for name, variable in found.items()}  # pyright: ignore

    def set_by_name(self, weights: Weights) -> None:
        """Assign each weight to the variable of its name."""
        for name, variable in self.variables_by_name().items():
            variable.assign(weights[name])

    def read_by_name(self) -> Weights:
        """Return a copy of each weight, by name."""
        return {name: variable.numpy() for name, variable in self.variables_by_name().items()}


def load_model(run_folder: Path | str) -> tuple[Gru4Rec, RunItems]:
    """Load a trained run as a Keras model; see `sbrcli.models.loading.load_model`."""
    from sbrcli.models.loading import load_model

    return load_model(run_folder)
