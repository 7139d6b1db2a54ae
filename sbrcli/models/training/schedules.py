"""Learning rate schedules."""

import math
from typing import Any

import tensorflow as tf

from sbrcli.config.optimizer import Schedule


def rate_at(schedule: Schedule, done: Any, total: int) -> Any:
    """Return the factor of the learning rate after `done` of `total` updates.

    `constant` is 1 throughout; `linear` and `cosine` fall from 1 to 0, the latter as
    (1 + cos(pi * done / total)) / 2 (Loshchilov & Hutter 2017, eq. 5, without restarts).
    """
    if schedule == "constant":
        return tf.constant(1.0)
    share = tf.minimum(tf.cast(done, tf.float32) / total, 1.0)
    return 1 - share if schedule == "linear" else (1 + tf.cos(math.pi * share)) / 2
