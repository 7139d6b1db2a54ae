"""A baseline in one file: the items that stood near the last one in training, on either side.

One line registers it: `BASELINES["toy"] = "tests.models.toy_baseline"`.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sbrcli.config.options import Options, option
from sbrcli.models.baselines.baseline import Baseline
from sbrcli.models.baselines.last_item import LastItemScorer, restore_last_item
from sbrcli.sessions import Sessions


@dataclass(frozen=True, kw_only=True)
class ToyConfig(Options):
    """The toy's options."""

    back: float = option(0.5, minimum=0)
    """Count of an item that stood before the last one; one that came after it counts 1."""


def fit(training: Sessions, num_items: int, config: ToyConfig) -> LastItemScorer:
    session = np.repeat(np.arange(training.num_sessions), np.diff(training.offsets))
    is_pair = session[1:] == session[:-1]
    pairs = training.item_indices[:-1][is_pair], training.item_indices[1:][is_pair]
    shape = (num_items, num_items)
    ahead = sparse.coo_array((np.ones(len(pairs[0])), pairs), shape=shape).tocsr()
    return LastItemScorer(sparse.csr_array(ahead + config.back * ahead.T))


def restore(arrays: dict, num_items: int, config: ToyConfig) -> LastItemScorer:
    return restore_last_item(arrays, num_items)


BASELINE = Baseline(
    name="toy",
    title="Toy",
    scorer=__name__,
    options=ToyConfig,
    help="Count of items on the other side of the last one.",
    grid={"back": (0.5, 0.0)},
    is_partner=True,
)
