"""What an exported model computes: the scores and the lists of the run that it was made of."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.models.export import keras_format, onnx_format, saved_model_format
from sbrcli.models.export.exportable import as_exportable
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.network import NetworkShape
from sbrcli.models.registry import find_family
from sbrcli.models.repeats.shape import RepeatsShape

FAMILY = find_family("gru4rec")
EXPORTABLE: Any = as_exportable(FAMILY)

SESSIONS = ([3, 4, 5, 6, 3], [1], [2, 2, 29], [28, 0], [7, 8, 7, 9, 7, 10, 7, 11, 11, 12])
LENGTHS = [len(session) for session in SESSIONS]
SHAPES = [
    GruShape(30, units, embedding)
    for embedding in ("none", "shared", "separate")
    for units in ((5,), (7, 5))
]
SHAPES += [GruShape(30, (5,), "shared", True), GruShape(30, (7, 5), "separate", True)]
REPEATS = RepeatsShape(SHAPES[2])


def weights_of(shape: NetworkShape) -> dict[str, np.ndarray]:
    """Weights of which none is zero, the biases included."""
    rng = np.random.default_rng(3)
    drawn = FAMILY.initial_weights(shape, seed=1).items()
    return {name: weight + rng.normal(0, 0.3, weight.shape).astype("f4") for name, weight in drawn}


def scores_of(shape: NetworkShape) -> np.ndarray:
    scorer = FAMILY.make_scorer(shape, weights_of(shape))
    return np.stack([scorer.score_next(np.array(session, np.int32)) for session in SESSIONS])


def inputs(kind: Any, padding: int = 0) -> dict[str, np.ndarray]:
    items = np.full((len(SESSIONS), max(LENGTHS)), padding, kind)
    for row, session in enumerate(SESSIONS):
        items[row, : len(session)] = session
    return {"items": items, "lengths": np.array(LENGTHS, kind)}


def onnx_outputs(
    shape: NetworkShape, k: int = 4, exclude_seen: bool = True, padding: int = 0
) -> Any:
    import onnxruntime

    model = onnx_format.make_model(EXPORTABLE, shape, weights_of(shape)).SerializeToString()
    runtime = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in runtime.get_outputs()]
    feeds = inputs(np.int64, padding)
    feeds |= {"k": np.array([k]), "exclude_seen": np.array(exclude_seen)}
    return dict(zip(names, runtime.run(names, feeds), strict=True))


def best(scores: np.ndarray, k: int, *, exclude_seen: bool) -> list[list[int]]:
    candidates = scores.copy()
    if exclude_seen:
        for row, session in enumerate(SESSIONS):
            candidates[row, session] = -np.inf
    return np.argsort(-candidates, axis=1, kind="stable")[:, :k].tolist()


@pytest.mark.parametrize("shape", [*SHAPES, REPEATS], ids=str)
def test_onnx_gives_the_scores_of_the_run(shape: NetworkShape):
    np.testing.assert_allclose(onnx_outputs(shape)["scores"], scores_of(shape), atol=1e-5)


@pytest.mark.parametrize("exclude_seen", [True, False])
def test_onnx_gives_the_lists_of_the_run(exclude_seen: bool):
    found = onnx_outputs(SHAPES[2], exclude_seen=exclude_seen)
    scores = scores_of(SHAPES[2])
    assert found["top_items"].tolist() == best(scores, 4, exclude_seen=exclude_seen)
    of_top = np.take_along_axis(scores, found["top_items"], axis=1)
    np.testing.assert_allclose(found["top_scores"], of_top, atol=1e-5)


def test_onnx_ignores_what_fills_the_rest_of_a_row():
    found, other = onnx_outputs(SHAPES[3]), onnx_outputs(SHAPES[3], padding=17)
    np.testing.assert_array_equal(found["scores"], other["scores"])
    np.testing.assert_array_equal(found["top_items"], other["top_items"])


def test_onnx_gives_every_item_where_fewer_are_there_than_requested():
    found = onnx_outputs(SHAPES[0], k=100)
    assert found["top_items"].shape == (5, 30)
    left = [30 - len(set(session)) for session in SESSIONS]
    assert np.isfinite(found["top_scores"]).sum(axis=1).tolist() == left


def test_onnx_takes_the_lower_index_first_of_equal_scores():
    shape = GruShape(30, (5,), "separate")
    level = {name: np.zeros_like(weight) for name, weight in weights_of(shape).items()}
    import onnxruntime

    model = onnx_format.make_model(EXPORTABLE, shape, level).SerializeToString()
    feeds = inputs(np.int64) | {"k": np.array([3]), "exclude_seen": np.array(True)}
    [found] = onnxruntime.InferenceSession(model).run(["top_items"], feeds)
    wanted = [[0, 1, 2], [0, 2, 3], [0, 1, 3], [1, 2, 3], [0, 1, 2]]
    assert np.asarray(found).tolist() == wanted


def test_weights_of_a_gibibyte_go_to_a_file_beside_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(onnx_format, "_MAX_BYTES_IN_ONE_FILE", 10_000)
    shape = GruShape(300, (8,), "shared")
    onnx_format.write(EXPORTABLE, shape, weights_of(shape), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "model.onnx.data"}
    import onnxruntime

    feeds = inputs(np.int64) | {"k": np.array([1]), "exclude_seen": np.array(True)}
    [scores] = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(["scores"], feeds)
    np.testing.assert_allclose(np.asarray(scores), scores_of(shape), atol=1e-5)


def test_a_saved_keras_model_gives_the_scores_of_the_run(tmp_path: Path):
    import keras

    for shape in (SHAPES[0], SHAPES[3], SHAPES[-1], REPEATS):
        keras_format.write(EXPORTABLE, shape, weights_of(shape), tmp_path)
        model: Any = keras.models.load_model(tmp_path / keras_format.MODEL_FILE)
        found = model(inputs(np.int32)).numpy()
        np.testing.assert_allclose(found, scores_of(shape), atol=1e-5)


def test_a_saved_model_gives_the_scores_and_lists_of_the_run(tmp_path: Path):
    import tensorflow as tf

    shape = RepeatsShape(SHAPES[5])
    saved_model_format.write(EXPORTABLE, shape, weights_of(shape), tmp_path)
    loaded: Any = tf.saved_model.load(str(tmp_path / saved_model_format.MODEL_FOLDER))
    model = loaded.signatures["serving_default"]
    feeds = {name: tf.constant(value) for name, value in inputs(np.int32).items()}
    for exclude_seen in (True, False):
        found = model(**feeds, k=tf.constant(4), exclude_seen=tf.constant(exclude_seen))
        scores = found["scores"].numpy()
        np.testing.assert_allclose(np.asarray(scores), scores_of(shape), atol=1e-5)
        assert found["top_items"].numpy().tolist() == best(scores, 4, exclude_seen=exclude_seen)
