"""A training that is too big for the machine ends in one clear line, and leaves nothing behind."""

from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from sbrcli.errors import ConfigError, ExitCode, TrainingError
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.repeats.shape import RepeatsShape
from sbrcli.models.sasrec.weights import SasRecShape
from sbrcli.models.training import memory
from sbrcli.models.training.memory import (
    estimate_memory,
    out_of_memory_explained,
    require_memory,
)
from sbrcli.models.training.step import TrainingStep
from sbrcli.workflow.train import train
from sbrcli.workflow.training_job import make_job
from tests.builders import TrainConfig
from tests.chains import make_workspace

MEGABYTE = 2**20


TABLE_ALONE = GruShape(MEGABYTE, (1,), "shared")
"""Of so many items that its other weights hardly count."""


@pytest.mark.parametrize(
    ("options", "slots"),
    [
        ({}, 2),
        ({"momentum": 0.0}, 1),
        ({"optimizer": "adam", "momentum": 0.0}, 2),
        ({"average_weights": 0.2}, 2 + 1),
    ],
)
def test_each_weight_is_held_with_its_slots_and_four_copies(options, slots: int):
    config = TrainConfig(
        **{"n_sample": 64, "batch_size": 1, "bptt": 1, "average_weights": 0.0} | options
    )
    needed = estimate_memory(TABLE_ALONE, config, num_events=0)
    weights = 4 * 2 * MEGABYTE * (1 + slots + 4)  # a row of one unit and a bias for each item
    assert needed - 850 * MEGABYTE == pytest.approx(weights, rel=0.001)


def test_an_event_takes_56_bytes_and_with_repeats_88():
    config = TrainConfig()
    without = estimate_memory(TABLE_ALONE, config, num_events=0)
    assert estimate_memory(TABLE_ALONE, config, num_events=1_000) - without == 56_000
    shape = RepeatsShape(TABLE_ALONE)
    seen = estimate_memory(shape, config, num_events=0)
    assert estimate_memory(shape, config, num_events=1_000) - seen == 88_000
    assert seen - without == pytest.approx(64 * MEGABYTE, rel=0.001)


def test_attention_takes_a_matrix_for_each_lane_head_and_block():
    config = TrainConfig(n_sample=0, batch_size=64, bptt=100)

    def estimate(blocks: int, heads: int, window: int) -> float:
        shape = SasRecShape(50, 16, blocks, heads, window, 1, has_gates=False)
        return estimate_memory(shape, config, num_events=12_000) / 1e6

    # What such trainings have taken at their peak, in MB, on Linux with TensorFlow 2.
    assert estimate(1, 8, 500) == pytest.approx(1245, rel=0.1)
    assert estimate(3, 8, 500) == pytest.approx(1579, rel=0.1)
    matrix = 4e-6 * 64 * 100 * (499 + 100)
    more = estimate(2, 8, 500) - estimate(2, 4, 500)
    assert more == pytest.approx(4 * matrix * (2 * 1.25 + 2), rel=0.01)  # and small weights


def test_cross_entropy_scores_256_rows_at_a_time_and_other_losses_all():
    small, large = (TrainConfig(n_sample=0, batch_size=64, bptt=steps) for steps in (4, 40))
    shape = GruShape(100_000, (1,), "shared")
    grown = estimate_memory(shape, large, 0) - estimate_memory(shape, small, 0)
    assert grown < 64 * 36 * 4 * 1_000  # nothing that grows with the items
    ranking = replace(small, loss="bpr-max")
    more = estimate_memory(shape, ranking, 0) - estimate_memory(shape, small, 0)
    assert more == 256 * 100_000 * 4 * (12 - 3)


def test_a_training_that_needs_a_byte_more_than_the_machine_has_is_refused(monkeypatch):
    config = TrainConfig()
    monkeypatch.setattr(memory, "physical_memory", lambda: 1_000)
    require_memory(1_000, TABLE_ALONE, config)
    with pytest.raises(ConfigError):
        require_memory(1_001, TABLE_ALONE, config)


def test_where_the_batch_takes_the_memory_the_hint_names_its_options(monkeypatch):
    shape, config = GruShape(10, (1,), "shared"), TrainConfig(batch_size=10_000, bptt=1_000)
    monkeypatch.setattr(memory, "physical_memory", lambda: 10**9)
    with pytest.raises(ConfigError) as raised:
        require_memory(estimate_memory(shape, config, 100), shape, config, ("hsz", "layers"))
    assert raised.value.hint == "lower --batch-size, --bptt or --n-sample"


def test_an_unknown_size_of_memory_refuses_nothing(monkeypatch):
    monkeypatch.setattr(memory, "physical_memory", lambda: None)
    require_memory(10**18, TABLE_ALONE, TrainConfig())


@pytest.mark.parametrize(("text", "limit"), [("4096\n", 4096), ("max\n", None)])
def test_the_limit_of_a_container_counts_as_the_machines_memory(
    tmp_path, monkeypatch, text: str, limit: int | None
):
    installed = memory.physical_memory()
    (tmp_path / "memory.max").write_text(text)
    monkeypatch.setattr(memory, "_CGROUP_LIMIT", tmp_path / "memory.max")
    assert memory.physical_memory() == (limit or installed)


def test_the_machine_says_how_much_memory_it_has():
    there = memory.physical_memory()
    assert there is None or there > 100 * MEGABYTE


def test_a_network_too_big_for_the_machine_is_refused_before_anything_is_written(
    sbr, tmp_path, monkeypatch
):
    workspace = make_workspace(tmp_path / "sbr-work")
    monkeypatch.setattr(memory, "physical_memory", lambda: MEGABYTE)
    said = sbr("train", "--hsz", 1000, "--layers", 2)
    assert (said.code, said.stdout) == (ExitCode.CONFIG, "")
    assert said.stderr == (
        "error: training 12,052,040 parameters takes about 1.3 GB of memory; this machine "
        "has 0.0 GB\nhint: lower --hsz or --layers\n"
    )
    assert workspace.names("run") == []


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[…]"),
        tf.errors.InternalError(None, None, "CUDA_ERROR_OUT_OF_MEMORY: out of memory"),
        MemoryError(),
    ],
    ids=["resource", "cuda", "python"],
)
def test_running_out_of_memory_says_what_to_do(tmp_path: Path, monkeypatch, error):
    workspace = make_workspace(tmp_path)

    def run_out(_step):
        raise error

    monkeypatch.setattr(TrainingStep, "compile", run_out)
    job = make_job(workspace, None, TrainConfig(hsz=(4,)), "run")
    with pytest.raises(TrainingError) as raised:
        train(workspace, job, lambda *_: {})
    assert str(raised.value) == "the machine ran out of memory in training"
    assert raised.value.hint == "lower --hsz, --batch-size, --bptt or --n-sample"
    assert workspace.names("run") == []


def test_a_gpu_that_runs_out_of_memory_is_named(monkeypatch):
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    with pytest.raises(TrainingError) as raised, out_of_memory_explained():
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")
    assert str(raised.value) == "the GPU ran out of memory in training"
    assert raised.value.hint == (
        "lower --hsz, --batch-size, --bptt or --n-sample, or train with --device cpu"
    )


def test_another_error_of_tensorflow_stays_what_it_is():
    error = tf.errors.InvalidArgumentError(None, None, "shapes differ")
    with pytest.raises(tf.errors.InvalidArgumentError), out_of_memory_explained():
        raise error
