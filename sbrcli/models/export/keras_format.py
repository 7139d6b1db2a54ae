"""A network as a `.keras` file, made of layers that come with Keras."""

import os
from pathlib import Path
from typing import Any

from sbrcli.models.export.exportable import Exportable
from sbrcli.models.export.signature import SCORES, describe_inputs
from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_REPEATS, OUTPUT_TABLE, Weights
from sbrcli.models.repeats.export import add_keras_repeats
from sbrcli.models.training.backend import quiet_start

MODEL_FILE = "model.keras"

INPUTS = describe_inputs("int32")
OUTPUTS = SCORES
USE = """\
import json
import keras
import numpy as np

model = keras.models.load_model("model.keras")
ids = json.load(open("items.json"))["ids"]
session = [ids[0], ids[1]]  # item ids, oldest first

items = np.array([[ids.index(item) for item in session]], np.int32)
feeds = {"items": items, "lengths": np.array([len(session)], np.int32)}
scores = model.predict(feeds, verbose=0)[0]
scores[items[0]] = -np.inf  # leave out the session's own items
print([ids[index] for index in np.argsort(-scores, kind="stable")[:20]])
"""


def write(family: Exportable, shape: Any, weights: Weights, folder: Path) -> None:
    """Write a network as `model.keras`."""
    make_model(family, shape, weights).save(folder / MODEL_FILE)


def make_model(family: Exportable, shape: Any, weights: Weights) -> Any:
    """Return a network as a Keras model of layers that come with Keras; see `INPUTS`."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet_start():
        import keras
        import tensorflow as tf

        # Looking for a GPU writes messages; the first operation would do it otherwise.
        tf.config.list_physical_devices("GPU")

    items: Any = keras.Input((None,), dtype="int32", name="items")
    lengths: Any = keras.Input((), dtype="int32", name="lengths")
    states = family.keras_states(items, shape, weights)
    last = keras.ops.reshape(lengths - 1, (-1, 1, 1))
    state = keras.ops.take_along_axis(states, keras.ops.repeat(last, states.shape[-1], 2), axis=1)
    output = keras.layers.Dense(shape.num_items, name="scores")
    scores = output(keras.ops.reshape(state, (-1, states.shape[-1])))
    output.set_weights([weights[OUTPUT_TABLE].T, weights[OUTPUT_BIAS]])
    if OUTPUT_REPEATS in weights:
        scores = add_keras_repeats(scores, weights[OUTPUT_REPEATS], items, lengths)
    return keras.Model({"items": items, "lengths": lengths}, scores, name="sbr")
