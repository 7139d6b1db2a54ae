"""Time drawn negatives by the number of items, and against the full softmax.

python tests/benchmarks/bench_negatives.py

Two tables, both with the default configuration: what an event costs with 2,048 drawn negatives as
the items grow; and drawn negatives against all items, whose crossing is what `FULL_UP_TO_ITEMS` in
`sbrcli/config/training.py` goes by. Items are random, their popularity as uneven as that of a log
of clicks.
What a training of a million items holds in memory, bench_memory.py prints.
"""

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from sbrcli.config.loss import AUTO_N_SAMPLE, FULL_UP_TO_ITEMS
from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.training.backend import start_tensorflow
from tests.builders import TrainConfig

GROWING = (4_000, 40_000, 400_000)
N_SAMPLE = 2048
"""The official GRU4Rec's, while the items grow."""

CROSSING = (3_500, 5_000, 10_000, 15_000, 20_000, 40_000)
EVENTS_PER_SLICE = 2**12
ROUNDS = 5


def main() -> None:
    start_tensorflow()
    print_growth()
    print_crossing(units=50)
    print_crossing(units=100)


def print_growth() -> None:
    """Print an event's cost for each of GROWING, as a ratio to the first."""
    slices = {n: make_slice(n, TrainConfig(n_sample=N_SAMPLE)) for n in GROWING}
    seconds = median_seconds(slices)
    sys.stdout.write(f"\n{N_SAMPLE} drawn negatives, 100 units\nitems\tan event\tratio\n")
    for num_items, taken in seconds.items():
        cost = 1e6 * taken / EVENTS_PER_SLICE
        ratio = taken / seconds[GROWING[0]]
        sys.stdout.write(f"{num_items:,}\t{cost:.1f} us\t{ratio:.2f} x\n")
    sys.stdout.write("wanted: at most 1.5 x\n")


def print_crossing(units: int) -> None:
    """Print what all items cost against drawn ones, for each of CROSSING."""
    sys.stdout.write(f"\nall items against {AUTO_N_SAMPLE} drawn, {units} units\n")
    sys.stdout.write("items\tall\tdrawn\tall / drawn\n")
    ratios = []
    for num_items in CROSSING:
        slices = {
            n_sample: make_slice(num_items, TrainConfig(hsz=(units,), n_sample=n_sample))
            for n_sample in (0, AUTO_N_SAMPLE)
        }
        seconds = median_seconds(slices)
        speeds = [f"{EVENTS_PER_SLICE / taken:,.0f} events/s" for taken in seconds.values()]
        ratios.append(seconds[0] / seconds[AUTO_N_SAMPLE])
        sys.stdout.write(f"{num_items:,}\t{speeds[0]}\t{speeds[1]}\t{ratios[-1]:.2f} x\n")
    crossing = np.interp(1.0, np.maximum.accumulate(ratios), CROSSING)
    sys.stdout.write(f"equal near {crossing:,.0f} items (configured: {FULL_UP_TO_ITEMS:,})\n")


def make_slice(num_items: int, config: TrainConfig) -> Callable[[], Any]:
    """Give a function that trains on EVENTS_PER_SLICE random pairs; its graph is compiled."""
    from sbrcli.models.training.negatives import NegativeSampler
    from sbrcli.models.training.step import TrainingStep

    shape = GruShape(num_items, config.units, config.embedding)
    network = FAMILY.make_network(shape, config, initialise_weights(shape, config.seed))
    train_count = item_counts(num_items)
    sampler = (
        NegativeSampler(train_count, config.n_sample, config.sample_alpha)
        if config.n_sample
        else None
    )
    step = TrainingStep(network, config, sampler, total_chunks=1)

    lanes = (EVENTS_PER_SLICE // config.batch_size, config.batch_size)
    inputs, targets = draw_items(train_count, (2, *lanes))
    starts = np.random.default_rng(0).random(lanes) < 1 / 20
    is_pair = np.ones(lanes, np.bool_)
    states = step.zero_states()
    return lambda: float(step.walk(inputs, targets, starts, is_pair, states)[0])


def median_seconds(slices: Mapping[int, Callable[[], Any]]) -> dict[int, float]:
    for run in slices.values():
        run()  # compiles the graph
    seconds: dict[int, list[float]] = {name: [] for name in slices}
    for _ in range(ROUNDS):  # alternating, so that a busy moment meets all
        for name, run in slices.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def item_counts(num_items: int) -> np.ndarray:
    """Count items by Zipf's law: the item of rank r occurs in proportion to 1 / (r + 50)."""
    counts = 20 * num_items / (np.arange(num_items) + 50)
    return np.random.default_rng(0).permutation(counts.astype(np.int64) + 1)


def draw_items(train_count: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    chance = train_count / train_count.sum()
    rng = np.random.default_rng(0)
    return rng.choice(len(train_count), size, p=chance).astype(np.int32)


if __name__ == "__main__":
    main()
