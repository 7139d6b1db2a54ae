"""Optimizers: Adagrad with momentum, and Adam."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from sbrcli.config.training import FitConfig

Slots = dict[str, tf.Variable]


class Rows(NamedTuple):
    """A gradient of some rows of a table, without duplicate rows."""

    indices: Any
    """(rows,) the indices of the rows."""

    values: Any
    """(rows, …) the gradient of each."""

    @classmethod
    def summed(cls, indices: Any, values: Any) -> "Rows":
        """Return a gradient in which duplicate rows are summed.

        They must be summed before they are squared: (1 + 1)^2 is not 1^2 + 1^2.
        """
        unique, place = tf.unique(indices)
        return cls(unique, tf.math.unsorted_segment_sum(values, place, tf.size(unique)))


Gradients = Mapping[str, Any]
"""The gradient of each weight: a tensor of its shape, or `Rows`."""


class Optimizer(Protocol):
    """Updates weights; its state between steps is in `slots`, by name."""

    slots: Slots

    def apply(
        self, variables: Mapping[str, tf.Variable], gradients: Gradients, rate: Any = 1.0
    ) -> None:
        """Update every variable by its gradient; `rate` scales the learning rate."""
        ...


class Adagrad:
    """Adagrad from a zero accumulator (Duchi et al. 2011), with momentum on its updates.

    accumulator += gradient^2
    update = momentum * last update - learning_rate * gradient / sqrt(accumulator + 1e-6)
    weight += update
    """

    epsilon = 1e-6

    def __init__(
        self, variables: Mapping[str, tf.Variable], learning_rate: float, momentum: float
    ) -> None:
        self.learning_rate, self.momentum = learning_rate, momentum
        self.slots = _zeros_like(variables, "accumulator")
        if momentum:
            self.slots |= _zeros_like(variables, "update")

    def apply(
        self, variables: Mapping[str, tf.Variable], gradients: Gradients, rate: Any = 1.0
    ) -> None:
        """Move every variable by its gradient; of a table, the rows touched only."""
        rate = self.learning_rate * rate
        for name, variable in variables.items():
            gradient, rows = _split(gradients[name])
            squares = _Part(self.slots[f"{name}/accumulator"], rows)
            squares.write(squares.read() + gradient * gradient)
            update = -rate * gradient * tf.math.rsqrt(squares.read() + self.epsilon)
            if self.momentum:
                last = _Part(self.slots[f"{name}/update"], rows)
                last.write(self.momentum * last.read() + update)
                update = last.read()
            weights = _Part(variable, rows)
            weights.write(weights.read() + update)


class Adam:
    """Adam (Kingma & Ba 2015, with the order of computation of the end of their section 2).

    mean += (1 - 0.9) * (gradient - mean)
    square += (1 - 0.999) * (gradient^2 - square)
    rate = learning_rate * sqrt(1 - 0.999^step) / (1 - 0.9^step)
    weight -= rate * mean / (sqrt(square) + 1e-7)
    """

    beta_1, beta_2, epsilon = 0.9, 0.999, 1e-7

    def __init__(self, variables: Mapping[str, tf.Variable], learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self.slots = _zeros_like(variables, "mean") | _zeros_like(variables, "square")
        self.slots["step"] = tf.Variable(tf.constant(0.0), name="step")

    def apply(
        self, variables: Mapping[str, tf.Variable], gradients: Gradients, rate: Any = 1.0
    ) -> None:
        """Move every variable by its gradient; of a table, the rows touched only."""
        step = self.slots["step"].assign_add(1.0)
        rate = rate * self.learning_rate
        rate = rate * tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        for name, variable in variables.items():
            gradient, rows = _split(gradients[name])
            mean = _Part(self.slots[f"{name}/mean"], rows)
            square = _Part(self.slots[f"{name}/square"], rows)
            mean.write(mean.read() + (1 - self.beta_1) * (gradient - mean.read()))
            square.write(square.read() + (1 - self.beta_2) * (gradient * gradient - square.read()))
            weights = _Part(variable, rows)
            weights.write(
                weights.read() - rate * mean.read() / (tf.sqrt(square.read()) + self.epsilon)
            )


class _Part:
    """A variable, or the rows of it that a gradient affects."""

    def __init__(self, variable: tf.Variable, rows: Any) -> None:
        self.variable, self.rows = variable, rows
        self.value = variable if rows is None else tf.gather(variable, rows)

    def read(self) -> Any:
        return self.value

    def write(self, value: Any) -> None:
        self.value = value
        if self.rows is None:
            self.variable.assign(value)
        else:
            self.variable.scatter_update(tf.IndexedSlices(value, self.rows))


def _split(gradient: Any) -> tuple[Any, Any]:
    """Return a gradient's values, and its rows or None."""
    return (gradient.values, gradient.indices) if isinstance(gradient, Rows) else (gradient, None)


def clip_gradients(gradients: Gradients, norm: float) -> Gradients:
    """Scale all gradients down together so that their common norm is at most `norm`."""
    values = [_split(gradient)[0] for gradient in gradients.values()]
    total = tf.sqrt(tf.add_n([tf.reduce_sum(value * value) for value in values]))
    scale = norm / tf.maximum(total, norm)
    return {
        name: gradient._replace(values=gradient.values * scale)
        if isinstance(gradient, Rows)
        else gradient * scale
        for name, gradient in gradients.items()
    }


def make_optimizer(config: FitConfig, variables: Mapping[str, tf.Variable]) -> Optimizer:
    """Return the optimizer of a configuration."""
    if config.optimizer == "adam":
        return Adam(variables, config.learning_rate)
    return Adagrad(variables, config.learning_rate, config.momentum)


def _zeros_like(variables: Mapping[str, tf.Variable], slot: str) -> Slots:
    return {
        f"{name}/{slot}": tf.Variable(tf.zeros_like(variable), name=f"{name}/{slot}")
        for name, variable in variables.items()
    }
