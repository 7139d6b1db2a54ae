"""A network with learned repeats as a Keras model."""

from typing import Any

import keras

from sbrcli.models.repeats.ages import AGES


class RepeatsModel(keras.Model):
    """Adds the learned terms to the scores of a network's Keras model.

    Args:
        network: (sessions, steps) items to (sessions, steps, num_items) scores.
        terms: (AGES,) what is added to the score of an item of each age.
    """

    def __init__(self, network: keras.Model, terms: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self.network = network
        self.terms = self.add_weight(shape=(AGES,), initializer="zeros", name="repeats")
        self.terms.assign(terms)
        self.built = True

    def call(self, items: Any) -> Any:
        """Score the item after each event: (sessions, steps) to (sessions, steps, num_items)."""
        ops: Any = keras.ops
        scores: Any = self.network(items)
        step = ops.arange(1, ops.shape(items)[1] + 1)[None, :, None]
        # (sessions, steps, num_items) the step at which each item occurred last, 0 if never.
        occurs = step * ops.one_hot(items, scores.shape[-1], dtype="int32")
        last = ops.associative_scan(ops.maximum, occurs, axis=1)
        ages = ops.clip(step - last, 0, AGES - 1)
        return scores + ops.where(last > 0, ops.take(self.terms, ages), 0.0)
