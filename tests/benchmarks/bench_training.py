"""Time training against a loop like the source notebook's; time its start-up.

python tests/benchmarks/bench_training.py [DATASET]

DATASET is a folder that `sbr preprocess` wrote; without it, random sessions of the size of
MovieLens 1M's user train split. The notebook's kind of loop is its model in Keras: one-hot inputs
of 64 sessions, a stateful GRU of 50 units, a softmax over all items, Adam; one step at a time, the
states of lanes that begin a session set to zero by hand. Both walk the same sessions, by turns;
the figures are medians.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from sbrcli.dataset.storage import load_split
from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.training.backend import start_tensorflow
from sbrcli.models.training.lanes import Lanes, arrange_lanes, order_by_start
from sbrcli.sessions import Sessions
from tests.builders import TrainConfig

NUM_ITEMS, NUM_SESSIONS, MEAN_LENGTH = 3416, 5858, 157
LOOP_LANES, LOOP_UNITS, LOOP_STEPS = 64, 50, 100
EVENTS_PER_SLICE = 2**14
ROUNDS = 9

Slice = Callable[[], int]
"""Trains on some events more, and gives how many."""


def main(dataset: str | None) -> None:
    start_tensorflow()
    sessions, num_items = read_sessions(dataset)
    sys.stdout.write(f"{len(sessions.item_indices)} events, {sessions.num_sessions} sessions, ")
    sys.stdout.write(f"{num_items} items\n")
    slices = {
        "notebook's kind of loop, 50 units": notebook_slice(sessions, num_items),
        "sbr, 50 units": sbr_slice(sessions, num_items, TrainConfig(hsz=(50,))),
        "sbr, 100 units": sbr_slice(sessions, num_items, TrainConfig()),
    }
    speeds = median_speeds(slices)
    loop = next(iter(speeds.values()))
    for name, speed in speeds.items():
        sys.stdout.write(f"{name}\t{speed:,.0f} events/s\t{speed / loop:.1f} x\n")
    sys.stdout.write("wanted: 50 units at least 7 x, 100 units at least 4.5 x\n")
    sys.stdout.flush()
    command = [sys.executable, __file__, "--start-up", str(time.time()), dataset or ""]
    subprocess.run(command, check=True)


def print_start_up(began: float, dataset: str | None) -> None:
    """Print how long this process, begun at `began`, takes to the end of its first step."""
    start_tensorflow()
    loaded = time.time()
    sessions, num_items = read_sessions(dataset)
    config = TrainConfig()
    step = make_step(num_items, config)
    lanes = sbr_lanes(sessions, config)
    built = time.time()
    step.compile()
    compiled = time.time()
    walk(step, lanes, slice(0, config.bptt), step.zero_states())
    stepped = time.time()
    stages = {
        "imports": loaded - began,
        "sessions and weights": built - loaded,
        "compiling (wanted: under 5 s)": compiled - built,
        "first step": stepped - compiled,
        "start-up, all in all (wanted: under 8 s)": stepped - began,
    }
    for name, seconds in stages.items():
        sys.stdout.write(f"{name}\t{seconds:.2f} s\n")


def read_sessions(dataset: str | None) -> tuple[Sessions, int]:
    sessions = random_sessions() if dataset is None else load_split(Path(dataset), "train")
    return sessions, max(int(sessions.item_indices.max()) + 1, 2)


def random_sessions() -> Sessions:
    """As many events, sessions and items as in MovieLens 1M's train split, lengths as uneven."""
    rng = np.random.default_rng(0)
    lengths = rng.lognormal(0, 1, NUM_SESSIONS)
    lengths = np.maximum(2, lengths * MEAN_LENGTH / lengths.mean()).astype(np.int64)
    popularity = 1 / (np.arange(NUM_ITEMS) + 50)
    items = rng.choice(NUM_ITEMS, lengths.sum(), p=popularity / popularity.sum())
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return Sessions(items.astype(np.int32), offsets, np.arange(len(items)))


