"""A network as a TensorFlow SavedModel, which TensorFlow loads without sbr or Keras."""

from pathlib import Path
from typing import Any

from sbrcli.models.export.exportable import Exportable
from sbrcli.models.export.keras_format import make_model
from sbrcli.models.export.signature import SCORES, TOP_INPUTS, TOP_OUTPUTS, describe_inputs
from sbrcli.models.network import Weights

MODEL_FOLDER = "model"

INPUTS = describe_inputs("int32") | {
    "k": f"int32 (): {TOP_INPUTS['k']}",
    "exclude_seen": f"bool (): {TOP_INPUTS['exclude_seen']}",
}
OUTPUTS = TOP_OUTPUTS | SCORES | {"top_items": f"int32 {TOP_OUTPUTS['top_items']}"}
USE = """\
import json
import tensorflow as tf

model = tf.saved_model.load("model").signatures["serving_default"]
ids = json.load(open("items.json"))["ids"]
session = [ids[0], ids[1]]  # item ids, oldest first

found = model(
    items=tf.constant([[ids.index(item) for item in session]]),
    lengths=tf.constant([len(session)]),
    k=tf.constant(20),
    exclude_seen=tf.constant(True),
)
print([ids[index] for index in found["top_items"][0].numpy()])
"""


def write(family: Exportable, shape: Any, weights: Weights, folder: Path) -> None:
    """Write a network as a SavedModel in `model/`, with the signature `serving_default`."""
    model = make_model(family, shape, weights)
    import tensorflow as tf

    module: Any = tf.Module()
    module.network = model  # whatever the function uses must belong to the module
    int32 = tf.int32
    signature = {
        "items": tf.TensorSpec((None, None), int32, "items"),
        "lengths": tf.TensorSpec((None,), int32, "lengths"),
        "k": tf.TensorSpec((), int32, "k"),
        "exclude_seen": tf.TensorSpec((), tf.bool, "exclude_seen"),
    }

    @tf.function(input_signature=list(signature.values()))
    def recommend(items: Any, lengths: Any, k: Any, exclude_seen: Any) -> dict[str, Any]:
        scores = model({"items": items, "lengths": lengths}, training=False)
        is_left_out = tf.logical_and(_mark_seen(items, lengths, shape.num_items), exclude_seen)
        candidates = tf.where(is_left_out, float("-inf"), scores)
        top_scores, top_items = tf.math.top_k(candidates, tf.minimum(k, shape.num_items))
        return {"top_items": top_items, "top_scores": top_scores, "scores": scores}

    tf.saved_model.save(module, str(folder / MODEL_FOLDER), {"serving_default": recommend})


def _mark_seen(items: Any, lengths: Any, num_items: int) -> Any:
    """Return (sessions, num_items), true at the items of each session."""
    import tensorflow as tf

    is_event = tf.sequence_mask(lengths, tf.shape(items)[1])
    own_items = tf.where(is_event, items, items[:, :1])  # padding becomes the first item
    sessions = tf.repeat(tf.range(tf.shape(items)[0])[:, None], tf.shape(items)[1], axis=1)
    places = tf.stack([sessions, own_items], axis=2)
    shape = tf.stack([tf.shape(items)[0], num_items])
    return tf.scatter_nd(places, tf.ones_like(own_items), shape) > 0
