"""The learned terms in the scores of a chunk, and their gradient."""

from typing import Any, NamedTuple

import tensorflow as tf

from sbrcli.models.repeats.ages import AGES
from sbrcli.models.repeats.lanes import CallRepeats


def call_signature(num_lanes: int) -> CallRepeats:
    """Return the types of a call's seen items."""
    shapes = ((None, num_lanes), (None, 2), (None,), (None,))
    return CallRepeats(*(tf.TensorSpec(shape, tf.int32) for shape in shapes))  # pyright: ignore


class ChunkRepeats(NamedTuple):
    """The terms, and where they are added to a matrix of scores of a chunk."""

    terms: Any
    """(AGES,) the learned terms."""

    target_ages: Any
    """(rows,) the age of each row's target, from 0, or `NOT_SEEN`."""

    places: Any
    """(seen, 2) the row and the column of each score with a term, in the order of the rows."""

    ages: Any
    """(seen,) the age of each, from 0."""

    @classmethod
    def of_call(cls, terms: Any, call: CallRepeats, chunk: Any, bptt: int) -> "ChunkRepeats":
        """Return those of a chunk over all items.

        Args:
            terms: (AGES,).
            call: the seen items of a call, as tensors.
            chunk: the number of the chunk in the call.
            bptt: the number of steps in a chunk.
        """
        seen = slice(call.cuts[chunk], call.cuts[chunk + 1])
        target_ages = call.target_ages[chunk * bptt : (chunk + 1) * bptt]
        target_ages = tf.reshape(target_ages, (bptt * call.target_ages.shape[1],))
        return cls(tf.convert_to_tensor(terms), target_ages, call.places[seen], call.ages[seen])

    def in_columns(self, items: Any) -> "ChunkRepeats":
        """Return those over some columns in place of all items.

        Args:
            items: (columns,) their items, with repeats: each column of an item gets its term.
        """
        items = tf.cast(items, tf.int32)
        order = tf.argsort(items, stable=True)
        ordered, seen = tf.gather(items, order), self.places[:, 1]
        bounds = [tf.searchsorted(ordered, seen, side=side) for side in ("left", "right")]
        found = tf.raw_ops.RaggedRange(starts=bounds[0], limits=bounds[1], deltas=1)
        splits, at = tf.cast(found.rt_nested_splits, tf.int32), found.rt_dense_values
        origin = tf.searchsorted(splits, tf.range(tf.size(at)), side="right") - 1
        rows = tf.gather(self.places[:, 0], origin)
        places = tf.stack([rows, tf.gather(order, at)], axis=1)
        return self._replace(places=places, ages=tf.gather(self.ages, origin))

    def between(self, first: int, last: int) -> "ChunkRepeats":
        """Return those of some rows, of which the first is row 0 of the scores."""
        cuts = tf.searchsorted(self.places[:, 0], [first, last])
        seen = slice(cuts[0], cuts[1])
        places = self.places[seen] - tf.constant([first, 0])
        return ChunkRepeats(self.terms, self.target_ages[first:last], places, self.ages[seen])

    def add_to(self, scores: Any) -> Any:
        """Add the terms to (rows, columns) scores."""
        return tf.tensor_scatter_nd_add(scores, self.places, tf.gather(self.terms, self.ages))

    def of_targets(self) -> Any:
        """Return the terms of the targets, (rows,)."""
        return tf.gather(tf.pad(self.terms, [[0, 1]]), self.target_ages)

    def sums(self) -> Any:
        """Return the sum of the terms of each row, (rows,)."""
        rows, terms = self.places[:, 0], tf.gather(self.terms, self.ages)
        return tf.math.unsorted_segment_sum(terms, rows, self.target_ages.shape[0])

    def gradient(self, of_scores: Any) -> Any:
        """Return the gradient of the terms, (AGES,), from that of the scores, (rows, columns)."""
        return tf.math.unsorted_segment_sum(tf.gather_nd(of_scores, self.places), self.ages, AGES)

    def gradient_by_targets(self, of_targets: Any) -> Any:
        """Return the gradient of the terms, (AGES,), from that of the targets' scores, (rows,)."""
        return tf.math.unsorted_segment_sum(of_targets, self.target_ages, AGES + 1)[:AGES]
