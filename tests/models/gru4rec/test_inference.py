"""The network's arithmetic against a literal loop and against Keras; what may not change it."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from sbrcli.errors import ArtefactError
from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.loading import load_scorer
from sbrcli.models.network import Weights
from sbrcli.sessions import Sessions
from tests.builders import make_run, make_sessions

SHAPES = [
    GruShape(num_items, units, embedding)
    for num_items, units in [(23, (8,)), (300, (20, 12)), (40, (6, 6, 5))]
    for embedding in ("none", "separate", "shared")
]
SHAPES += [GruShape(23, (8,), "shared", True), GruShape(300, (20, 12), "separate", True)]
SHAPE_NAMES = [
    f"{shape.embedding}-{len(shape.units)}-layers{'-residual' * shape.has_residual}"
    for shape in SHAPES
]


def random_weights(shape: GruShape, seed: int = 0) -> Weights:
    """Draw weights, biases too, large enough that every gate opens and closes.

    Recurrent ones are no larger than a state can forget: else the last bit of one step decides
    the sign of a state some twenty steps later, and nothing could be compared to rounding.
    """
    rng = np.random.default_rng(seed)
    weights = {
        name: rng.normal(0, 0.8, size).astype(np.float32)
        for name, size in shape.weight_shapes().items()
    }
    for layer, units in enumerate(shape.units):
        weights[f"gru_{layer}/recurrent_kernel"] /= np.sqrt(np.float32(units))
    return weights


def assert_alike(found: np.ndarray, expected: np.ndarray) -> None:
    """Compare scores to the rounding of float32, whose errors a walk of up to 60 events adds up."""
    tolerance = 2e-5 * np.abs(expected).max(axis=-1, keepdims=True)
    assert (np.abs(found - expected) <= tolerance).all()


def random_sessions(num_items: int, lengths: Iterable[int], seed: int = 0) -> Sessions:
    rng = np.random.default_rng(seed)
    return make_sessions(*(rng.integers(0, num_items, length).tolist() for length in lengths))


def literal_scores(shape: GruShape, weights: Weights, session: Iterable[int]) -> np.ndarray:
    """Score after each event, one event at a time, in float64: (events, num_items)."""
    w = {name: weight.astype(np.float64) for name, weight in weights.items()}
    states = [np.zeros(units) for units in shape.units]
    scores = []
    for item in session:
        if shape.embedding == "none":
            x = np.eye(shape.num_items)[item]
        elif shape.embedding == "separate":
            x = w["embedding/table"][item]
        else:
            x = w["output/table"][item]
        for layer, h in enumerate(states):
            bias = w[f"gru_{layer}/bias"]
            xz, xr, xc = np.split(x @ w[f"gru_{layer}/kernel"] + bias[0], 3)
            hz, hr, hc = np.split(h @ w[f"gru_{layer}/recurrent_kernel"] + bias[1], 3)
            z = 1 / (1 + np.exp(-(xz + hz)))
            r = 1 / (1 + np.exp(-(xr + hr)))
            c = np.tanh(xc + r * hc)
            states[layer] = x = z * h + (1 - z) * c
        hidden = states[-1]
        if shape.has_residual:
            table = "output" if shape.embedding == "shared" else "embedding"
            hidden = hidden + w[f"{table}/table"][item] @ w["residual/kernel"]
        scores.append(w["output/table"] @ hidden + w["output/bias"])
    return np.array(scores)


def all_scores(scorer: GruScorer, sessions: Sessions) -> dict[int, np.ndarray]:
    """Give the scores of each position."""
    found = {}
    for positions, scores in scorer.score_sessions(sessions):
        assert scores.shape == (len(positions), scorer.num_items)
        for position, row in zip(positions.tolist(), scores, strict=True):
            assert position not in found
            found[position] = row.copy()
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=SHAPE_NAMES)
def test_scores_are_those_of_a_literal_loop_over_events(shape):
    weights = random_weights(shape)
    sessions = random_sessions(shape.num_items, [3, 1, 40, 2, 7])
    found = all_scores(GruScorer(shape, weights), sessions)
    for start, end in zip(sessions.offsets[:-1], sessions.offsets[1:], strict=True):
        literal = literal_scores(shape, weights, sessions.item_indices[start:end])
        for step, position in enumerate(range(start, end - 1)):
            assert_alike(found.pop(position), literal[step])
    assert not found  # nothing else was scored: no last events


@pytest.mark.parametrize("shape", SHAPES, ids=SHAPE_NAMES)
def test_scores_are_those_of_keras(shape):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras = pytest.importorskip("keras")
    weights = random_weights(shape)
    session = random_sessions(shape.num_items, [30]).item_indices
    table = weights["output/table"]
    inputs = {"none": np.eye(shape.num_items, dtype=np.float32), "shared": table}
    outputs = entered = inputs.get(shape.embedding, weights.get("embedding/table"))[session][None]
    for layer, units in enumerate(shape.units):
        gru = keras.layers.GRU(units, return_sequences=True, reset_after=True)
        gru.build(outputs.shape)
        gru.set_weights(
            [weights[f"gru_{layer}/{n}"] for n in ("kernel", "recurrent_kernel", "bias")]
        )
        outputs = gru(outputs)
    hidden = np.asarray(outputs)[0]
    hidden = hidden + entered[0] @ weights["residual/kernel"] if shape.has_residual else hidden
    expected = hidden @ table.T + weights["output/bias"]
    found = all_scores(GruScorer(shape, weights), make_sessions(session.tolist()))
    for position, row in found.items():
        assert_alike(row, expected[position])


def test_error_1_and_2_a_session_begins_with_a_state_of_zeros_from_its_first_event_on():
    shape = GruShape(50, (12, 12), "shared")
    scorer = GruScorer(shape, random_weights(shape), batch_size=1)
    alone = all_scores(scorer, make_sessions([5, 6, 7]))
    behind = all_scores(scorer, make_sessions([1, 2, 3, 4, 9, 8], [5, 6, 7]))
    assert_alike(behind[6], alone[0])
    assert_alike(behind[7], alone[1])


@pytest.mark.parametrize("units", [(50,), (100,), (33, 70)])
@pytest.mark.parametrize("embedding", ["none", "separate", "shared"])
def test_scores_are_the_same_to_rounding_in_any_batch_and_order(units, embedding):
    shape = GruShape(700, units, embedding)
    weights = random_weights(shape)
    lengths = np.random.default_rng(1).integers(2, 60, 36)
    sessions = random_sessions(700, lengths)
    expected = all_scores(GruScorer(shape, weights), sessions)
    for batch_size in (1, 7, 32, 500):
        found = all_scores(GruScorer(shape, weights, batch_size), sessions)
        assert_alike(*map(np.stack, zip(*((found[p], expected[p]) for p in expected), strict=True)))
    again = all_scores(GruScorer(shape, weights), sessions)
    assert all(np.array_equal(again[position], expected[position]) for position in expected)

    lists = np.split(sessions.item_indices, sessions.offsets[1:-1])
    order = np.random.default_rng(2).permutation(len(lists))
    shuffled = make_sessions(*(lists[s].tolist() for s in order))
    found = all_scores(GruScorer(shape, weights), shuffled)
    for place, s in enumerate(order):
        steps = range(len(lists[s]) - 1)
        same = [expected[int(sessions.offsets[s]) + step] for step in steps]
        assert_alike(
            np.stack([found[int(shuffled.offsets[place]) + step] for step in steps]), np.stack(same)
        )


def test_error_27_the_next_item_depends_on_the_whole_session_and_on_no_other():
    shape = GruShape(700, (50,), "shared")
    scorer = GruScorer(shape, random_weights(shape))
    sessions = random_sessions(700, [9, 30, 4, 2])
    found = all_scores(scorer, sessions)
    for start, end in zip(sessions.offsets[:-1], sessions.offsets[1:], strict=True):
        alone = scorer.score_next(sessions.item_indices[start : end - 1])
        assert_alike(alone, found[int(end) - 2])
    same_end = scorer.score_next(np.array([8, 3])), scorer.score_next(np.array([9, 3]))
    assert not np.allclose(*same_end)


def test_error_28_two_calls_give_the_same_scores():
    shape = GruShape(60, (10,), "separate")
    scorer = GruScorer(shape, random_weights(shape))
    session = np.array([4, 8, 15])
    assert np.array_equal(scorer.score_next(session), scorer.score_next(session))


def test_error_26_a_longer_session_beside_it_does_not_pad_a_session():
    shape = GruShape(60, (10,), "shared")
    scorer = GruScorer(shape, random_weights(shape))
    alone = all_scores(scorer, make_sessions([1, 2]))
    beside = all_scores(scorer, make_sessions([1, 2], [3] * 50))
    assert_alike(alone[0], beside[0])


def test_error_6_fewer_sessions_than_the_batch_size_are_all_scored():
    shape = GruShape(5, (4,), "none")
    scorer = GruScorer(shape, random_weights(shape), batch_size=512)
    assert sorted(all_scores(scorer, make_sessions([0, 1, 2], [3, 4]))) == [0, 1, 3]
    assert all_scores(scorer, make_sessions([0])) == {}
    assert all_scores(scorer, make_sessions([])) == {}


def test_items_with_equal_weights_score_alike_wherever_they_stand():
    shape = GruShape(1001, (50,), "none")
    weights = random_weights(shape)
    weights["output/table"][:] = weights["output/table"][0]
    weights["output/bias"][:] = 0.3
    scores = GruScorer(shape, weights).score_next(np.array([1, 2, 3]))
    assert_alike(scores, np.full(1001, scores[0]))


def test_a_block_of_scores_shrinks_as_the_items_grow():
    shape = GruShape(100_000, (2,), "shared")
    scorer = GruScorer(shape, random_weights(shape))
    blocks = [len(rows) for rows, _ in scorer.score_sessions(make_sessions(*[[1, 2]] * 100))]
    assert blocks == [32, 32, 32, 4]


def test_a_saved_run_scores_as_the_weights_it_was_saved_from(tmp_path):
    shape = GruShape(9, (4,), "shared")
    weights = initialise_weights(shape, seed=3)
    folder = make_run(tmp_path, shape=shape, weights=weights)
    session = np.array([0, 3])
    expected = GruScorer(shape, weights).score_next(session)
    assert np.array_equal(load_scorer(folder).score_next(session), expected)


def test_weights_that_are_not_finite_are_damage(tmp_path):
    shape = GruShape(9, (4,), "shared")
    weights = initialise_weights(shape, seed=3)
    weights["gru_0/bias"][1, 2] = np.nan
    folder = make_run(tmp_path, shape=shape, weights=weights)
    with pytest.raises(ArtefactError) as error:
        load_scorer(folder)
    path = folder / "weights.safetensors"
    assert str(error.value) == (
        f"{path} is damaged: gru_0/bias is not made of finite float32 numbers"
    )
    assert error.value.hint == "train the run again with --overwrite"


def test_weights_of_another_shape_are_damage(tmp_path):
    folder = make_run(tmp_path, shape=GruShape(9, (4,), "shared"))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["network"]["num_items"] = 10
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtefactError) as error:
        load_scorer(folder)
    assert str(error.value) == (
        f"{folder / 'weights.safetensors'} is damaged: "
        "its weights do not fit the manifest: output/bias, output/table"
    )
    assert error.value.hint == "train the run again with --overwrite"


@pytest.mark.parametrize("content", [b"", b"not safetensors", b"\xff" * 64])
def test_a_damaged_weights_file_is_an_artefact_error(tmp_path, content: bytes):
    folder = make_run(tmp_path)
    (folder / "weights.safetensors").write_bytes(content)
    with pytest.raises(ArtefactError, match=r"weights\.safetensors is damaged"):
        load_scorer(folder)


def test_a_truncated_or_missing_weights_file_is_an_artefact_error(tmp_path):
    path: Path = make_run(tmp_path) / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ArtefactError, match="is damaged"):
        load_scorer(path.parent)
    path.unlink()
    with pytest.raises(ArtefactError) as error:
        load_scorer(path.parent)
    assert str(error.value) == f"{path} is damaged: it is missing"
    assert error.value.hint == "train the run again with --overwrite"
