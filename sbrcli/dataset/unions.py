"""Join splits so that no event occurs twice."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sbrcli.arrays import BoolArray
from sbrcli.artefacts.run import Run
from sbrcli.dataset.mapped_columns import join_sessions
from sbrcli.dataset.session_ids import SessionIds
from sbrcli.dataset.split_reading import has_targets
from sbrcli.dataset.storage import Split, load_split, split_path
from sbrcli.sessions import Sessions

if TYPE_CHECKING:
    import pyarrow as pa


def load_train_full(dataset: Path) -> Sessions:
    """Read what a refit trains on: train, and valid including the items that train lacks.

    Raises:
        ArtefactError: a split is missing or damaged, or the disk has no room for their columns.
    """
    train, valid_full = load_split(dataset, "train"), load_split(dataset, "valid_full")
    if valid_full.targets is not None:  # the sessions of train with or without one more event
        return replace(valid_full, targets=None)
    return join_sessions(dataset, train, valid_full)


def load_training_sessions(dataset: Path, run: Run) -> Sessions:
    """Read the sessions that a run has learned from: train, and valid_full after a refit.

    Raises:
        ArtefactError: a split is missing or damaged.
    """
    return load_train_full(dataset) if run.is_refitted else load_split(dataset, "train")


def find_training_ids(dataset: Path, run: Run, sessions: Sessions) -> SessionIds:
    """Return the ids, as in the log, of the sessions that `load_training_sessions` has returned."""
    splits = ["train"]
    if run.is_refitted:
        is_whole = has_targets(split_path(dataset, "valid_full"))
        splits = ["valid_full"] if is_whole else ["train", "valid_full"]
    return SessionIds([split_path(dataset, split) for split in splits], sessions)


def load_all_sessions(dataset: Path) -> Sessions:
    """Read the sessions of train, valid and test; of a session in several splits, the longest.

    Raises:
        ArtefactError: a split is missing or damaged.
    """
    splits: list[Split] = ["test", "valid", "train"]
    return _load_longest(dataset, splits, with_ids=False)[0]


def load_sessions_by_id(dataset: Path) -> tuple[Sessions, list[str]]:
    """Read the sessions of all splits, as `load_all_sessions`, and their ids as in the log.

    Those of valid include the items that train lacks.

    Raises:
        ArtefactError: a split is missing or damaged.
    """
    has_test, has_valid = (split_path(dataset, one).exists() for one in ("test", "valid_full"))
    are_apart = not has_test or load_split(dataset, "test").targets is None
    splits: list[Split] = ["test", "valid_full" if are_apart and has_valid else "valid", "train"]
    sessions, ids = _load_longest(dataset, splits, with_ids=True)
    return sessions, [str(one) for part in ids for one in part.to_pylist()]


def _load_longest(
    dataset: Path, splits: list[Split], *, with_ids: bool
) -> "tuple[Sessions, list[pa.ChunkedArray]]":
    """Read the sessions of splits, given from the last to the first, and join them.

    Returns:
        The sessions, those of the first split first, and their ids split by split if needed.
    """
    import pyarrow as pa

    there: list[Split] = [
        split for split in splits if split == "train" or split_path(dataset, split).exists()
    ]
    last, earlier = there[0], there[1:]
    joined = load_split(dataset, last)
    are_apart = joined.targets is None
    needs_ids = with_ids or not are_apart
    ids = [_session_ids(dataset, last, joined)] if needs_ids else []
    for split in earlier:
        sessions = load_split(dataset, split)
        if needs_ids:
            own = _session_ids(dataset, split, sessions)
            if not are_apart:
                is_new = ~_is_in(own, ids)
                sessions, own = sessions.only(is_new), own.filter(pa.array(is_new))
            ids.insert(0, own)
        joined = sessions.followed_by(joined)
    return replace(joined, targets=None), ids


def _session_ids(dataset: Path, split: Split, sessions: Sessions) -> "pa.ChunkedArray":
    """Return the session ids of a split as in the log: (sessions,)."""
    import pyarrow as pa

    return pa.chunked_array(list(SessionIds([split_path(dataset, split)], sessions)))


def _is_in(ids: "pa.ChunkedArray", others: "list[pa.ChunkedArray]") -> BoolArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    among = pa.chunked_array([chunk for other in others for chunk in other.chunks])
    found = pc.is_in(ids, among)  # pyright: ignore
    return np.from_dlpack(found.cast(pa.uint8()).combine_chunks()).astype(np.bool_)
