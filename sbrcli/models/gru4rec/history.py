"""What each epoch came to: the rows of a run's history.csv, and which of them is best."""

import csv
import io
from pathlib import Path
from typing import Any

from sbrcli.manifests import write_atomically

WATCHED = ("recall@20", "mrr@20", "ndcg@20")
"""The figures of each epoch on the valid split; None without one."""

COLUMNS = ("epoch", "loss", "seconds", "events_per_second", *WATCHED)


def best_epoch(history: list[dict[str, Any]], monitor: str) -> int:
    """Name the epoch of the best figure, the first of several; the last without validation."""
    if history[-1][monitor] is None:
        return len(history)
    return max(history, key=lambda row: (row[monitor], -row["epoch"]))["epoch"]


def write_history(folder: Path, history: list[dict[str, Any]]) -> None:
    """Replace a run's history.csv by these rows."""
    text = io.StringIO()
    writer: csv.DictWriter[str] = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_atomically(folder / "history.csv", text.getvalue().encode())
