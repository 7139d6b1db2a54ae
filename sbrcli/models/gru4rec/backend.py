"""How TensorFlow is started: with the right settings, and without its chatter."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


def start_tensorflow() -> None:
    """Import TensorFlow and Keras, set up for training.

    What the user has set in the environment stays, but for Keras' backend: the training step is
    written for TensorFlow.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _quiet_stderr():
        import keras  # noqa: F401  # pyright: ignore[reportUnusedImport]
        import tensorflow as tf

        # Looking for a GPU is what the start-up messages are about.
        tf.config.list_physical_devices()
    tf.config.experimental.enable_op_determinism()


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what native code writes to stderr; let it out only if the body raises."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held, os.fdopen(os.dup(2), "wb") as stderr:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            stderr.write(held.read())
            raise
        finally:
            os.dup2(stderr.fileno(), 2)
