"""The variants that `bench_search` trains beside the options of `sbr train`."""

from typing import Any

import numpy as np
import pytest

from sbrcli.models.configuration import configure_training
from sbrcli.models.registry import find_family
from sbrcli.models.training.fit import TrainingData
from sbrcli.sessions import Sessions
from tests.benchmarks.bench_search import make_network
from tests.benchmarks.search_training import VariedLoop
from tests.benchmarks.search_variants import Variant

ITEMS = 12


def losses(options: dict[str, Any], **variant: float) -> list[float]:
    """Return the loss of each epoch of a training on some random sessions."""
    random = np.random.default_rng(7)
    lengths = random.integers(2, 20, 30)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    items = random.integers(0, ITEMS, offsets[-1]).astype(np.int32)
    sessions = Sessions(items, offsets, np.arange(offsets[-1]))
    values = {"epochs": 2, "hsz": (6,), "batch_size": 4, "bptt": 8, "threads": 1, **options}
    config: Any = configure_training(values, None, short_sessions=False, model="gru4rec")
    varied = Variant(**variant)  # pyright: ignore
    network = make_network(find_family("gru4rec"), config, ITEMS, varied)
    data = TrainingData(sessions, lambda _: {"recall@20": 0.5, "mrr@20": 0.5}, 1)
    loop = VariedLoop(network, data, config, lambda _: None, varied)
    loop.train()
    return [row["loss"] for row in loop.state.history]


@pytest.mark.parametrize("options", [{}, {"n_sample": 5}], ids=["all items", "drawn"])
def test_events_of_equal_weight_are_trained_as_without_weights(options, steps_traced_again):
    plain = losses(options)
    assert losses(options, half_life=1e9) == pytest.approx(plain, rel=1e-4)
    assert losses(options, half_life=0.1) != pytest.approx(plain, rel=1e-2)
