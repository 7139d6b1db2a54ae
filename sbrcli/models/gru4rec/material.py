"""What a phase of training walks: its sessions, and the items that they hold."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbrcli.dataset.joined import load_train_full
from sbrcli.dataset.storage import ITEMS_FILE as DATASET_ITEMS_FILE
from sbrcli.dataset.storage import IntArray, Sessions, load_items, load_split
from sbrcli.errors import ArtefactError
from sbrcli.models.gru4rec.assignment import Assignment, Phase, damaged_dataset
from sbrcli.models.gru4rec.weights import NetworkShape
from sbrcli.models.items import ITEMS_FILE, save_items


@dataclass(frozen=True, slots=True)
class Material:
    """The sessions of a phase, and the network that fits them."""

    sessions: Sessions
    shape: NetworkShape
    train_count: IntArray
    """(num_items,) events of each item in the sessions."""


def load_material(assignment: Assignment, phase: Phase) -> Material:
    """Read what a phase trains on: train, or in a refit train and all that valid had.

    Raises:
        ArtefactError: the dataset is damaged.
    """
    folder, shape = assignment.dataset.path, assignment.shape_in(phase)
    sessions = load_train_full(folder) if phase == "refit" else load_split(folder, "train")
    if sessions.items.max() >= shape.num_items:
        raise damaged_dataset(assignment.dataset)
    train_count = np.bincount(sessions.items, minlength=shape.num_items)
    if phase == "fit":
        _require_items_of_train(folder, train_count)
    return Material(sessions, shape, train_count)


def _require_items_of_train(dataset: Path, train_count: IntArray) -> None:
    """Check that the items are those that train was written with, and not another dataset's."""
    counted = load_items(dataset).train_count[: len(train_count)]
    if not np.array_equal(counted, train_count):
        raise ArtefactError(
            f"{dataset / DATASET_ITEMS_FILE} is damaged: train holds other counts of its items",
            hint="make the dataset again: sbr preprocess LOG --overwrite",
        )


def save_known_items(run: Path, assignment: Assignment, train_count: IntArray) -> None:
    """Write a run's own copy of its items: the dataset's first, as many as have a count."""
    items, known = load_items(assignment.dataset.path), len(train_count)
    titles = items.titles[:known] if items.titles is not None else None
    save_items(run / ITEMS_FILE, items.ids[:known], train_count, titles)
