"""Logs and sessions in one line."""

from pathlib import Path

import numpy as np
import pandas as pd

from sbrcli.dataset.storage import Sessions


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
