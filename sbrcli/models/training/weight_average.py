"""A moving average of the weights over the updates, with which epochs are judged and kept.

After each update, average = decay * average + (1 - decay) * weight. It begins at the first weights.
The average of iterates has less of the noise of single updates (Polyak & Juditsky 1992).
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from sbrcli.models.training.optimizers import Gradients, Rows


def decay_of(share: float, chunks: float) -> float:
    """Return the decay per update of an average over about a share of an epoch.

    Args:
        share: of an epoch; 0 keeps the last weights alone.
        chunks: the number of updates of an epoch.
    """
    return 1 - 1 / max(1.0, share * chunks)


class WeightAverage:
    """The average of each weight.

    Where an update moves a few rows of a table, only their averages are brought up to date. Those
    of the others follow when they are next moved, or read: as a weight w rests for n updates, its
    average a becomes w + (a - w) * decay^n.

    Args:
        variables: the weights.
        in_rows: the names of those whose gradients are `Rows`.
        decay: from 0, where the average is the weight itself, to below 1.
    """

    def __init__(
        self, variables: Mapping[str, tf.Variable], in_rows: Collection[str], decay: float
    ) -> None:
        self.decay = decay
        self._variables, self._in_rows = variables, frozenset(in_rows)
        self._average = {
            name: tf.Variable(variable, name=f"average/{name}")
            for name, variable in variables.items()
        }
        self._updates = {
            name: tf.Variable(tf.zeros(variables[name].shape[:1], tf.int64), name=f"updates/{name}")
            for name in self._in_rows
        }
        """(rows,) how many updates the average of each row contains."""

    @property
    def tensors(self) -> dict[str, tf.Variable]:
        """All that an update changes, by name."""
        averages = {f"average/{name}": one for name, one in self._average.items()}
        return averages | {f"updates/{name}": one for name, one in self._updates.items()}

    def before(self, gradients: Gradients) -> dict[str, Any]:
        """Return the rows that an update is going to move, for `follow`."""
        return {
            name: tf.gather(self._variables[name], _rows_of(gradients[name]))
            for name in self._in_rows
        }

    def follow(self, gradients: Gradients, before: Mapping[str, Any], num_updates: Any) -> None:
        """Follow an update.

        Args:
            gradients: those of the update.
            before: the rows that it has moved, as `before` returned them.
            num_updates: the number of updates before it, int64.
        """
        for name, average in self._average.items():
            variable = self._variables[name]
            if name not in self._in_rows:
                average.assign(variable + (average - variable) * self.decay)
                continue
            rows, updates = _rows_of(gradients[name]), self._updates[name]
            rested = num_updates - tf.gather(updates, rows)
            old, new = before[name], tf.gather(variable, rows)
            at_last = old + (tf.gather(average, rows) - old) * self._faded(rested, old)
            moved = new + (at_last - new) * self.decay
            average.scatter_update(tf.IndexedSlices(moved, rows))
            done = tf.fill(tf.shape(rows), num_updates + 1)
            updates.scatter_update(tf.IndexedSlices(done, rows))

    def read(self, num_updates: int) -> dict[str, npt.NDArray[np.float32]]:
        """Return the average of each weight after a number of updates."""
        found = {name: average.numpy() for name, average in self._average.items()}
        for name, updates in self._updates.items():
            rested = num_updates - updates.numpy()
            weight = self._variables[name].numpy()
            faded = np.power(self.decay, rested).astype(np.float32)
            faded = faded.reshape(-1, *[1] * (weight.ndim - 1))
            found[name] = weight + (found[name] - weight) * faded
        return found

    def begin(self) -> None:
        """Begin again, at the weights as they are."""
        for name, average in self._average.items():
            average.assign(self._variables[name])
        for updates in self._updates.values():
            updates.assign(tf.zeros_like(updates))

    @contextmanager
    def in_place(self, num_updates: int) -> Iterator[None]:
        """Put the averages into the variables until the block ends."""
        weights = {name: variable.numpy() for name, variable in self._variables.items()}
        self.put_in_place(num_updates)
        try:
            yield
        finally:
            for name, weight in weights.items():
                self._variables[name].assign(weight)

    def put_in_place(self, num_updates: int) -> None:
        """Put the averages into the variables for good."""
        for name, average in self.read(num_updates).items():
            self._variables[name].assign(average)

    def _faded(self, rested: Any, like: Any) -> Any:
        """Return decay^rested, (rows,), in a shape that multiplies rows of `like`."""
        faded = tf.pow(tf.constant(self.decay, tf.float32), tf.cast(rested, tf.float32))
        return tf.reshape(faded, [-1] + [1] * (len(like.shape) - 1))


def _rows_of(gradient: Any) -> Any:
    assert isinstance(gradient, Rows)
    return gradient.indices
