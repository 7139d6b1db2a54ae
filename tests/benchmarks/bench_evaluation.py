"""Time evaluation, ranking included, against a loop like the source notebook's.

python tests/benchmarks/bench_evaluation.py [DATASET]

DATASET is a folder that `sbr preprocess` wrote; without it, random sessions of the size of
MovieLens 1M's user test split. The weights are random: speed does not depend on them. The
notebook's kind of loop takes one step of 64 sessions at a time, writes its one-hot inputs out,
normalises the scores by a softmax, and sorts all of them for each row; it is given a few hundred
steps, and no framework's call overhead is added to it.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from sbrcli.dataset.storage import load_split
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.gru4rec.inference import GruScorer
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.network import Weights
from sbrcli.sessions import Sessions

NUM_ITEMS = 3416
LANES = 64
LOOP_STEPS = 200
ROUNDS = 5


def main(dataset: Path | None) -> None:
    sessions = random_sessions() if dataset is None else load_split(dataset, "test")
    num_items = max(NUM_ITEMS, int(sessions.item_indices.max()) + 1)
    sys.stdout.write(
        f"{sessions.num_targets} next items, {sessions.num_sessions} sessions, {num_items} items\n"
    )
    for units in (50, 100):
        weights = initialise_weights(GruShape(num_items, (units,), "none"), seed=0)
        loop = best_speed(lambda w=weights: notebook_loop(w, sessions), rounds=2)
        sys.stdout.write(f"{units} units\tnotebook's kind of loop\t{loop:,.0f} events/s\n")
        for embedding in ("none", "shared"):
            shape = GruShape(num_items, (units,), embedding)
            scorer = GruScorer(shape, initialise_weights(shape, seed=0))
            for exclude_seen in (False, True):
                speed = best_speed(
                    lambda s=scorer, e=exclude_seen: len(
                        rank_targets(s, sessions, exclude_seen=e).ranks
                    )
                )
                name = f"sbr, embedding {embedding}" + ", exclude seen" * exclude_seen
                sys.stdout.write(
                    f"{units} units\t{name}\t{speed:,.0f} events/s\t{speed / loop:,.0f} x\n"
                )


def random_sessions() -> Sessions:
    """103 sessions, 50,925 events, the longest some 1,700, as in MovieLens 1M's test split."""
    rng = np.random.default_rng(0)
    lengths = np.sort(rng.lognormal(5.8, 0.9, 103))
    lengths = np.maximum(2, lengths * 50_925 / lengths.sum()).astype(np.int64)
    items = rng.integers(0, NUM_ITEMS, lengths.sum()).astype(np.int32)
    offsets = np.concatenate(([0], np.cumsum(rng.permutation(lengths))))
    return Sessions(items, offsets, np.arange(len(items)))


def best_speed(run: Callable[[], int], rounds: int = ROUNDS) -> float:
    """Run a few times and give the most events per second."""
    speeds = []
    for _ in range(rounds):
        began = time.perf_counter()
        events = run()
        speeds.append(events / (time.perf_counter() - began))
    return max(speeds)


def notebook_loop(weights: Weights, sessions: Sessions) -> int:
    """Walk as many steps as the shortest of the first 64 sessions allow; give the events."""
    longest = np.argsort(-np.diff(sessions.offsets))[:LANES]
    starts, ends = sessions.offsets[longest], sessions.offsets[longest + 1]
    steps = min(LOOP_STEPS, int((ends - starts).min()) - 1)
    num_items = len(weights["output/table"])
    hidden = np.zeros((len(starts), weights["gru_0/recurrent_kernel"].shape[0]), np.float32)
    recalls = []
    for step in range(steps):
        one_hot = np.zeros((len(starts), num_items), np.float32)
        one_hot[np.arange(len(starts)), sessions.item_indices[starts + step]] = 1
        hidden = gru_step(weights, one_hot, hidden)
        scores = hidden @ weights["output/table"].T + weights["output/bias"]
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        for row, target in zip(likely, sessions.item_indices[starts + step + 1], strict=True):
            recalls.append(target in row.argsort()[::-1][:20])
    return len(recalls)


def gru_step(weights: Weights, inputs: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    bias = weights["gru_0/bias"]
    xz, xr, xc = np.split(inputs @ weights["gru_0/kernel"] + bias[0], 3, axis=1)
    hz, hr, hc = np.split(hidden @ weights["gru_0/recurrent_kernel"] + bias[1], 3, axis=1)
    update, reset = 1 / (1 + np.exp(-xz - hz)), 1 / (1 + np.exp(-xr - hr))
    return update * hidden + (1 - update) * np.tanh(xc + reset * hc)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
