"""Logs and sessions in one line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sbrcli.artefacts.items import save_items
from sbrcli.artefacts.manifests import new_manifest, write_json
from sbrcli.config.training import FitConfig, training_config
from sbrcli.models.gru4rec.options import Gru4RecConfig
from sbrcli.models.gru4rec.weights import GruShape, initialise_weights
from sbrcli.models.weights_file import save_weights
from sbrcli.sessions import Sessions

if TYPE_CHECKING:

    @dataclass(frozen=True, kw_only=True)
    class TrainConfig(FitConfig, Gru4RecConfig):
        """How `sbr train` trains a GRU4Rec."""

else:
    TrainConfig = training_config(Gru4RecConfig)


def make_sessions(*sessions: list[int]) -> Sessions:
    """Lay lists of item indices end to end: make_sessions([0, 1], [2, 0, 1])."""
    items = np.array([item for session in sessions for item in session], dtype=np.int32)
    offsets = np.cumsum([0, *map(len, sessions)])
    return Sessions(items, offsets, np.arange(len(items), dtype=np.int64))


def make_events(text: str) -> pd.DataFrame:
    """Make an event table of "user item time" triples: make_events("1 5 10, 1 6 20, 2 5 15")."""
    rows = [row.split() for row in text.split(",")]
    columns = {"user_id": 0, "item_id": 1, "timestamp": 2}
    return pd.DataFrame({name: [int(row[at]) for row in rows] for name, at in columns.items()})


def write_ratings(path: Path, text: str) -> Path:
    """Write "user item time" triples as MovieLens' `user::item::rating::time`."""
    rows = [row.split() for row in text.split(",")]
    path.write_text("".join(f"{user}::{item}::5::{time}\n" for user, item, time in rows))
    return path


def make_run(
    folder: Path,
    *,
    name: str = "user-1x4",
    ids: Sequence[str] = ("10", "20", "30", "40", "50", "60", "70", "80", "90"),
    titles: Sequence[str | None] | None = None,
    shape: GruShape | None = None,
    weights: Mapping[str, np.ndarray] | None = None,
    train_count: np.ndarray | None = None,
    dataset: Mapping[str, str] | None = None,
) -> Path:
    """Write a run as `sbr train` leaves it, with random weights unless given, into FOLDER/runs."""
    shape = shape or GruShape(len(ids), (4,), "shared")
    run = folder / "runs" / name
    run.mkdir(parents=True)
    save_weights(run / "weights.safetensors", weights or initialise_weights(shape, seed=1))
    counts = np.ones(len(ids), np.int64) if train_count is None else train_count
    save_items(run / "items.safetensors", ids, counts, titles)
    manifest = run_manifest(
        status="complete",
        dataset=dict(dataset or {"name": "user", "fingerprint": "0"}),
        network=shape.to_manifest(),
    )
    write_json(run / "manifest.json", manifest)
    return run


def run_manifest(**entries: object) -> dict[str, Any]:
    """Return a manifest with what every run has, and other entries."""
    needed = {
        "config": {},
        "dataset": {"name": "user", "fingerprint": "0"},
        "network": {"num_items": 9, "hsz": [4], "embedding": "shared"},
        "parameters": 1,
    }
    return new_manifest("run") | needed | entries


def dataset_manifest(**entries: object) -> dict[str, Any]:
    """Return a manifest with what every dataset has, and other entries."""
    counts = {"events": 4, "sessions": 2, "items": 2}
    needed = {
        "source": {"name": "clicks.csv", "sha256": "0", "rows": 4},
        "config": {"session": "user"},
        "splits": {"train": counts, "valid": None, "test": None},
        "dropped": {},
        "fingerprint": "0",
    }
    return new_manifest("dataset") | needed | entries
