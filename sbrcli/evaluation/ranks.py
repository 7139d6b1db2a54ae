"""The rank of each target among all candidates, from which every metric is computed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.evaluation.sparse_ranks import rank_sparse_rows
from sbrcli.models.scorer import Scorer, only_targets, score_targets
from sbrcli.models.sparse_rows import SparseRows, SparseScorer
from sbrcli.reporter import Advance, ignore_progress
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

MISS = np.iinfo(np.int64).max
"""The rank of a target that cannot be recommended; greater than every k."""

# Comparing this many scores at a time keeps the result of the comparison in the cache.
_SCORES_AT_A_TIME = 2**18


@dataclass(frozen=True, slots=True)
class Ranks:
    """The rank of each scored target, in the order of the split's events.

    Args:
        positions: (scored,) int64, the target's index in the split's `item_indices`.
        ranks: (scored,) int64; 1 is best, `MISS` is greater than every k.
        tied: (scored,) whether another candidate has the same score.
        seen: (scored,) whether the item occurred earlier in the session.
        scores: (scored,) float64, the model's score of the target.
    """

    positions: IntArray
    ranks: IntArray
    tied: BoolArray
    seen: BoolArray
    scores: FloatArray

    def only(self, chosen: BoolArray) -> "Ranks":
        """Return the ranks of the targets for which `chosen`, (scored,), is true."""
        return Ranks(
            self.positions[chosen],
            self.ranks[chosen],
            self.tied[chosen],
            self.seen[chosen],
            self.scores[chosen],
        )


OnBlock = Callable[[FloatArray | SparseRows, BoolArray | None], None]
"""Called with a block's scores, (batch, num_items), and the mask of excluded items, if any."""


def rank_targets(
    scorer: Scorer,
    sessions: Sessions,
    *,
    exclude_seen: bool = False,
    advance: Advance = ignore_progress,
    on_block: OnBlock | None = None,
) -> Ranks:
    """Rank every target among all of the scorer's items.

    Events of items that the scorer does not know are left out of the sessions first: they are
    neither input nor target, and the state carries over.

    Args:
        scorer: any model.
        sessions: a split; item indices may be unknown to the scorer.
        exclude_seen: the items of the session up to the current one are no candidates, and a target
            among them is a miss.
        advance: called with the number of targets just ranked.
        on_block: called with each block of scores after it was ranked.
    """
    known, places = drop_unknown(sessions, scorer.num_items)
    ranks = np.zeros(len(known.item_indices), np.int64)
    tied = np.zeros(len(known.item_indices), np.bool_)
    own = np.zeros(len(known.item_indices), np.float64)
    scored, seen = known.target_mask, is_repeat(known)
    for positions, scores in _target_blocks(scorer, known, sparsely=not exclude_seen):
        excluded = _seen_items(known, positions, scorer.num_items) if exclude_seen else None
        following = positions + 1
        targets = known.item_indices[following]
        if isinstance(scores, SparseRows):
            found = rank_sparse_rows(scores, targets)
        else:
            found = *rank_rows(scores, targets, excluded), scores[np.arange(len(targets)), targets]
        ranks[following], tied[following], own[following] = found
        if on_block is not None:
            on_block(scores, excluded)
        advance(len(positions))
    if exclude_seen:
        ranks[seen], tied[seen] = MISS, False
    return Ranks(places[scored], ranks[scored], tied[scored], seen[scored], own[scored])


def target_ranks(scores: FloatArray, targets: IntArray) -> IntArray:
    """Rank each row's target among all items; 1 is best.

    Ties count against the target, so that a model that scores all items alike gets the worst rank,
    not the best. A NaN also counts against the target, whichever of the two scores it is, so that a
    broken model never looks good.

    Args:
        scores: (batch, num_items), higher is better.
        targets: (batch,), item indices in 0..num_items-1.

    Returns:
        (batch,), each in 1..num_items.
    """
    return rank_rows(scores, targets)[0]


