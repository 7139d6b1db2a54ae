"""The objective, the optimizer and the loop of the variants of `search_variants`."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import tensorflow as tf

from sbrcli.config.training import FitConfig
from sbrcli.models.network import OUTPUT_TABLE, Network
from sbrcli.models.training import fit as fitting
from sbrcli.models.training import step as stepping
from sbrcli.models.training.lane_stream import LaneStream, Window
from sbrcli.models.training.objective import LossAndGradients, Objective
from sbrcli.models.training.optimizers import Rows, make_optimizer
from sbrcli.sessions import Sessions
from tests.benchmarks.search_variants import Variant, unit_rows

_BUCKETS = 64
"""The number of distinct weights of events."""

_EPSILON = 1e-6


class VariedObjective(Objective):
    """Normalises the items' rows, and weights events."""

    def __init__(self, config: FitConfig, sampler: Any, variant: Variant) -> None:
        super().__init__(config, sampler)
        self._variant = variant
        self.weights: Any = None
        """(buckets,) of events; a target's bucket is added to it, times the number of items."""

    def measure(
        self, hidden: Any, table: Any, bias: Any, targets: Any, row_counts: Any, *rest: Any
    ) -> LossAndGradients:
        """Return the loss and gradients of a chunk."""
        if self.weights is not None:
            num_items = table.shape[0]
            row_counts *= tf.gather(tf.constant(self.weights, tf.float32), targets // num_items)
            targets = targets % num_items
        if not self._variant.cosine:
            return super().measure(hidden, table, bias, targets, row_counts, *rest)
        rows = tf.convert_to_tensor(table)
        unit = unit_rows(rows, tf)
        found = super().measure(hidden, unit, bias, targets, row_counts, *rest)
        if found.items is not None:
            rows, unit = tf.gather(rows, found.items), tf.gather(unit, found.items)
        along = tf.reduce_sum(found.table * unit, axis=1, keepdims=True)
        length = tf.norm(rows, axis=1, keepdims=True) + _EPSILON
        return found._replace(table=(found.table - along * unit) / length)


class VariedOptimizer:
    """Shrinks the weights that an update moves."""

    def __init__(self, config: FitConfig, variables: Mapping[str, Any], variant: Variant) -> None:
        self._optimizer = make_optimizer(config, variables)
        self.slots = self._optimizer.slots
        self._decay = config.learning_rate * variant.weight_decay
        self._item_norm = variant.item_norm
        if self._item_norm:
            table = variables[OUTPUT_TABLE]
            table.assign(self._item_norm * unit_rows(table.numpy(), np))

    def apply(self, variables: Mapping[str, Any], gradients: Any, rate: Any = 1.0) -> None:
        """Update every variable by its gradient."""
        for name, variable in variables.items() if self._decay else ():
            gradient = gradients[name]
            if name.endswith("bias"):
                continue
            if isinstance(gradient, Rows):
                shrunk = tf.gather(variable, gradient.indices) * (1 - rate * self._decay)
                variable.scatter_update(tf.IndexedSlices(shrunk, gradient.indices))
            else:
                variable.assign(variable * (1 - rate * self._decay))
        self._optimizer.apply(variables, gradients, rate)
        if self._item_norm:
            table, gradient = variables[OUTPUT_TABLE], gradients[OUTPUT_TABLE]
            if isinstance(gradient, Rows):
                rows = self._item_norm * unit_rows(tf.gather(table, gradient.indices), tf)
                table.scatter_update(tf.IndexedSlices(rows, gradient.indices))
            else:
                table.assign(self._item_norm * unit_rows(tf.convert_to_tensor(table), tf))


class VariedLoop(fitting.EpochLoop):
    """Weights events by their time, and judges epochs with averaged weights."""

    def __init__(
        self,
        network: Network,
        data: fitting.TrainingData,
        config: FitConfig,
        on_event: Any,
        variant: Variant,
    ) -> None:
        self._variant, self._last = variant, []
        weights = event_weights(data.sessions, variant.half_life) if variant.half_life else None
        self._buckets, of_buckets = (None, None) if weights is None else _in_buckets(weights)

        def make_objective(config: FitConfig, sampler: Any) -> VariedObjective:
            made = VariedObjective(config, sampler, variant)
            made.weights = of_buckets
            return made

        with ExitStack() as patches:
            parts = {
                "Objective": make_objective,
                "make_optimizer": lambda config, of: VariedOptimizer(config, of, variant),
            }
            for name, part in parts.items():
                patches.enter_context(patch.object(stepping, name, part))
            super().__init__(network, data, config, on_event)

    def _arrange(self, epoch: int) -> LaneStream:
        stream = super()._arrange(epoch)
        if self._buckets is None:
            return stream
        return _BucketStream(stream, self._buckets, self.network.shape.num_items)

    def _finish_epoch(self) -> None:
        variables: Mapping[str, Any] = self.step.variables
        current = {name: variable.numpy() for name, variable in variables.items()}
        judged = current
        if self._variant.average_epochs:
            self._last = [*self._last, current][-self._variant.average_epochs :]
            judged = {name: np.mean([one[name] for one in self._last], axis=0) for name in current}
        for name, variable in variables.items():
            variable.assign(judged[name])
        super()._finish_epoch()
        for name, variable in variables.items():
            variable.assign(current[name])


class _BucketStream(LaneStream):
    """The windows of a stream, with targets as `VariedObjective` expects them.

    The stream has numbered items: their index, plus their event's bucket times the number of items.
    """

    def __init__(self, stream: LaneStream, buckets: Any, num_items: int) -> None:
        vars(self).update(vars(stream))
        numbers = self._sessions.item_indices + buckets * num_items
        self._sessions = replace(self._sessions, item_indices=numbers.astype(np.int32))
        self._windows, self._num_items = self._stream(), num_items

    def _fill(self, placed: Any, first: int) -> Window:
        window, size = super()._fill(placed, first), self._num_items
        entered = window.lanes.inputs
        inputs = np.where(entered < 0, -1 - (-1 - entered) % size, entered % size)
        sessions = replace(window.sessions, item_indices=window.sessions.item_indices % size)
        return Window(first, replace(window.lanes, inputs=inputs), sessions)


def event_weights(sessions: Sessions, half_life: float) -> Any:
    """Return the weight of each event, (events,), by its age; their mean is 1."""
    times = sessions.timestamps.astype(np.float64)
    span = max(times.max() - times.min(), 1.0)
    weights = 0.5 ** ((times.max() - times) / (half_life * span))
    return weights / weights.mean()


def _in_buckets(weights: Any) -> tuple[Any, Any]:
    """Return each event's bucket, and the mean weight of each bucket."""
    order = np.argsort(weights, kind="stable")
    bucket = np.empty(len(weights), np.int64)
    bucket[order] = np.arange(len(weights)) * _BUCKETS // len(weights)
    return bucket, np.bincount(bucket, weights, _BUCKETS) / np.bincount(bucket, minlength=_BUCKETS)
