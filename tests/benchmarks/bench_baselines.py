"""Time each baseline, ranking included.

python tests/benchmarks/bench_baselines.py DATASET [DATASET …]

DATASET is a folder that `sbr preprocess` wrote. Each baseline has its default options, is fitted to
the train split and ranks every next item of the test split among all items.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sbrcli.baseline_config import BASELINES, BaselineConfig
from sbrcli.dataset.storage import load_items, load_split
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.baselines.fitting import fit_baseline

ROUNDS = 2


def main(datasets: list[Path]) -> None:
    for dataset in datasets:
        training, sessions = load_split(dataset, "train"), load_split(dataset, "test")
        num_items = load_items(dataset).num_train_items
        sys.stdout.write(
            f"{dataset.name}: {sessions.num_next_items} next items, {num_items} items\n"
        )
        for name in BASELINES:
            began = time.perf_counter()
            scorer = fit_baseline(name, training, num_items, BaselineConfig())
            fitted = time.perf_counter() - began
            speeds = []
            for _ in range(ROUNDS):
                began = time.perf_counter()
                ranked = len(rank_targets(scorer, sessions).ranks)
                speeds.append(ranked / (time.perf_counter() - began))
            sys.stdout.write(
                f"{name}\tfitted in {fitted:.1f} s\t{scorer.memory_bytes / 1e6:.1f} MB\t"
                f"{max(speeds):,.0f} events/s\n"
            )


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