def rank_rows(
    scores: FloatArray, targets: IntArray, excluded: BoolArray | None = None
) -> tuple[IntArray, BoolArray]:
    """Rank each row's target as `target_ranks` does, and find the ties.

    Args:
        scores: (batch, num_items), higher is better.
        targets: (batch,), item indices in 0..num_items-1.
        excluded: (batch, num_items), items that are no candidates; the result is undefined for a
            row whose target is excluded.

    Returns:
        (batch,) ranks among the candidates, and (batch,) whether another candidate has the same
        score as the target.
    """
    batch, num_items = scores.shape
    beaten, alike = np.empty(batch, np.int64), np.empty(batch, np.int64)
    step = max(1, _SCORES_AT_A_TIME // max(1, num_items))
    compared = np.empty((min(step, batch), num_items), np.bool_)
    own = np.take_along_axis(scores, targets[:, None].astype(np.intp), axis=1)
    for start in range(0, batch, step):
        rows = slice(start, min(start + step, batch))
        result = compared[: rows.stop - rows.start]
        np.less(scores[rows], own[rows], out=result)
        if excluded is not None:  # an excluded item counts as beaten
            np.logical_or(result, excluded[rows], out=result)
        beaten[rows] = _count_true(result)
        np.equal(scores[rows], own[rows], out=result)
        if excluded is not None:
            np.greater(result, excluded[rows], out=result)
        alike[rows] = _count_true(result)
    return num_items - beaten, alike > 1


def drop_unknown(sessions: Sessions, num_items: int) -> tuple[Sessions, IntArray]:
    """Drop the events of unknown items: indices below 0, or `num_items` and above.

    Returns:
        The sessions without them (as many, some may be empty), and (events,) the index of each
        remaining event in the given sessions.
    """
    known = (sessions.item_indices >= 0) & (sessions.item_indices < num_items)
    places = np.flatnonzero(known)
    offsets = np.concatenate(([0], np.cumsum(known)))[sessions.offsets]
    targets = None if sessions.targets is None else sessions.targets[places]
    return Sessions(
        sessions.item_indices[places], offsets, sessions.timestamps[places], targets
    ), places


def only_known(sessions: Sessions, num_items: int) -> Sessions:
    """Return sessions as `drop_unknown`; the same ones, uncopied, if all their items are known."""
    blocks = (block.item_indices for block in sessions.blocks())
    if all(((items >= 0) & (items < num_items)).all() for items in blocks):
        return sessions
    return drop_unknown(sessions, num_items)[0]


def is_repeat(sessions: Sessions) -> BoolArray:
    """Return for each event, (events,), whether its item occurred earlier in the session."""
    session = np.repeat(np.arange(sessions.num_sessions), np.diff(sessions.offsets))
    order = np.lexsort((sessions.item_indices, session))  # stable, so by position within an item
    items, session = sessions.item_indices[order], session[order]
    repeats = np.zeros(len(order), np.bool_)
    repeats[order[1:]] = (items[1:] == items[:-1]) & (session[1:] == session[:-1])
    return repeats


def _target_blocks(
    scorer: Scorer, sessions: Sessions, *, sparsely: bool
) -> Iterator[tuple[IntArray, FloatArray | SparseRows]]:
    if sparsely and isinstance(scorer, SparseScorer):
        return only_targets(scorer.score_sparsely(sessions), sessions)
    return score_targets(scorer, sessions)


def _count_true(rows: BoolArray) -> list[np.intp]:
    # Row by row: NumPy counts a contiguous row at memory speed, but sums along an axis
    # element-wise.
    return [np.count_nonzero(row) for row in rows]


def _seen_items(sessions: Sessions, positions: IntArray, num_items: int) -> BoolArray:
    """Return the mask of the session's items up to each position, (positions, num_items)."""
    seen = np.zeros((len(positions), num_items), np.bool_)
    starts = sessions.offsets[np.searchsorted(sessions.offsets, positions, side="right") - 1]
    items = sessions.item_indices.astype(np.intp)  # once, rather than for each row
    for row, start, end in zip(seen, starts.tolist(), (positions + 1).tolist(), strict=True):
        row[items[start:end]] = True
    return seen
