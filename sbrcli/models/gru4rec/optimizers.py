"""How a gradient moves a weight: Adagrad with momentum, and Adam."""

from collections.abc import Mapping
from typing import Any, Protocol

import tensorflow as tf

from sbrcli.config import TrainConfig

Slots = dict[str, tf.Variable]


class Optimizer(Protocol):
    """Moves weights; what it remembers between steps lies in `slots`, by name."""

    slots: Slots

    def apply(self, variables: Mapping[str, tf.Variable], gradients: Mapping[str, Any]) -> None:
        """Move every variable by its gradient."""
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

    def apply(self, variables: Mapping[str, tf.Variable], gradients: Mapping[str, Any]) -> None:
        """Move every variable by its gradient."""
        for name, variable in variables.items():
            gradient = gradients[name]
            accumulator = self.slots[f"{name}/accumulator"]
            accumulator.assign_add(gradient * gradient)
            update = -self.learning_rate * gradient * tf.math.rsqrt(accumulator + self.epsilon)
            if self.momentum:
                last = self.slots[f"{name}/update"]
                last.assign(self.momentum * last + update)
                update = last
            variable.assign_add(update)


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

    def apply(self, variables: Mapping[str, tf.Variable], gradients: Mapping[str, Any]) -> None:
        """Move every variable by its gradient."""
        step = self.slots["step"].assign_add(1.0)
        rate = self.learning_rate * tf.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        for name, variable in variables.items():
            gradient = gradients[name]
            mean, square = self.slots[f"{name}/mean"], self.slots[f"{name}/square"]
            mean.assign_add((1 - self.beta_1) * (gradient - mean))
            square.assign_add((1 - self.beta_2) * (gradient * gradient - square))
            variable.assign_sub(rate * mean / (tf.sqrt(square) + self.epsilon))


def make_optimizer(config: TrainConfig, variables: Mapping[str, tf.Variable]) -> Optimizer:
    """Make the optimizer that the configuration names."""
    if config.optimizer == "adam":
        return Adam(variables, config.learning_rate)
    return Adagrad(variables, config.learning_rate, config.momentum)


def _zeros_like(variables: Mapping[str, tf.Variable], slot: str) -> Slots:
    return {
        f"{name}/{slot}": tf.Variable(tf.zeros_like(variable), name=f"{name}/{slot}")
        for name, variable in variables.items()
    }
