"""Weights: how they begin, their file, and what a damaged file says."""

from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.run import Run
from sbrcli.errors import ArtefactError
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.loading import shape_of_run
from sbrcli.models.weights_file import load_weights, save_weights
from tests.builders import run_manifest

SHAPE = GruShape(300, (40, 50), "separate")


def test_each_gate_is_a_matrix_of_its_own_uniform_in_its_own_bound():
    """Known error 18: the bound of all three gates side by side is sqrt(6 / (rows + 3 columns))."""
    weights = initialise_weights(SHAPE, seed=1)
    for name, weight in weights.items():
        if name.endswith("bias"):
            assert not weight.any()
            continue
        for gate in np.split(weight, 3 if name.startswith("gru_") else 1, axis=1):
            bound = np.sqrt(6 / sum(gate.shape))
            assert 0.99 * bound < np.abs(gate).max() <= bound
            spread = bound / np.sqrt(3)
            assert gate.std() == pytest.approx(spread, rel=0.05)
            assert abs(gate.mean()) < 4 * spread / np.sqrt(gate.size)


def test_the_seed_decides_the_weights():
    one, again, other = (initialise_weights(SHAPE, seed) for seed in (1, 1, 2))
    assert all((one[name] == again[name]).all() for name in one)
    assert (one["output/table"] != other["output/table"]).all()
    assert {name: weight.shape for name, weight in one.items()} == SHAPE.weight_shapes()
    assert {weight.dtype for weight in one.values()} == {np.dtype(np.float32)}


def test_what_is_saved_is_loaded_and_the_same_weights_give_the_same_bytes(tmp_path: Path):
    weights = initialise_weights(SHAPE, seed=1)
    save_weights(tmp_path / "one", weights)
    save_weights(tmp_path / "two", dict(reversed(weights.items())))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    loaded = load_weights(tmp_path / "one", SHAPE)
    for name, weight in weights.items():
        np.testing.assert_array_equal(loaded[name], weight)


def test_a_file_that_is_missing_or_damaged_is_reported_in_one_line(tmp_path: Path):
    path = tmp_path / "weights.safetensors"

    def refusal(shape: GruShape = SHAPE) -> str:
        with pytest.raises(ArtefactError) as caught:
            load_weights(path, shape)
        assert caught.value.hint == "train the run again with --overwrite"
        message = str(caught.value)
        assert "\n" not in message
        assert message.startswith(f"{path} is damaged: ")
        return message.removeprefix(f"{path} is damaged: ")

    assert refusal() == "it is missing"
    path.write_bytes(b"")
    assert refusal()
    save_weights(path, initialise_weights(SHAPE, seed=1))
    whole = path.read_bytes()
    for length in (5, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert refusal()
    path.write_bytes(whole)
    other = GruShape(301, (40, 50), "none")
    assert refusal(other) == (
        "its weights do not fit the manifest: "
        "embedding/table, gru_0/kernel, output/bias, output/table"
    )


@pytest.mark.parametrize("shape", [SHAPE, GruShape(9, (4,), "shared", True)], ids=str)
def test_a_manifest_gives_back_the_shape_that_wrote_it(shape: GruShape):
    run = Run.from_document(Path("r"), run_manifest(network=shape.to_manifest()))
    assert shape_of_run(run) == shape


def test_a_residual_begins_at_zero_and_the_other_weights_as_without_it():
    plain = initialise_weights(SHAPE, seed=1)
    weights = initialise_weights(GruShape(300, (40, 50), "separate", True), seed=1)
    assert not weights.pop("residual/kernel").any()
    assert all((weights[name] == plain[name]).all() for name in plain)
    assert "residual" not in SHAPE.to_manifest(), "as runs of earlier versions have it"


@pytest.mark.parametrize(
    ("network", "what"),
    [
        ({}, "KeyError('num_items')"),
        ({"num_items": 0, "hsz": [4], "embedding": "none"}, "ValueError('sizes (0, 4)')"),
        ({"num_items": 9, "hsz": [], "embedding": "none"}, "ValueError('sizes (9,)')"),
        ({"num_items": 9, "hsz": [4.5], "embedding": "none"}, "ValueError('sizes (9, 4.5)')"),
        (
            {"num_items": 9, "hsz": 4, "embedding": "none"},
            """TypeError("'int' object is not iterable")""",
        ),
        ({"num_items": 9, "hsz": [4], "embedding": "both"}, "ValueError('embedding both')"),
        (
            {"num_items": 9, "hsz": [4], "embedding": "none", "residual": True},
            "ValueError('residual True with embedding none')",
        ),
    ],
)
def test_a_manifest_of_no_network_is_refused(network: object, what: str):
    with pytest.raises(ArtefactError) as caught:
        shape_of_run(Run.from_document(Path("r"), run_manifest(network=network)))
    assert str(caught.value) == f"the run's manifest does not describe a network: {what}"
    assert caught.value.hint == "train the run again with --overwrite"
