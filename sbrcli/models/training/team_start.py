"""Join the other processes of a training."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from sbrcli.config.workers import Cluster
from sbrcli.errors import ConfigError, WorkerLostError


def join_team(cluster: Cluster) -> Any:
    """Wait for the other processes; return the `Team`. TensorFlow must not have been used yet.

    Each process takes all GPUs that it sees, or, if several processes are on one machine, one GPU
    of its own.

    Raises:
        ConfigError: there are fewer GPUs than processes on this machine.
        WorkerLostError: a process cannot be reached.
    """
    import tensorflow as tf

    from sbrcli.models.training.team import Team

    _take_gpu(tf, cluster)
    # The address may be reserved by the process that has started this one.
    os.environ.setdefault("TF_GRPC_REUSE_PORT", "1")
    tf.get_logger().setLevel("ERROR")
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec({"worker": list(cluster.addresses)}),
        task_type="worker",
        task_id=cluster.index,
        rpc_layer="grpc",
    )
    with losses_explained():
        strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    return Team(strategy, cluster.index, len(cluster.addresses))


@contextlib.contextmanager
def losses_explained() -> Iterator[None]:
    """Translate the loss of another process into an error that says what to do.

    Raises:
        WorkerLostError: the connection to another process broke in the body.
    """
    import tensorflow as tf

    lost = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.InternalError,
        tf.errors.UnknownError,
        tf.errors.FailedPreconditionError,
    )
    try:
        yield
    except lost as error:
        raise WorkerLostError(
            f"the connection to another worker is lost: {_reason(str(error.message))}",
            hint="start all workers again; training continues from the last checkpoint",
        ) from error


def _reason(message: str) -> str:
    """Return the line of TensorFlow's message that says what happened."""
    lines = [line.strip() for line in message.splitlines() if line.strip()] or ["no reason given"]
    stated = [line.partition("aborted by:")[2].strip() for line in lines]
    return (next(filter(None, stated), "") or lines[-1])[:200]


def _take_gpu(tf: Any, cluster: Cluster) -> None:
    gpus = tf.config.get_visible_devices("GPU")
    if not gpus or cluster.num_on_machine == 1:
        return
    if len(gpus) < cluster.num_on_machine:
        raise ConfigError(
            f"{cluster.num_on_machine} workers need a GPU each; this machine has {len(gpus)}",
            hint="start fewer workers, or train with --device cpu",
        )
    tf.config.set_visible_devices(gpus[cluster.index_on_machine], "GPU")
