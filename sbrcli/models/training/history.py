"""The rows of a run's history.csv, one for each epoch, and which of them is best.

A row by another version of sbr may lack columns, or have unknown ones. Neither is damage; unknown
columns are written as they were read.
"""

import csv
import io
from pathlib import Path
from typing import Any

from sbrcli.artefacts.manifests import EPOCH_FIGURES, write_atomically
from sbrcli.artefacts.run_state import HISTORY_FILE

COLUMNS = ("epoch", *EPOCH_FIGURES)


def best_epoch(history: list[dict[str, Any]], monitor: str) -> int:
    """Return the first epoch with the best metric; without validation, the last epoch."""
    judged = [row for row in history if row.get(monitor) is not None]
    if not judged:
        return len(history)
    return max(judged, key=lambda row: (row[monitor], -row["epoch"]))["epoch"]


def write_history(folder: Path, history: list[dict[str, Any]]) -> None:
    """Replace a run's history.csv by these rows."""
    text = io.StringIO()
    columns = dict.fromkeys((*COLUMNS, *(name for row in history for name in row)))
    writer: csv.DictWriter[str] = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    write_atomically(folder / HISTORY_FILE, text.getvalue().encode())


def read_history(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a run's history.csv; none if it is missing or incomplete."""
    try:
        with (folder / HISTORY_FILE).open(encoding="utf-8", newline="") as file:
            rows = [
                {name: _number(text) for name, text in row.items()} for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, TypeError, AttributeError):
        return []
    return rows if [row.get("epoch") for row in rows] == list(range(1, len(rows) + 1)) else []


def _number(text: str) -> float | int | None:
    if not text:
        return None
    return int(text) if text.isdecimal() else float(text)
