"""The learned terms in the scores of a chunk, and their gradient."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from sbrcli.models.repeats.ages import AGES
from sbrcli.models.repeats.lanes import CallRepeats


def call_signature(num_lanes: int) -> CallRepeats:
    """Return the types of a call's seen items."""
    shapes = ((None, num_lanes), (None, 2), (None,), (None,), (None, 2), (None,))
    return CallRepeats(*(tf.TensorSpec(shape, tf.int32) for shape in shapes))  # pyright: ignore


class ChunkRepeats(NamedTuple):
    """The terms, and where they are added to a matrix of scores of a chunk.

    All rows of a lane get the last term in the columns of the lane's base; see
    `sbrcli.models.repeats.lanes`.
    """

    terms: Any
    """(AGES,) the learned terms."""

    target_ages: Any
    """(rows,) the age of each row's target, from 0, or `NOT_SEEN`."""

    places: Any
    """(seen, 2) the row and the column of each score with a term, in the order of the rows."""

    codes: Any
    """(seen,) the age of each, from 0; plus `AGES` where the lane's base has the column."""

    base_places: Any
    """(based, 2) the lane and the column of each of the lanes' bases."""

    num_lanes: int
    """Row r is in lane r modulo this number."""

    @classmethod
    def of_call(cls, terms: Any, call: CallRepeats, chunk: Any, bptt: int) -> "ChunkRepeats":
        """Return those of a chunk over all items.

        Args:
            terms: (AGES,).
            call: the seen items of a call, as tensors.
            chunk: the number of the chunk in the call.
            bptt: the number of steps in a chunk.
        """
        num_lanes = call.target_ages.shape[1]
        seen = slice(call.cuts[chunk], call.cuts[chunk + 1])
        based = slice(call.base_cuts[chunk], call.base_cuts[chunk + 1])
        ages = call.target_ages[chunk * bptt : (chunk + 1) * bptt]
        return cls(
            tf.convert_to_tensor(terms),
            tf.reshape(ages, (bptt * num_lanes,)),
            call.places[seen],
            call.codes[seen],
            call.base_places[based],
            num_lanes,
        )

    def in_columns(self, items: Any) -> "ChunkRepeats":
        """Return those over some columns in place of all items.

        Args:
            items: (columns,) their items, with repeats: each column of an item gets its term.
        """
        items = tf.cast(items, tf.int32)
        order = tf.argsort(items, stable=True)
        ordered = tf.gather(items, order)
        places, origin = _find_columns(self.places, order, ordered)
        base_places, _ = _find_columns(self.base_places, order, ordered)
        codes = tf.gather(self.codes, origin)
        return self._replace(places=places, codes=codes, base_places=base_places)

    def between(self, first: int, last: int) -> "ChunkRepeats":
        """Return those of some rows without the bases; the first row is row 0 of the scores."""
        cuts = tf.searchsorted(self.places[:, 0], [first, last])
        seen = slice(cuts[0], cuts[1])
        places = self.places[seen] - tf.constant([first, 0])
        return self._replace(
            target_ages=self.target_ages[first:last], places=places, codes=self.codes[seen]
        )

    def score(self, products: Any, bias: Any) -> Any:
        """Return (rows, columns) scores: products with a bias and all terms."""
        return self.add_to(add_by_lane(products, self.shift(bias), 0))

    def shift(self, bias: Any) -> Any:
        """Return a bias with the terms of each lane's base: (lanes, columns)."""
        last = tf.repeat(self.terms[-1:], tf.shape(self.base_places)[0])
        return tf.tensor_scatter_nd_add(
            tf.tile(bias[None], [self.num_lanes, 1]), self.base_places, last
        )

    def add_to(self, scores: Any) -> Any:
        """Add the terms of the rows' own places to (rows, columns) scores."""
        return tf.tensor_scatter_nd_add(scores, self.places, self._of_places())

    def of_targets(self) -> Any:
        """Return the terms of the targets, (rows,)."""
        return tf.gather(tf.pad(self.terms, [[0, 1]]), self.target_ages)

    def sums(self) -> Any:
        """Return the sum of all terms of each row, (rows,)."""
        rows = self.target_ages.shape[0]
        own = tf.math.unsorted_segment_sum(self._of_places(), self.places[:, 0], rows)
        sizes = tf.math.bincount(self.base_places[:, 0], minlength=self.num_lanes)
        based = self.terms[-1] * tf.cast(sizes, tf.float32)
        return own + tf.tile(based, [rows // self.num_lanes])

    def gradient(self, of_scores: Any) -> Any:
        """Return the gradient by the rows' own places, (AGES,), from that of the scores."""
        values = tf.gather_nd(of_scores, self.places)
        by_code = tf.math.unsorted_segment_sum(values, self.codes, 2 * AGES)
        corrections = by_code[AGES:]
        return by_code[:AGES] + corrections - _at_last(tf.reduce_sum(corrections))

    def gradient_by_bases(self, by_lane: Any) -> Any:
        """Return the gradient by the bases, (AGES,), from that of `shift`, (lanes, columns)."""
        return _at_last(tf.reduce_sum(tf.gather_nd(by_lane, self.base_places)))

    def gradient_by_targets(self, of_targets: Any) -> Any:
        """Return the gradient of the terms, (AGES,), from that of the targets' scores, (rows,)."""
        return tf.math.unsorted_segment_sum(of_targets, self.target_ages, AGES + 1)[:AGES]

    def _of_places(self) -> Any:
        """Return what is added at each place: the term, or its difference to the base's."""
        return tf.gather(tf.concat([self.terms, self.terms - self.terms[-1]], 0), self.codes)


def add_by_lane(scores: Any, shift: Any, first: int) -> Any:
    """Add to each row of scores, (rows, columns), that of its lane, (lanes, columns).

    Args:
        scores: some rows of a chunk.
        shift: one row serves all lanes.
        first: the number of their first row in the chunk.
    """
    (rows, columns), lanes = scores.shape, shift.shape[0]
    if lanes == 1:
        return scores + shift
    if rows % lanes or first % lanes:
        return scores + tf.gather(shift, (first + np.arange(rows)) % lanes)
    by_step = tf.reshape(scores, (rows // lanes, lanes, columns)) + shift
    return tf.reshape(by_step, (rows, columns))


def sum_by_lane(values: Any, lanes: int, first: int) -> Any:
    """Sum the rows of each lane: (rows, columns) to (lanes, columns); arguments as above."""
    rows, columns = values.shape
    if lanes == 1:
        return tf.reduce_sum(values, axis=0, keepdims=True)
    if rows % lanes or first % lanes:
        lane = tf.constant((first + np.arange(rows)) % lanes)
        return tf.math.unsorted_segment_sum(values, lane, lanes)
    return tf.reduce_sum(tf.reshape(values, (rows // lanes, lanes, columns)), axis=0)


def _at_last(value: Any) -> Any:
    """Return (AGES,) zeros except for the last number."""
    return tf.pad(value[None], [[AGES - 1, 0]])


def _find_columns(places: Any, order: Any, ordered: Any) -> tuple[Any, Any]:
    """Return the places of columns for places of items, and from which place each comes.

    Args:
        places: (seen, 2) rows and items.
        order: (columns,) the columns in the order of their items.
        ordered: (columns,) their items in that order.
    """
    bounds = [tf.searchsorted(ordered, places[:, 1], side=side) for side in ("left", "right")]
    found = tf.raw_ops.RaggedRange(starts=bounds[0], limits=bounds[1], deltas=1)
    splits, at = tf.cast(found.rt_nested_splits, tf.int32), found.rt_dense_values
    origin = tf.searchsorted(splits, tf.range(tf.size(at)), side="right") - 1
    rows = tf.gather(places[:, 0], origin)
    return tf.stack([rows, tf.gather(order, at)], axis=1), origin
