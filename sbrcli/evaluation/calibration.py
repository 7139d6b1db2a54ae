"""Calibrate a network's scores: find the factor that makes them logarithms of probabilities.

Cross-entropy trains scores to be logarithms of probabilities. The ranking losses train an order
only: the distance between two scores depends on the loss, its regularisation and the sampling of
negatives. Temperature scaling (Guo et al. 2017, arXiv 1706.04599, section 4.2) multiplies the
scores by the one factor that maximises the likelihood of the observed targets under their softmax.

The factor is a power of two. This is precise enough for a blend, whose weight is chosen afterwards,
and multiplying by it is exact: the network's order of the items stays, ties included.
"""

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.run import Run
from sbrcli.config.training import FitConfig
from sbrcli.evaluation.ranks import drop_unknown
from sbrcli.models.scorer import Scorer, score_targets
from sbrcli.sessions import Sessions

FloatArray = npt.NDArray[np.floating]

SUBSAMPLE_TARGETS = 2_000
"""The number of targets that suffices to distinguish a scale from half and from twice its value."""

_MAX_DOUBLINGS = 20


def gives_log_probabilities(run: Run) -> bool:
    """Return whether a run's loss makes its scores logarithms of probabilities."""
    return run.config.get("loss", FitConfig().loss) == "cross-entropy"


def find_scale(network: Scorer, sessions: Sessions) -> float:
    """Return the power-of-two scale of the scores with the greatest likelihood of the targets.

    Args:
        network: the model.
        sessions: sessions with targets; of many, a subsample is used, without unknown items.

    Returns:
        A power of two; the smallest one tried if the scores are worse than no scores at all.
    """
    known, _ = drop_unknown(sessions, network.num_items)
    some = known.subsample(SUBSAMPLE_TARGETS)
    losses: dict[int, float] = {}

    def loss_at(doublings: int) -> float:
        if doublings not in losses:
            losses[doublings] = mean_loss(network, some, 2.0**doublings)
        return losses[doublings]

    # The loss is convex in the scale, so that it has a single minimum.
    best = 0
    step = 1 if loss_at(1) < loss_at(0) else -1
    while abs(best) < _MAX_DOUBLINGS and loss_at(best + step) < loss_at(best):
        best += step
    return 2.0**best


def mean_loss(network: Scorer, sessions: Sessions, scale: float) -> float:
    """Return the mean of -log softmax(scale * scores)[target] over the targets."""
    total, count = 0.0, 0
    for positions, scores in score_targets(network, sessions):
        targets = sessions.item_indices[positions + 1]
        below = scores - scores.max(axis=1, keepdims=True)  # (rows, num_items), none above 0
        below *= np.float32(scale)
        own = np.take_along_axis(below, targets[:, None], axis=1)[:, 0]
        total += float(np.log(np.exp(below).sum(axis=1, dtype=np.float64)).sum() - own.sum())
        count += len(positions)
    return total / max(count, 1)
