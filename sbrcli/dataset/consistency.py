"""Check that the files of a dataset match its manifest."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbrcli.artefacts.manifests import MANIFEST, read_manifest

if TYPE_CHECKING:
    from sbrcli.dataset.storage import Items, Split
    from sbrcli.sessions import Sessions

_COUNTED = ("events", "sessions", "items")


def find_mismatch(folder: Path, split: "Split", sessions: "Sessions") -> str | None:
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
    if not (folder / MANIFEST).exists():
        return None
    manifest = read_manifest(folder, "dataset")
    splits = manifest.get("splits", {})
    found = {"events": len(sessions.item_indices), "sessions": sessions.num_sessions}
    described = _counts(splits.get(split))
    if split == "valid_full":
        described = _counts(manifest.get("train_full"))
        if sessions.targets is None:  # train is beside it, not part of it
            train = _counts(splits.get("train"))
            described = {n: described[n] - train[n] for n in described.keys() & train.keys()}
    for what, count in found.items():
        if described.get(what, count) != count:
            return f"it holds {count:,} {what}, and the manifest says {described[what]:,}"
    least = int(sessions.item_indices.max()) + 1
    known = _counts(manifest.get("train_full") if split == "valid_full" else splits.get("train"))
    # Test may hold items that occur only in valid; cut by time, valid and test hold new items.
    most = known.get("items", least)
    if split not in _holding_later_items(manifest) and least > most:
        return f"it holds the item index {least - 1:,}, and its items end at {most - 1:,}"
    return None


def _holding_later_items(manifest: dict[str, Any]) -> tuple[str, ...]:
    """Return the splits whose items go beyond those of train."""
    is_by_time = manifest.get("config", {}).get("split") == "time"
    return ("valid", "test") if is_by_time else ("test",)


def is_described(folder: Path, split: str) -> bool:
    """Return whether a dataset has a split, according to its manifest.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    if not (folder / MANIFEST).exists():
        return False
    return read_manifest(folder, "dataset").get("splits", {}).get(split) is not None


def find_items_mismatch(folder: Path, items: "Items") -> str | None:
    """Return how the items contradict the dataset's manifest; see `find_mismatch`.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    if not (folder / MANIFEST).exists():
        return None
    described = _counts(read_manifest(folder, "dataset").get("splits", {}).get("train"))
    if described.get("items", items.num_train_items) == items.num_train_items:
        return None
    return (
        f"{items.num_train_items:,} of its items are train's, and the manifest says "
        f"{described['items']:,}"
    )


def _counts(described: Any) -> dict[str, int]:
    """Return the counts of a split in a manifest."""
    if not isinstance(described, dict):
        return {}
    return {n: described[n] for n in _COUNTED if isinstance(described.get(n), int)}
