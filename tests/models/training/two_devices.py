"""Trains a small network alone and on two devices of one process: python -m … FOLDER.

It is a process of its own, as TensorFlow divides the processor in two devices only before it is
used. It prints one JSON document.
"""

import itertools
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from sbrcli.models.configuration import configure_training
from sbrcli.models.registry import find_family
from sbrcli.models.training import fit
from sbrcli.models.training.backend import start_tensorflow
from sbrcli.models.training.events import StepsDone
from sbrcli.models.training.loop import TrainingLoop
from sbrcli.models.training.loop_settings import LoopSettings
from sbrcli.models.training.team import Team
from tests.builders import make_sessions

ITEMS = 30
OPTIONS = {
    **{"batch_size": 6, "bptt": 4, "hsz": (8,), "epochs": 2, "threads": 1, "precision": "float32"},
    **{"dropout": 0.0, "embedding_dropout": 0.0, "n_sample": 8, "repeats": "learned"},
}


def train(folder: Path, team: Team | None, interrupt_after: int = -1, **options: Any) -> Any:
    """Train in a folder, from its checkpoint if there is one; return losses and weights."""
    folder.mkdir(exist_ok=True)
    family, config = find_family("gru4rec"), configure_training(OPTIONS | options, None)
    shape = family.shape_of(config, ITEMS)

    def make_network() -> Any:
        return family.make_network(shape, config, family.initial_weights(shape, config.seed))

    networks = [make_network()] if team is None else team.copies(make_network)
    rng = np.random.default_rng(1)
    sessions = make_sessions(*[rng.integers(0, ITEMS, n).tolist() for n in rng.integers(2, 9, 40)])
    calls = itertools.count(1)
    number = 0

    def count(event: Any) -> None:
        nonlocal number
        number = next(calls) if isinstance(event, StepsDone) else number

    settings = LoopSettings(
        folder=folder,
        config=config,
        network=networks[0],
        sessions=sessions,
        train_count=np.bincount(sessions.item_indices, minlength=ITEMS),
        validate=None,
        on_event=count,
        team=team,
        copies=networks,
    )
    loop = TrainingLoop(settings)
    with suppress(KeyboardInterrupt):
        loop.train(lambda: number == interrupt_after)
    devices = [loop.step] if team is None else loop.step.steps  # pyright: ignore
    weights = [
        {name: variable.numpy().tolist() for name, variable in one.variables.items()}
        for one in devices
    ]
    return {"losses": [row["loss"] for row in loop.state.history], "weights": weights}


def main(folder: Path) -> None:
    """Train in each way."""
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        processor, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    start_tensorflow(1, "cpu")
    fit.PAIRS_PER_CALL = 48
    team = Team(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    found = {
        "alone": train(folder / "alone", None),
        "team": train(folder / "team", team),
    }
    train(folder / "stopped", team, interrupt_after=2)
    found["team resumed"] = train(folder / "stopped", team)
    train(folder / "handed on", team, interrupt_after=2)
    found["alone resumed"] = train(folder / "handed on", None)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