def median_speeds(slices: dict[str, Slice]) -> dict[str, float]:
    """Run the slices by turns; give each one's events per second."""
    for run in slices.values():
        run()  # compiles the graph
    speeds: dict[str, list[float]] = {name: [] for name in slices}
    for _ in range(ROUNDS):  # alternating, so that a busy moment meets all
        for name, run in slices.items():
            began = time.perf_counter()
            events = run()
            speeds[name].append(events / (time.perf_counter() - began))
    return {name: statistics.median(taken) for name, taken in speeds.items()}


def sbr_slice(sessions: Sessions, num_items: int, config: TrainConfig) -> Slice:
    step, lanes = make_step(num_items, config), sbr_lanes(sessions, config)
    windows = windows_of(lanes, EVENTS_PER_SLICE // config.batch_size)
    states = step.zero_states()

    def run() -> int:
        nonlocal states
        window = next(windows)
        loss, states = walk(step, lanes, window, states)
        float(loss)
        return int(lanes.is_pair[window].sum())

    return run


def make_step(num_items: int, config: TrainConfig) -> Any:
    from sbrcli.models.training.negatives import NegativeSampler
    from sbrcli.models.training.step import TrainingStep

    shape = GruShape(num_items, config.units, config.embedding)
    network = FAMILY.make_network(shape, config, initialise_weights(shape, config.seed))
    n_sample = config.negatives(num_items)
    evenly = np.ones(num_items, np.int64)
    sampler = NegativeSampler(evenly, n_sample, config.sample_alpha) if n_sample else None
    return TrainingStep(network, config, sampler, total_chunks=1)


def sbr_lanes(sessions: Sessions, config: TrainConfig) -> Lanes:
    order = order_by_start(sessions)
    return arrange_lanes(sessions, config.batch_size, order).padded(config.bptt)


def walk(step: Any, lanes: Lanes, window: slice, states: Any) -> Any:
    parts = (lanes.inputs, lanes.targets, lanes.starts, lanes.is_pair)
    return step.walk(*(part[window] for part in parts), states)


def windows_of(lanes: Lanes, steps: int) -> Iterator[slice]:
    """Give so many steps after so many, over and over; what is left at the end is passed over."""
    steps = min(steps, len(lanes.inputs))
    while True:
        for first in range(0, len(lanes.inputs) - steps + 1, steps):
            yield slice(first, first + steps)


def notebook_slice(sessions: Sessions, num_items: int) -> Slice:
    import keras

    model = notebook_model(num_items)
    state = model.get_layer("gru").states[0]
    lanes = arrange_lanes(sessions, LOOP_LANES, order_by_start(sessions))
    windows = windows_of(lanes, LOOP_STEPS)

    def run() -> int:
        window = next(windows)
        for step in range(window.start, window.stop):
            hidden = state.numpy()
            hidden[lanes.starts[step]] = 0
            state.assign(hidden)
            entering = keras.utils.to_categorical(lanes.inputs[step], num_items)
            model.train_on_batch(
                entering[:, None, :], keras.utils.to_categorical(lanes.targets[step], num_items)
            )
        return int(lanes.is_pair[window].sum())

    return run


def notebook_model(num_items: int) -> Any:
    import keras

    inputs = keras.Input(batch_shape=(LOOP_LANES, 1, num_items))
    hidden = keras.layers.GRU(LOOP_UNITS, stateful=True, name="gru")(inputs)
    hidden = keras.layers.Dropout(0.1)(hidden)
    scores = keras.layers.Dense(num_items, activation="softmax")(hidden)
    model = keras.Model(inputs, scores)
    model.compile(optimizer=keras.optimizers.Adam(0.001), loss="categorical_crossentropy")
    return model


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--start-up"]:
        print_start_up(float(arguments[1]), arguments[2] or None)
    else:
        main(arguments[0] if arguments else None)
