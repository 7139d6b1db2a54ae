"""The objective of a training step: the loss of a chunk, and its gradients at the output layer.

Cross-entropy is computed in blocks of rows, over all items (`losses`) or over the chunk's targets
and sampled negatives (`sampled_losses`, `negatives`), whose gradients affect only the rows of these
items; a ranking loss (`ranking_losses`) over either, for the whole chunk at once.
"""

from functools import partial
from typing import Any, NamedTuple

import tensorflow as tf

from sbrcli.config.training import FitConfig
from sbrcli.models.repeats.chunk import ChunkRepeats
from sbrcli.models.training import ranking_losses
from sbrcli.models.training.backend import multiplies_in_bfloat16
from sbrcli.models.training.losses import softmax_cross_entropy
from sbrcli.models.training.negatives import NegativeSampler
from sbrcli.models.training.ranking_losses import RankingLoss, elu
from sbrcli.models.training.sampled_losses import drawn_cross_entropy


class LossAndGradients(NamedTuple):
    """A chunk's loss, and the gradients of its mean over rows."""

    loss: Any
    """Scalar: the sum of the loss over the rows that count."""

    hidden: Any
    """(rows, units)"""

    items: Any
    """(columns,) the items whose rows are affected, with repeats; None if all are."""

    table: Any
    """(columns, units), or (num_items, units)"""

    bias: Any
    """(columns,), or (num_items,)"""

    repeats: Any = None
    """(AGES,) of the terms of repeats; None without them."""


class Objective:
    """The configured loss over the configured negatives."""

    def __init__(self, config: FitConfig, sampler: NegativeSampler | None) -> None:
        self.config, self.sampler = config, sampler
        self.is_cross_entropy = config.loss == "cross-entropy"
        self.dtype = tf.bfloat16 if multiplies_in_bfloat16(config.precision) else tf.float32

    def measure(
        self,
        hidden: Any,
        table: Any,
        bias: Any,
        targets: Any,
        row_counts: Any,
        seed: Any,
        repeats: ChunkRepeats | None = None,
    ) -> LossAndGradients:
        """Return the loss and gradients of a chunk.

        Args:
            hidden: (rows, units).
            table: (num_items, units).
            bias: (num_items,).
            targets: (rows of all,) item indices: those of the rows, then those of other workers'
                rows, if there are others; these are negatives only.
            row_counts: (rows of all,) 1 for a pair that counts, else 0.
            seed: (2,) the seed for sampling negatives.
            repeats: the terms that are added to the scores of all items, if there are any.
        """
        if self.sampler is None:  # no row is compared with the targets of others
            targets, row_counts = targets[: hidden.shape[0]], row_counts[: hidden.shape[0]]
        if self.sampler is None and self.is_cross_entropy:
            result = softmax_cross_entropy(
                hidden,
                table,
                bias,
                targets,
                row_counts,
                self.config.label_smoothing,
                self.dtype,
                repeats,
            )
            return LossAndGradients(
                result.loss, result.hidden, None, result.table, result.bias, result.repeats
            )
        if self.sampler is None:
            return self._over_all(hidden, table, bias, targets, row_counts, repeats)
        return self._over_drawn(hidden, table, bias, targets, row_counts, seed, repeats)

    def _over_all(
        self,
        hidden: Any,
        table: Any,
        bias: Any,
        targets: Any,
        row_counts: Any,
        repeats: ChunkRepeats | None,
    ) -> LossAndGradients:
        row_losses = _ranking_loss(self.config)
        table, bias = tf.convert_to_tensor(table), tf.convert_to_tensor(bias)
        counts = 1.0 - tf.one_hot(targets, table.shape[0])
        watched = _watched(hidden, table, bias, repeats)
        with tf.GradientTape() as tape:
            tape.watch(watched)
            scores = _scores(tf.matmul(hidden, table, transpose_b=True), bias, repeats)
            scores = elu(scores, self.config.elu)
            positive = tf.gather(scores, targets, axis=1, batch_dims=1)
            losses = row_losses(positive, scores, counts)
            loss = tf.reduce_sum(losses * row_counts)
            mean = loss / hidden.shape[0]
        gradients = tape.gradient(mean, watched)
        return _outcome(loss, None, gradients)

    def _over_drawn(
        self,
        hidden: Any,
        table: Any,
        bias: Any,
        targets: Any,
        row_counts: Any,
        seed: Any,
        repeats: ChunkRepeats | None,
    ) -> LossAndGradients:
        assert self.sampler is not None
        rows = hidden.shape[0]
        drawn = self.sampler.draw(targets, row_counts, seed, rows)
        row_counts = row_counts[:rows]
        repeats = None if repeats is None else repeats.in_columns(drawn.items)
        part, part_bias = tf.gather(table, drawn.items), tf.gather(bias, drawn.items)
        if self.is_cross_entropy:
            result = drawn_cross_entropy(
                hidden,
                part,
                part_bias,
                self.config.logq * drawn.log_expected,
                drawn.counts,
                row_counts,
                self.config.label_smoothing,
                self.dtype,
                repeats,
            )
            return LossAndGradients(
                result.loss, result.hidden, drawn.items, result.table, result.bias, result.repeats
            )
        row_losses, counts = _ranking_loss(self.config), tf.cast(drawn.counts, tf.float32)
        watched = _watched(hidden, part, part_bias, repeats)
        with tf.GradientTape() as tape:
            tape.watch(watched)
            scores = _scores(tf.matmul(hidden, part, transpose_b=True), part_bias, repeats)
            own = tf.reduce_sum(hidden * part[:rows], axis=1) + part_bias[:rows]
            own += 0.0 if repeats is None else repeats.of_targets()
            positive, scores = elu(own, self.config.elu), elu(scores, self.config.elu)
            losses = row_losses(positive, scores, counts)
            loss = tf.reduce_sum(losses * row_counts)
            mean = loss / rows
        gradients = tape.gradient(mean, watched)
        return _outcome(loss, drawn.items, gradients)


def _ranking_loss(config: FitConfig) -> RankingLoss:
    losses: dict[str, RankingLoss] = {
        "bpr-max": partial(ranking_losses.bpr_max, bpreg=config.bpreg),
        "top1-max": ranking_losses.top1_max,
        "bpr": ranking_losses.bpr,
        "top1": ranking_losses.top1,
    }
    return losses[config.loss]


def _watched(hidden: Any, table: Any, bias: Any, repeats: ChunkRepeats | None) -> list[Any]:
    """Return what the loss is differentiated by."""
    return [hidden, table, bias, *([] if repeats is None else [repeats.terms])]


def _scores(products: Any, bias: Any, repeats: ChunkRepeats | None) -> Any:
    return products + bias if repeats is None else repeats.score(products, bias)


def _outcome(loss: Any, items: Any, gradients: list[Any]) -> LossAndGradients:
    """Return a loss with the gradients by what `_watched` returned."""
    hidden, table, bias, *terms = gradients
    found = [tf.convert_to_tensor(gradient) for gradient in terms]
    return LossAndGradients(loss, hidden, items, table, bias, *found)
