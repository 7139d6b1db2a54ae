"""TensorFlow as it is started: what is said where it can not be as asked."""

import pytest
import tensorflow as tf

from sbrcli.errors import ConfigError
from sbrcli.models.gru4rec.backend import start_tensorflow


def test_a_gpu_that_there_is_not_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _kind: [])
    with pytest.raises(ConfigError) as caught:
        start_tensorflow(device="gpu")
    assert str(caught.value) == (
        "device gpu was asked for, but TensorFlow finds no GPU on this machine"
    )
    assert caught.value.hint == (
        "leave --device out, or install TensorFlow with GPU support: "
        "pip install 'tensorflow[and-cuda]'"
    )
