"""A training that is too big for the machine ends in one clear line, and leaves nothing behind."""

from pathlib import Path

import pytest
import tensorflow as tf

from sbrcli.config.training import TrainConfig
from sbrcli.errors import ConfigError, ExitCode, TrainingError
from sbrcli.models.training import memory
from sbrcli.models.training.memory import out_of_memory_explained, require_memory
from sbrcli.models.training.step import TrainingStep
from sbrcli.workflow.train import train
from sbrcli.workflow.training_job import make_job
from tests.chains import make_workspace

MEGABYTE = 2**20


@pytest.mark.parametrize(
    ("options", "copies"),
    [({}, 3), ({"momentum": 0.0}, 2), ({"optimizer": "adam", "momentum": 0.0}, 3)],
)
def test_weights_must_fit_with_what_the_optimizer_keeps(monkeypatch, options, copies: int):
    config = TrainConfig(**options)
    monkeypatch.setattr(memory, "physical_memory", lambda: copies * 4 * MEGABYTE)
    require_memory(MEGABYTE, config)
    with pytest.raises(ConfigError):
        require_memory(MEGABYTE + 1, config)


def test_an_unknown_size_of_memory_refuses_nothing(monkeypatch):
    monkeypatch.setattr(memory, "physical_memory", lambda: None)
    require_memory(10**15, TrainConfig())


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
        "error: training 12,052,040 parameters takes at least 0.1 GiB of memory; this machine "
        "has 0.0 GiB\nhint: lower --hsz or --layers\n"
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
