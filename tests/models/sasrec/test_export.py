"""A SASRec in other runtimes: the scores of the run, wherever the padding is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.models.export import keras_format, onnx_format, saved_model_format
from sbrcli.models.sasrec.family import FAMILY
from sbrcli.models.sasrec.weights import SasRecShape
from tests.models.export.test_formats import LENGTHS, SESSIONS, inputs
from tests.models.sasrec.literal import SHAPES, draw_weights


def scores_of(shape: SasRecShape) -> np.ndarray:
    scorer = FAMILY.make_scorer(shape, draw_weights(shape))
    return np.stack([scorer.score_next(np.array(session, np.int32)) for session in SESSIONS])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_onnx_gives_the_scores_of_the_run(shape):
    import onnxruntime

    assert max(LENGTHS) >= shape.window
    model = onnx_format.make_model(FAMILY, shape, draw_weights(shape)).SerializeToString()
    runtime = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for padding in (0, 17):
        feeds = inputs(np.int64, padding) | {"k": np.array([3]), "exclude_seen": np.array(True)}
        scores: Any = runtime.run(["scores"], feeds)[0]
        np.testing.assert_allclose(scores, scores_of(shape), atol=1e-5)


def test_a_saved_keras_model_gives_the_scores_of_the_run(tmp_path: Path):
    import keras

    shape = SHAPES[1]
    keras_format.write(FAMILY, shape, draw_weights(shape), tmp_path)
    model: Any = keras.models.load_model(tmp_path / keras_format.MODEL_FILE)
    np.testing.assert_allclose(model(inputs(np.int32)).numpy(), scores_of(shape), atol=1e-5)


def test_a_saved_model_gives_the_scores_of_the_run(tmp_path: Path):
    import tensorflow as tf

    shape = SHAPES[1]
    saved_model_format.write(FAMILY, shape, draw_weights(shape), tmp_path)
    loaded: Any = tf.saved_model.load(str(tmp_path / saved_model_format.MODEL_FOLDER))
    feeds = {name: tf.constant(value) for name, value in inputs(np.int32).items()}
    model = loaded.signatures["serving_default"]
    found = model(**feeds, k=tf.constant(4), exclude_seen=tf.constant(False))
    np.testing.assert_allclose(found["scores"].numpy(), scores_of(shape), atol=1e-5)
