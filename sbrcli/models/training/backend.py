"""Start TensorFlow with the right settings and without its messages."""

import contextlib
import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sbrcli.config.run import Device, Precision
from sbrcli.errors import ConfigError
from sbrcli.models.training.interruption import uninterrupted


def start_tensorflow(threads: int = 0, device: Device = "auto") -> None:
    """Import TensorFlow and Keras, configured for training.

    Environment variables that the user has set take precedence, except the backend of Keras: the
        training step requires TensorFlow. A second call in the same process changes neither threads
        nor device.

    Args:
        threads: the number of CPU threads; 0 uses all cores.
        device: `cpu` hides all GPUs, `gpu` requires one, `auto` uses one if there is one.

    Raises:
        ConfigError: a GPU is required and there is none.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with uninterrupted(), quiet_start():
        import keras  # noqa: F401  # pyright: ignore[reportUnusedImport]
        import tensorflow as tf

        # The search for a GPU writes the start-up messages.
        gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise ConfigError(
            "device gpu needs a GPU, and TensorFlow finds none on this machine",
            hint="leave --device out, or install TensorFlow with GPU support: "
            "pip install 'tensorflow[and-cuda]'",
        )
    # TensorFlow raises RuntimeError if it is already configured.
    with contextlib.suppress(RuntimeError):
        _configure(tf, threads, hide_gpus=device == "cpu")
    tf.config.experimental.enable_op_determinism()


def multiplies_in_bfloat16(precision: Precision) -> bool:
    """Return whether the output layer's products are computed in bfloat16.

    Args:
        precision: `auto` means bfloat16 if the CPU has instructions for it and no GPU is used.
    """
    if precision != "auto":
        return precision == "bfloat16"
    import tensorflow as tf

    return has_bfloat16() and not tf.config.get_visible_devices("GPU")


def compiles_with_xla() -> bool:
    """Return whether XLA compiles the recurrent layers: on CPUs only.

    On a GPU, XLA needs parts of CUDA that TensorFlow does not always find.
    """
    import tensorflow as tf

    return not tf.config.get_visible_devices("GPU")


def has_bfloat16() -> bool:
    """Return whether Linux reports bfloat16 instructions; False on other systems."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def release_memory() -> None:
    """Free the graphs and variables of the networks that are no longer used."""
    import keras
    import tensorflow as tf

    keras.backend.clear_session()
    # Each network has a graph of its own, which TensorFlow would complain about.
    tf.get_logger().setLevel("ERROR")
    gc.collect()


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that train: as loaded, or as installed."""
    found = {}
    for package in ("tensorflow", "keras", "numpy"):
        loaded = sys.modules.get(package)
        # The package may be installed under another name, such as tensorflow-cpu.
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package) if loaded is None else loaded.__version__
    return found


def _configure(tf: Any, threads: int, *, hide_gpus: bool) -> None:
    if hide_gpus:
        tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Capture what native code writes to stderr, and write it only if the body raises.

    Without stderr, or without a folder for temporary files, nothing is captured.
    """
    with contextlib.ExitStack() as files:
        try:
            held = files.enter_context(tempfile.TemporaryFile())
            stderr = files.enter_context(os.fdopen(os.dup(2), "wb"))
        except OSError:  # no folder for temporary files, or descriptor 2 is closed
            yield
            return
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        except (ImportError, OSError, RuntimeError):
            held.seek(0)
            stderr.write(held.read())
            raise
        finally:
            os.dup2(stderr.fileno(), 2)
