"""Print the most memory that a training of a million items comes to hold, stage by stage.

python tests/benchmarks/bench_memory.py

One process trains a few steps of the default configuration (negatives drawn, as `--n-sample auto`
decides), validates, writes weights and checkpoint, and goes on from that checkpoint in a second
process, which is the way of `--resume`. Items are random, by popularity as uneven as that of a log
of clicks.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from sbrcli.models.gru4rec.family import FAMILY
from sbrcli.models.gru4rec.weights import GruShape
from sbrcli.models.training.backend import start_tensorflow
from sbrcli.models.training.events import EpochStarted, ValidationStarted
from sbrcli.sessions import Sessions
from tests.benchmarks.bench_negatives import draw_items, item_counts
from tests.builders import TrainConfig

NUM_ITEMS = 1_000_000
TRAIN_EVENTS, VALID_EVENTS = 100_000, 2_000
SESSION_LENGTH = 20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for epochs in ("1", "2"):
            subprocess.run([sys.executable, __file__, folder, epochs], check=True)


def train(folder: Path, epochs: int) -> None:
    """Train up to the given epoch, from the folder's checkpoint if it has one."""
    sys.stdout.write(f"\nepoch {epochs}: peak memory, {NUM_ITEMS:,} items x 100 units\n")
    start_tensorflow()
    from sbrcli.evaluation.validation import validate
    from sbrcli.models.training.loop import TrainingLoop
    from sbrcli.models.training.loop_settings import LoopSettings

    print_peak("TensorFlow loaded")
    train_count = item_counts(NUM_ITEMS)
    valid = make_sessions(train_count, VALID_EVENTS)

    def print_stage(event: object) -> None:
        if isinstance(event, EpochStarted):
            print_peak("weights made or read, graph compiled")
        elif isinstance(event, ValidationStarted):
            print_peak("trained")

    def validate_and_print(scorer: Any) -> dict[str, float]:
        metrics = validate(scorer, valid)
        print_peak("validated")
        return metrics

    config, shape = TrainConfig(epochs=epochs), GruShape(NUM_ITEMS, (100,), "shared")
    plan = LoopSettings(
        folder=folder,
        config=config,
        network=FAMILY.make_network(shape, config, FAMILY.initial_weights(shape, config.seed)),
        sessions=make_sessions(train_count, TRAIN_EVENTS),
        train_count=train_count,
        validate=validate_and_print,
        on_event=print_stage,
    )
    TrainingLoop(plan).run()
    print_peak("weights and checkpoint written")
    sys.stdout.write("wanted: under 4 GiB\n")


def make_sessions(train_count: np.ndarray, num_events: int) -> Sessions:
    """Lay sessions of SESSION_LENGTH random items end to end."""
    items = draw_items(train_count, (num_events,))
    offsets = np.arange(0, num_events + 1, SESSION_LENGTH)
    return Sessions(items, offsets, np.arange(num_events))


def print_peak(stage: str) -> None:
    import resource

    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    peak = kilobytes / 2**20 if sys.platform != "darwin" else kilobytes / 2**30
    sys.stdout.write(f"{peak:.2f} GiB\t{stage}\n")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        train(Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
