"""Time `sbr recommend --all` against evaluation, one session at a time, and `implicit`.

python tests/benchmarks/bench_recommend_all.py [NUM_ITEMS] [NUM_SESSIONS]

Random weights of 100 units and random sessions of 10 events: speed does not depend on them. All
figures are sessions per second, the best of some rounds in one run, and include the choice of the
20 best. Evaluation ranks one target per session, behind all of its events, so that it walks and
scores what `--all` does. `implicit` (`pip install implicit`) recommends from factors of the same
size, which are given to it ready: it walks no session, and writes no file. It is left out where it
is not installed.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parents[2]))

import sbrcli
from sbrcli.config.recommendation import RecommendConfig
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.sessions import Sessions
from sbrcli.workflow.latest_sessions import OwnedSessions
from sbrcli.workflow.recommend_all import recommend_all
from tests.builders import make_run

NUM_ITEMS, NUM_SESSIONS = 3416, 20_000
EVENTS, UNITS, K = 10, 100, 20
ALONE = 200
ROUNDS = 3


def main(num_items: int, num_sessions: int) -> None:
    rng = np.random.default_rng(0)
    items = rng.integers(0, num_items, (num_sessions, EVENTS)).astype(np.int32)
    with tempfile.TemporaryDirectory() as folder:
        ids = [str(index) for index in range(num_items)]
        shape = GruShape(num_items, (UNITS,), "shared")
        recommender = sbrcli.load(make_run(Path(folder), ids=ids, shape=shape))
        owned = OwnedSessions("user", [str(n) for n in range(num_sessions)], laid_out(items))
        runs: dict[str, Callable[[], int]] = {
            "evaluate, one target per session": lambda: evaluate(recommender, items)
        }
        for suffix in ("parquet", "csv", "jsonl"):
            out = Path(folder) / f"recs.{suffix}"
            runs[f"recommend --all, {suffix}"] = lambda out=out: (
                recommend_all(recommender, owned, out, RecommendConfig(k=K)).sessions
            )
        runs["one session at a time"] = lambda: alone(recommender, items[:ALONE])
        if (batch := implicit_batch(items, num_items)) is not None:
            runs["implicit, batch of users"] = batch
        show(
            best_speeds(runs), f"{num_sessions:,} sessions of {EVENTS} events, {num_items:,} items"
        )


def laid_out(items: np.ndarray) -> Sessions:
    offsets = np.arange(0, items.size + 1, items.shape[1])
    return Sessions(items.ravel(), offsets, np.zeros(items.size, np.int64))


def evaluate(recommender: sbrcli.Recommender, items: np.ndarray) -> int:
    """Rank one target behind each session."""
    longer = np.concatenate((items, items[:, :1]), axis=1)
    sessions = laid_out(longer)
    is_target = np.zeros(longer.shape, np.bool_)
    is_target[:, -1] = True
    asked = Sessions(
        sessions.item_indices, sessions.offsets, sessions.timestamps, is_target.ravel()
    )
    return len(rank_targets(recommender.scorer, asked).ranks)


def alone(recommender: sbrcli.Recommender, items: np.ndarray) -> int:
    for session in items:
        recommender.recommend(session, k=K)
    return len(items)


def implicit_batch(items: np.ndarray, num_items: int) -> Callable[[], int] | None:
    """Return what recommends for all users from factors of the same size."""
    try:
        from implicit.cpu.als import AlternatingLeastSquares
    except ImportError:
        return None
    rng = np.random.default_rng(0)
    model = AlternatingLeastSquares(factors=UNITS)
    model.user_factors = rng.normal(size=(len(items), UNITS)).astype(np.float32)
    model.item_factors = rng.normal(size=(num_items, UNITS)).astype(np.float32)
    rows = np.repeat(np.arange(len(items)), items.shape[1])
    ones = np.ones(items.size, np.float32)
    seen = sparse.csr_matrix((ones, (rows, items.ravel())), shape=(len(items), num_items))
    users = np.arange(len(items))
    return lambda: len(model.recommend(users, seen, N=K)[0])


def best_speeds(runs: dict[str, Callable[[], int]]) -> dict[str, float]:
    """Run all a few times, in turn so that a busy moment meets all; return the best speeds."""
    speeds = dict.fromkeys(runs, 0.0)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = time.perf_counter()
            sessions = run()
            speeds[name] = max(speeds[name], sessions / (time.perf_counter() - began))
    return speeds


def show(speeds: dict[str, float], title: str) -> None:
    sys.stdout.write(f"{title}\n")
    first = next(iter(speeds.values()))
    for name, speed in speeds.items():
        sys.stdout.write(f"{name}\t{speed:,.0f} sessions/s\t{speed / first:.2f} x\n")
    sys.stdout.write("wanted: recommend --all at least 0.50 x\n")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + [NUM_ITEMS, NUM_SESSIONS][len(given) :]))
