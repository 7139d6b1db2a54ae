"""What a refit trains on: train, and all that valid had."""

from dataclasses import replace
from pathlib import Path

from sbrcli.dataset.storage import Sessions, load_split


def load_train_full(dataset: Path) -> Sessions:
    """Read from a dataset's folder what `join_train_full` gives.

    Raises:
        ArtefactError: a split is missing or damaged.
    """
    return join_train_full(load_split(dataset, "train"), load_split(dataset, "valid_full"))


def join_train_full(train: Sessions, valid_full: Sessions) -> Sessions:
    """Join train and valid so that no event is there twice.

    Args:
        train: the split.
        valid_full: valid before items that train lacks left it. Where it has targets, its sessions
            are those of train with an event more, or as they are.
    """
    if valid_full.targets is not None:
        return replace(valid_full, targets=None)
    return train.followed_by(valid_full)
