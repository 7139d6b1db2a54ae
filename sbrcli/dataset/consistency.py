"""Whether what a dataset's file holds is what its manifest says of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sbrcli.artefacts.manifests import MANIFEST, read_manifest

if TYPE_CHECKING:
    from sbrcli.dataset.storage import Items, Split
    from sbrcli.sessions import Sessions

_COUNTED = ("events", "sessions", "items")


def find_mismatch(folder: Path, split: "Split", sessions: "Sessions") -> str | None:
    """Return what of a split cannot be, by the dataset's manifest; None where all can.

    Another dataset's file holds other counts, and one whose sessions do not lie side by side falls
    into more of them.

    Args:
        folder: the dataset's; one without a manifest says nothing.
        split: which one.
        sessions: it, as read.

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
        if sessions.targets is None:  # train lies beside it, and not within
            train = _counts(splits.get("train"))
            described = {n: described[n] - train[n] for n in described.keys() & train.keys()}
    for what, count in found.items():
        if described.get(what, count) != count:
            return f"it holds {count:,} {what}, and the manifest says {described[what]:,}"
    least = int(sessions.item_indices.max()) + 1
    known = _counts(manifest.get("train_full") if split == "valid_full" else splits.get("train"))
    # Of test, the items that valid alone has are not among these.
    most = known.get("items", least)
    if split != "test" and least > most:
        return f"it holds the item index {least - 1:,}, and its items end at {most - 1:,}"
    return None


def is_described(folder: Path, split: str) -> bool:
    """Return whether a dataset's manifest says that it has a split.

    Raises:
        ArtefactError: the manifest is damaged.
    """
    if not (folder / MANIFEST).exists():
        return False
    return read_manifest(folder, "dataset").get("splits", {}).get(split) is not None


def find_items_mismatch(folder: Path, items: "Items") -> str | None:
    """Return what of the items cannot be, by the dataset's manifest; as `find_mismatch`.

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
    """Return the counts of a split that a manifest states."""
    if not isinstance(described, dict):
        return {}
    return {n: described[n] for n in _COUNTED if isinstance(described.get(n), int)}
