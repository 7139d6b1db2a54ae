"""Time each baseline, ranking and top lists included, and against its scores written out.

python tests/benchmarks/bench_baselines.py [DATASET …]

DATASET is a folder that `sbr preprocess` wrote; without any, random sessions of 43,000 items, a
tenth of Diginetica's. Each baseline has its default options, is fitted to the train split and
ranks every next item of the test split among all items. The last column says how many times as
fast it is as with all of its scores written out, one row a next item, and ranked as a network's.
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from sbrcli.dataset.storage import load_items, load_split
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.evaluation.top_lists import TopLists
from sbrcli.models.baselines.options import default_options
from sbrcli.models.baselines.registry import BASELINES, fit_baseline
from sbrcli.models.scorer import Scorer
from sbrcli.sessions import Sessions

NUM_ITEMS = 43_000
ROUNDS = 2


class WrittenOut:
    """A scorer of which nobody can tell that its rows are sparse."""

    def __init__(self, scorer: Scorer) -> None:
        self.num_items = scorer.num_items
        self.score_sessions = scorer.score_sessions
        self.score_next = scorer.score_next


def main(datasets: list[Path]) -> None:
    for dataset in datasets:
        num_items = load_items(dataset).num_train_items
        measure(dataset.name, load_split(dataset, "train"), load_split(dataset, "test"), num_items)
    if not datasets:
        measure("random", random_sessions(18_000, 0), random_sessions(1_600, 1), NUM_ITEMS)


def measure(name: str, training: Sessions, sessions: Sessions, num_items: int) -> None:
    """Print a line for each baseline."""
    sys.stdout.write(f"{name}: {sessions.num_targets} next items, {num_items} items\n")
    for baseline in BASELINES:
        began = time.perf_counter()
        scorer = fit_baseline(baseline, training, num_items, default_options())
        fitted = time.perf_counter() - began
        ranked, listed, written_out = 0.0, 0.0, 0.0
        for _ in range(ROUNDS):
            ranked = max(ranked, events_per_second(scorer, sessions, with_lists=False))
            listed = max(listed, events_per_second(scorer, sessions, with_lists=True))
            dense = events_per_second(WrittenOut(scorer), sessions, with_lists=True)
            written_out = max(written_out, dense)
        sys.stdout.write(
            f"{baseline}\tfitted in {fitted:.1f} s\t{scorer.memory_bytes / 1e6:.1f} MB\t"
            f"{ranked:,.0f} events/s\twith top lists {listed:,.0f} events/s\t"
            f"{listed / written_out:.1f} x\n"
        )


def events_per_second(scorer: Scorer, sessions: Sessions, *, with_lists: bool) -> float:
    """Rank every next item, once."""
    lists = TopLists(scorer.num_items, 20)
    began = time.perf_counter()
    ranks = rank_targets(scorer, sessions, on_block=lists.add_block if with_lists else None)
    return len(ranks.ranks) / (time.perf_counter() - began)


def random_sessions(number: int, seed: int) -> Sessions:
    """Sessions of 5 events on average, each of items that stand near one another."""
    rng = np.random.default_rng(seed)
    lengths = 2 + rng.geometric(0.25, number) - 1
    begins = np.repeat(rng.integers(0, NUM_ITEMS, number), lengths)
    items = (begins + rng.integers(0, 20, lengths.sum())) % NUM_ITEMS
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return Sessions(items.astype(np.int32), offsets, np.arange(len(items)))


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
