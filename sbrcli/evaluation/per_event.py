"""The table of `sbr evaluate --per-event`: one row for each target."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.disk import can_hold_file, replacing
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.dataset.storage import split_path
from sbrcli.dataset.tables import read_table
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.evaluation.ranks import MISS
from sbrcli.evaluation.scoring import SplitRanks, coverage_of, session_of
from sbrcli.log.events import ITEM_ID, SESSION_ID
from sbrcli.sessions import Sessions

if TYPE_CHECKING:
    import pyarrow as pa


def check_place(path: Path) -> None:
    """Check that a file can be written: its folder exists, and it is not a device.

    Raises:
        ConfigError: the folder is missing, or the path is a device or a folder.
    """
    if not can_hold_file(path):
        raise ConfigError(f"per-event must be a file in an existing folder. Received: {path}")


def write_per_event(
    path: Path,
    dataset: Path,
    sessions: Sessions,
    config: EvaluateConfig,
    models: Sequence[SplitRanks],
) -> None:
    """Write a Parquet file of model, session, position, target, rank, score.

    The rows of a model are in the order of the split. Ids are those of the log; `position` is the
    target's position in its session, from 2. `rank` is empty if the target cannot be recommended:
    it is unknown or, with `exclude_seen`, an earlier item of the session. `score` is empty if the
    target is unknown.

    Args:
        path: the file, replaced in one step.
        dataset: the folder that holds the split.
        sessions: the split, as read.
        config: the split's name, and which of its targets count.
        models: the ranks of each model.

    Raises:
        ArtefactError: the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    covered, _ = coverage_of(sessions, config)
    positions = np.flatnonzero(covered)
    session = session_of(sessions, positions)
    written = split_path(dataset, config.split)
    ids = read_table(written, [SESSION_ID, ITEM_ID]).take(positions)
    shared = {
        "session": _plain(ids[SESSION_ID]),
        "position": pa.array(positions - sessions.offsets[session] + 1),
        "target": _plain(ids[ITEM_ID]),
    }
    tables = [_rows(model, positions, shared) for model in models]
    try:
        with replacing(path) as temporary:
            pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")
    except OSError as error:
        # PyArrow's errors have an errno, but messages of their own.
        why = os.strerror(error.errno) if error.errno else str(error)
        raise ArtefactError(f"cannot write {path}: {why}", hint="name another file") from error


def _rows(
    model: SplitRanks, positions: npt.NDArray[np.integer], shared: "dict[str, pa.Array]"
) -> "pa.Table":
    import pyarrow as pa

    known = np.searchsorted(positions, model.ranks.positions)
    ranks, scores = np.full(len(positions), MISS), np.full(len(positions), np.nan)
    ranks[known], scores[known] = model.ranks.ranks, model.ranks.scores
    is_unknown = np.ones(len(positions), np.bool_)
    is_unknown[known] = False
    return pa.table(
        {
            "model": pa.array([model.model] * len(positions)).dictionary_encode(),
            **shared,
            "rank": pa.array(ranks, mask=ranks == MISS),
            "score": pa.array(scores, mask=is_unknown),
        }
    )


def _plain(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return an id column without its dictionary, which differs from chunk to chunk."""
    import pyarrow as pa

    is_encoded = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_encoded else column
