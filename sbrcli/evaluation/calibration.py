"""From a network's scores to logarithms of probabilities: by which number they are multiplied.

Cross-entropy trains scores to be logarithms of probabilities. The ranking losses train an order;
how far apart two scores are depends on the loss, its regularisation and the drawing of negatives.
Temperature scaling (Guo et al. 2017, arXiv 1706.04599, section 4.2) makes the best of them: the
softmax of the scores times one number, with which it is likeliest that what was seen comes next.

The number is a power of two. That is as near as a blend needs, whose weight is chosen afterwards,
and multiplying by it rounds nothing: the network's order of the items stays, ties included.
"""

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.run import Run
from sbrcli.config.training import TrainConfig
from sbrcli.evaluation.ranks import drop_unknown
from sbrcli.models.scorer import Scorer, score_targets
from sbrcli.sessions import Sessions

FloatArray = npt.NDArray[np.floating]

SUBSAMPLE_TARGETS = 2_000
"""This many targets distinguish a scale from half and from twice its value."""

_MAX_DOUBLINGS = 20


def gives_log_probabilities(run: Run) -> bool:
    """Return whether a run's loss makes its scores logarithms of probabilities."""
    return run.config.get("loss", TrainConfig().loss) == "cross-entropy"


def find_scale(network: Scorer, sessions: Sessions) -> float:
    """Find the power of two by which scores are multiplied for the likeliest softmax.

    Args:
        network: the model.
        sessions: what it is judged by; of many, some. Items that it does not know are left out.

    Returns:
        A power of two. Where the scores tell less than nothing, the least one that is tried.
    """
    known, _ = drop_unknown(sessions, network.num_items)
    some = known.subsample(SUBSAMPLE_TARGETS)
    losses: dict[int, float] = {}

    def loss_at(doublings: int) -> float:
        if doublings not in losses:
            losses[doublings] = mean_loss(network, some, 2.0**doublings)
        return losses[doublings]

    # The loss is convex in the scale, so that it falls to one lowest place from either side.
    best = 0
    step = 1 if loss_at(1) < loss_at(0) else -1
    while abs(best) < _MAX_DOUBLINGS and loss_at(best + step) < loss_at(best):
        best += step
    return 2.0**best


def mean_loss(network: Scorer, sessions: Sessions, scale: float) -> float:
    """Compute the mean of -log softmax(scale * scores)[target] over the next items asked for."""
    total, count = 0.0, 0
    for positions, scores in score_targets(network, sessions):
        targets = sessions.item_indices[positions + 1]
        below = scores - scores.max(axis=1, keepdims=True)  # (rows, num_items), none above 0
        below *= np.float32(scale)
        own = np.take_along_axis(below, targets[:, None], axis=1)[:, 0]
        total += float(np.log(np.exp(below).sum(axis=1, dtype=np.float64)).sum() - own.sum())
        count += len(positions)
    return total / max(count, 1)
