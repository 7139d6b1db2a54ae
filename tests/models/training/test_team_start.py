"""What is said of a lost worker, and which GPU a worker takes."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from sbrcli.config.workers import Cluster
from sbrcli.errors import ConfigError, WorkerLostError
from sbrcli.models.training.team_start import _take_gpu, losses_explained


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            "Graph execution error:\n\nCollective ops is aborted by: Connection reset by peer\n"
            "Additional GRPC error information from remote target",
            "Connection reset by peer",
        ),
        ("failed to connect\n", "failed to connect"),
        ("", "no reason given"),
    ],
)
def test_the_loss_of_a_worker_is_one_line(message, reason):
    with pytest.raises(WorkerLostError) as raised, losses_explained():
        raise tf.errors.UnavailableError(None, None, message)
    assert str(raised.value) == f"the connection to another worker is lost: {reason}"
    assert raised.value.hint == (
        "start all workers again; training continues from the last checkpoint"
    )


def test_other_errors_are_no_loss():
    with pytest.raises(tf.errors.InvalidArgumentError), losses_explained():
        raise tf.errors.InvalidArgumentError(None, None, "a bug")


def taken(num_gpus: int, cluster: Cluster) -> list[str] | None:
    """Return the GPUs that a worker takes; None stands for all that there are."""
    found: list[list[str]] = []
    config = SimpleNamespace(
        get_visible_devices=lambda _kind: [f"GPU:{n}" for n in range(num_gpus)],
        set_visible_devices=lambda gpu, _kind: found.append([gpu]),
    )
    _take_gpu(SimpleNamespace(config=config), cluster)
    return found[0] if found else None


def test_each_worker_of_a_machine_takes_a_gpu_of_its_own():
    pair = ("a:1", "a:2", "b:1")
    assert [taken(2, Cluster(pair, index)) for index in range(3)] == [["GPU:0"], ["GPU:1"], None]
    assert taken(0, Cluster(pair, 0)) is None
    with pytest.raises(ConfigError) as refused:
        taken(1, Cluster(pair, 1))
    assert str(refused.value) == "2 workers need a GPU each; this machine has 1"
    assert refused.value.hint == "start fewer workers, or train with --device cpu"
