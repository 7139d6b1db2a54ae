"""Rank targets under any terms for the session's own items, from scores computed once.

Terms that are added to the scores of the session's items change no other score. So it is enough to
keep, of each target, its own score, the last item's, and the best scores of the earlier items and
of all others: what stands before the target up to rank `DEPTH` follows from these exactly.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.evaluation.ranks import MISS
from sbrcli.models.blend.repeats import RepeatTerms, events_up_to
from sbrcli.models.top_items import top_items
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]

DEPTH = 20
"""The greatest rank that is computed."""


@dataclass(frozen=True, slots=True)
class SeenItems:
    """What the sessions before some targets contain.

    Args:
        positions: (rows,) the event before each target.
        targets: (rows,) items.
        last: (rows,) the session's last item.
        earlier: (rows, most) the session's other items without the target, each once; -1 is none.
        is_earlier: (rows,) whether the target is in the session, but not its last item.
    """

    positions: IntArray
    targets: IntArray
    last: IntArray
    earlier: IntArray
    is_earlier: BoolArray

    @classmethod
    def before(cls, sessions: Sessions, positions: IntArray, num_items: int) -> "SeenItems":
        """Find what the sessions contain up to each position, which precedes a target."""
        targets = sessions.item_indices[positions + 1].astype(np.intp)
        last = sessions.item_indices[positions].astype(np.intp)
        row, item = events_up_to(sessions, positions)
        row, item = np.divmod(np.unique(row * num_items + item), num_items)
        is_target = item == targets[row]
        is_seen = np.bincount(row[is_target], minlength=len(positions)) > 0
        is_other = ~is_target & (item != last[row])
        row, item = row[is_other], item[is_other]
        counts = np.bincount(row, minlength=len(positions))
        place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        earlier = np.full((len(positions), counts.max(initial=0)), -1)
        earlier[row, place] = item
        return cls(positions, targets, last, earlier, is_seen & (targets != last))


@dataclass(frozen=True, slots=True)
class RepeatRanks:
    """What the ranks of targets depend on; made by `gather` and `join`.

    Args:
        positions: (targets,) the event before each target.
        own: (targets,) the target's score.
        last: (targets,) the last item's score; -inf if it is the target.
        earlier: (most, targets) the best scores of the session's other items; -inf is none.
        others: (most, targets) those of the items that are not in the session.
        is_last, is_earlier: (targets,) which term the target's own score gains.
    """

    positions: IntArray
    own: FloatArray
    last: FloatArray
    earlier: FloatArray
    others: FloatArray
    is_last: BoolArray
    is_earlier: BoolArray

    @classmethod
    def gather(cls, scores: FloatArray, seen: SeenItems) -> "RepeatRanks":
        """Return what the ranks of one block depend on.

        Args:
            scores: (rows, num_items); changed.
            seen: what precedes each row's target.
        """
        rows = np.arange(len(scores))
        is_last = seen.targets == seen.last
        own = scores[rows, seen.targets]
        last = np.where(is_last, -np.inf, scores[rows, seen.last]).astype(scores.dtype)
        row, place = np.nonzero(seen.earlier >= 0)
        earlier = np.full(seen.earlier.shape, -np.inf, scores.dtype)
        earlier[row, place] = scores[row, seen.earlier[row, place]]
        scores[row, seen.earlier[row, place]] = -np.inf
        scores[rows, seen.targets] = scores[rows, seen.last] = -np.inf
        return cls(
            seen.positions,
            own,
            last,
            _best(earlier).T,
            _best(scores).T,
            is_last,
            seen.is_earlier,
        )

    @classmethod
    def join(cls, parts: list["RepeatRanks"]) -> "RepeatRanks":
        """Join the blocks of a split, in the order of the events."""
        order = np.argsort(np.concatenate([part.positions for part in parts]))

        def joined(name: str) -> npt.NDArray:
            blocks = [getattr(part, name) for part in parts]
            if blocks[0].ndim == 2:
                most = max(len(block) for block in blocks)
                pads = [((0, most - len(block)), (0, 0)) for block in blocks]
                blocks = [
                    np.pad(block, pad, constant_values=-np.inf)
                    for block, pad in zip(blocks, pads, strict=True)
                ]
            return np.concatenate(blocks, axis=-1)[..., order]

        return cls(**{name: joined(name) for name in cls.__slots__})

    def ranks(self, terms: RepeatTerms) -> IntArray:
        """Return the targets' ranks, (targets,), up to `DEPTH`; greater ones are `MISS`.

        They are those of `sbrcli.evaluation.ranks.rank_rows`; ties count against the target.
        """
        to_last, to_earlier = self.own.dtype.type(terms.last), self.own.dtype.type(terms.earlier)
        own = np.where(self.is_last, self.own + to_last, self.own)
        own = np.where(self.is_earlier, self.own + to_earlier, own)
        before = (self.others >= own).sum(axis=0, dtype=np.int16)
        before += (self.earlier + to_earlier >= own).sum(axis=0, dtype=np.int16)
        before += self.last + to_last >= own
        is_in_reach = (before < DEPTH) & ~np.isnan(own)
        return np.where(is_in_reach, before.astype(np.int64) + 1, MISS)


def _best(scores: FloatArray) -> FloatArray:
    """Return the best scores of each row, up to `DEPTH`, in descending order; -inf is none."""
    cuts, items = top_items(scores, DEPTH)
    counts = np.diff(cuts)
    row = np.repeat(np.arange(len(scores)), counts)
    best = np.full((len(scores), counts.max(initial=0)), -np.inf, scores.dtype)
    best[row, np.arange(len(row)) - np.repeat(cuts[:-1], counts)] = scores[row, items]
    return best
