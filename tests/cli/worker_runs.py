"""Small runs that two processes train, and what is left of them."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.tensor_file import read_shapes, read_tensor
from tests.cli.forked_workers import STARTS
from tests.conftest import Said
from tests.warm import WarmProcess

OPTIONS = (
    *("--hsz", "4", "--batch-size", "4", "--bptt", "4", "--epochs", "2", "--threads", "1"),
    *("--precision", "float32", "--n-sample", "8", "--learning-rate", "0.05"),
    *("--dropout", "0", "--embedding-dropout", "0"),
)
OFTEN = ("--checkpoint-minutes", "1e-9")
RUNS = Path("sbr-work", "runs")


def run(*words: str, moments: str = "-") -> Said:
    """Run `sbr`, whose workers die at the moments given, see `tests.cli.forked_workers`."""
    process = WarmProcess("tests.cli.forked_workers", moments, *words)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode is not None
    require_no_worker_left()
    return Said(stdout, stderr, process.returncode)


def require_no_worker_left() -> None:
    for pid in worker_pids():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def worker_pids() -> list[int]:
    """Return the processes of all starts that are not yet forgotten, by worker."""
    texts = [file.read_text() for file in sorted(STARTS.glob("*"))]
    return [int(text) for text in texts if text]  # the others are being written


def forget_starts() -> None:
    for file in STARTS.glob("*"):
        file.unlink()


def require_same_weights(name: str, other: str) -> None:
    """Require that two runs have the same weights, bit for bit."""
    expected = weights_of(other)
    for tensor, values in weights_of(name).items():
        np.testing.assert_array_equal(values, expected[tensor], err_msg=tensor)


def weights_of(name: str) -> dict[str, np.ndarray]:
    path = RUNS / name / "weights.safetensors"
    return {tensor: read_tensor(path, tensor) for tensor in read_shapes(path)}


@contextmanager
def two_tf_configs() -> Iterator[list[str]]:
    """Give the TF_CONFIG of a chief and a worker, at ports that are free."""
    with ExitStack() as sockets:
        addresses = []
        for _ in range(2):
            reserved = sockets.enter_context(socket.socket())
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind(("127.0.0.1", 0))
            addresses.append(f"127.0.0.1:{reserved.getsockname()[1]}")
        kinds = {"chief": addresses[:1], "worker": addresses[1:]}
        yield [json.dumps({"cluster": kinds, "task": {"type": kind, "index": 0}}) for kind in kinds]


def start_under(tf_configs: list[str], *words: str) -> list[WarmProcess]:
    """Start `sbr` once for each TF_CONFIG."""
    module = "tests.cli.forked_workers"
    return [
        WarmProcess(module, "-", *words, env=os.environ | {"TF_CONFIG": text})
        for text in tf_configs
    ]
