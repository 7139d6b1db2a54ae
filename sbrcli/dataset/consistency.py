"""Check that the files of a dataset match its manifest."""

from pathlib import Path

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.sessions import Sessions


def find_mismatch(folder: Path, split: str, sessions: Sessions) -> str | None:
    """Return how a split contradicts the dataset's manifest; None if it does not.

    The file of another dataset has other counts, and a file whose sessions are not contiguous has
    more sessions.

    Args:
        folder: the dataset's folder; without a manifest there is nothing to contradict.
        split: the name of the split.
        sessions: the split as read.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    dataset = _read(folder)
    if dataset is None:
        return None
    stated = dataset.train_full if split == "valid_full" else dataset.splits.get(split)
    train = dataset.train
    if stated is not None:
        events, num_sessions = stated.events, stated.sessions
        if split == "valid_full" and sessions.targets is None:  # train is beside it
            events, num_sessions = events - train.events, num_sessions - train.sessions
        found = {
            "events": (len(sessions.item_indices), events),
            "sessions": (sessions.num_sessions, num_sessions),
        }
        for what, (count, expected) in found.items():
            if count != expected:
                return f"it holds {count:,} {what}, and the manifest says {expected:,}"
    least = int(sessions.item_indices.max()) + 1
    known = stated if split == "valid_full" else train
    # Test may hold items that occur only in valid; cut by time, valid and test hold new items.
    if split not in _holding_later_items(dataset) and known is not None and least > known.items:
        return f"it holds the item index {least - 1:,}, and its items end at {known.items - 1:,}"
    return None


def _holding_later_items(dataset: Dataset) -> tuple[str, ...]:
    """Return the splits whose items go beyond those of train."""
    is_by_time = dataset.config.get("split") == "time"
    return ("valid", "test") if is_by_time else ("test",)


def is_described(folder: Path, split: str) -> bool:
    """Return whether a dataset has a split, according to its manifest.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    dataset = _read(folder)
    return dataset is not None and dataset.splits.get(split) is not None


def find_items_mismatch(folder: Path, num_train_items: int) -> str | None:
    """Return how the items contradict the dataset's manifest; see `find_mismatch`.

    Args:
        folder: the dataset's folder.
        num_train_items: the number of items in train, as read.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    dataset = _read(folder)
    if dataset is None or dataset.train.items == num_train_items:
        return None
    return (
        f"{num_train_items:,} of its items are train's, and the manifest says "
        f"{dataset.train.items:,}"
    )


def _read(folder: Path) -> Dataset | None:
    """Read a dataset; None if it has no manifest, as while it is written."""
    return Dataset.read(folder) if (folder / MANIFEST).exists() else None
