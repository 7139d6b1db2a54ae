"""SASRec's hidden states in built-in Keras layers; see `sbrcli.models.export.exportable`."""

import os
import sys
from typing import Any

from sbrcli.models.network import OUTPUT_BIAS, OUTPUT_TABLE, Weights
from sbrcli.models.sasrec.weights import EPSILON, SasRecShape, block_weights
from sbrcli.models.training.backend import quiet_start

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # Keras reads it when it is first imported

if "tensorflow" in sys.modules:
    import keras
else:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with quiet_start():
        import keras
        import tensorflow as tf

        # The search for a GPU writes messages, and would otherwise happen at the first operation.
        tf.config.list_physical_devices("GPU")

_LOWEST = -1e9
"""The logit of an event that is out of reach."""


def make_keras_model(shape: SasRecShape, weights: Weights) -> Any:
    """Return a Keras model: (sessions, steps) items to (sessions, steps, num_items) scores."""
    items: Any = keras.Input((None,), dtype="int32", name="items")
    states = keras_states(items, shape, weights)
    output = keras.layers.Dense(shape.num_items, name="output")
    scores = output(states)
    output.set_weights([weights[OUTPUT_TABLE].T, weights[OUTPUT_BIAS]])
    return keras.Model(items, scores, name="sasrec")


def keras_states(items: Any, shape: SasRecShape, weights: Weights) -> Any:
    """Apply an embedding and the blocks; see `Exportable.keras_states`."""
    table = weights[OUTPUT_TABLE]
    embedding = keras.layers.Embedding(*table.shape, name="embedding")
    hidden = _norm(embedding(items), weights["first/norm"], "first_norm")
    embedding.set_weights([table])
    places: Any = keras.ops.cumsum(keras.ops.ones_like(items[:1, :]), axis=1)  # (1, steps)
    # (steps, steps) how far each event is behind another
    back = keras.ops.transpose(places) - places
    for block in range(shape.blocks):
        hidden = _apply_block(hidden, back, shape, block_weights(weights, block), f"block_{block}")
    hidden = _norm(hidden, weights["last/norm"], "last_norm")
    return _dense(hidden, weights["last/output"], None, "last_output")


def _apply_block(hidden: Any, back: Any, shape: SasRecShape, own: Weights, name: str) -> Any:
    normed = _norm(hidden, own["attention/norm"], f"{name}_attention_norm")
    added = _attend(normed, back, shape, own, f"{name}_attention")
    added = _dense(added, own["attention/output"], None, f"{name}_attention_output")
    hidden = hidden + _gated(added, normed, own.get("attention/gate"), f"{name}_attention_gate")
    normed = _norm(hidden, own["feed/norm"], f"{name}_feed_norm")
    inner = _dense(normed, own["feed/inner"], own["feed/inner_bias"], f"{name}_feed_inner")
    outer = (own["feed/outer"], own["feed/outer_bias"], f"{name}_feed_outer")
    added = _dense(keras.ops.relu(inner), *outer)
    return hidden + _gated(added, normed, own.get("feed/gate"), f"{name}_feed_gate")


def _attend(normed: Any, back: Any, shape: SasRecShape, own: Weights, name: str) -> Any:
    """Return the weighted values of all heads, (sessions, steps, units)."""
    matrices = (own["attention/queries"], *_halves(own["attention/keys_values"]))
    words = ("queries", "keys", "values")
    queries, keys, values = (
        _by_head(_dense(normed, matrix, None, f"{name}_{word}"), shape)
        for word, matrix in zip(words, matrices, strict=True)
    )
    logits = keras.ops.matmul(queries, keras.ops.transpose(keys, (0, 1, 3, 2)))
    logits = logits * (shape.units // shape.heads) ** -0.5
    by_distance = keras.layers.Embedding(shape.window, shape.heads, name=f"{name}_distance")
    terms = by_distance(keras.ops.clip(back, 0, shape.memory))  # (steps, steps, heads)
    by_distance.set_weights([own["attention/distance"].T])
    logits = logits + keras.ops.transpose(terms, (2, 0, 1))
    is_within = keras.ops.logical_and(back >= 0, back <= shape.memory)
    shares = keras.ops.softmax(keras.ops.where(is_within, logits, _LOWEST))
    mixed = keras.ops.transpose(keras.ops.matmul(shares, values), (0, 2, 1, 3))
    return keras.layers.Reshape((-1, shape.units), name=f"{name}_mixed")(mixed)


def _by_head(rows: Any, shape: SasRecShape) -> Any:
    """Return (sessions, steps, units) as (sessions, heads, steps, units of a head)."""
    width = shape.units // shape.heads
    parted = keras.layers.Reshape((-1, shape.heads, width))(rows)
    return keras.ops.transpose(parted, (0, 2, 1, 3))


def _halves(matrix: Any) -> tuple[Any, Any]:
    columns = matrix.shape[1] // 2
    return matrix[:, :columns], matrix[:, columns:]


def _norm(rows: Any, norm: Any, name: str) -> Any:
    layer = keras.layers.LayerNormalization(epsilon=EPSILON, name=name)
    normed = layer(rows)
    layer.set_weights([norm[0], norm[1]])
    return normed


def _dense(rows: Any, matrix: Any, bias: Any, name: str) -> Any:
    layer = keras.layers.Dense(matrix.shape[1], use_bias=bias is not None, name=name)
    product = layer(rows)
    layer.set_weights([matrix] if bias is None else [matrix, bias])
    return product


def _gated(added: Any, normed: Any, gate: Any, name: str) -> Any:
    return added if gate is None else added * keras.ops.sigmoid(_dense(normed, gate, None, name))
