"""TensorFlow as it is started: what is said where it cannot be as asked."""

import os
import subprocess
import sys
from typing import NoReturn

import pytest
import tensorflow as tf

from sbrcli.errors import ConfigError
from sbrcli.models.training.backend import quiet_start, start_tensorflow


def test_a_gpu_that_there_is_not_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _kind: [])
    with pytest.raises(ConfigError) as caught:
        start_tensorflow(device="gpu")
    assert str(caught.value) == (
        "device gpu needs a GPU, and TensorFlow finds none on this machine"
    )
    assert caught.value.hint == (
        "leave --device out, or install TensorFlow with GPU support: "
        "pip install 'tensorflow[and-cuda]'"
    )


MODEL = """
import numpy as np
from sbrcli.models.gru4rec.network import Gru4Rec
from sbrcli.models.gru4rec.weights import GruShape
print(Gru4Rec(GruShape(5, (4,), "shared"))(np.array([[1, 2]])).shape)
"""


def test_the_keras_model_is_used_in_python_without_a_message_of_tensorflow():
    done = subprocess.run(
        [sys.executable, "-c", MODEL], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "(1, 2, 5)\n", "")


def is_started() -> bool:
    begun = []
    with quiet_start():
        begun.append(True)
    return begun == [True]


def test_tensorflow_starts_where_nothing_can_hold_its_messages_back(monkeypatch):
    def refuse() -> NoReturn:
        raise FileNotFoundError("no usable temporary directory found")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert is_started()


def test_tensorflow_starts_where_there_is_no_stderr(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    assert is_started()


def test_what_was_held_back_is_written_where_the_start_fails(capfd):
    with pytest.raises(ImportError), quiet_start():
        os.write(2, b"a library is missing\n")
        raise ImportError
    with quiet_start():
        os.write(2, b"chatter\n")
    assert capfd.readouterr().err == "a library is missing\n"
