"""The sessions and items that a phase of training uses."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sbrcli.arrays import BoolArray, IntArray
from sbrcli.artefacts.items import ITEMS_FILE, save_items
from sbrcli.artefacts.run import Phase, Update
from sbrcli.config.update import MAX_CONTEXT
from sbrcli.dataset.mapped_columns import collect_sessions, join_sessions
from sbrcli.dataset.storage import ITEMS_FILE as DATASET_ITEMS_FILE
from sbrcli.dataset.storage import Items, load_items, load_split
from sbrcli.dataset.tables import damaged_file
from sbrcli.dataset.unions import load_train_full
from sbrcli.errors import ConfigError
from sbrcli.log.columns.times import format_time
from sbrcli.models.network import NetworkShape
from sbrcli.sessions import Sessions, draw_sessions
from sbrcli.workflow.training_job import TrainingJob


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The sessions of a phase, and the shape of its network."""

    sessions: Sessions
    shape: NetworkShape
    train_count: IntArray
    """(num_items,) the number of events of each item in the sessions."""

    items: Items
    """The dataset's; the first ones are the network's."""


def load_valid(job: TrainingJob) -> Sessions | None:
    """Read the valid split, if the dataset has one.

    Raises:
        ArtefactError: the dataset is damaged.
    """
    dataset = job.dataset
    return None if dataset.splits["valid"] is None else load_split(dataset.path, "valid")


def load_training_data(job: TrainingJob, phase: Phase) -> TrainingData:
    """Read the training data of a phase: train; in a refit, train and the complete valid split.

    Raises:
        ArtefactError: the dataset is damaged.
    """
    folder, shape = job.dataset.path, job.shape_in(phase)
    sessions = load_train_full(folder) if phase == "refit" else load_split(folder, "train")
    if sessions.item_indices.max() >= shape.num_items:
        raise job.dataset.damaged("train has more items than it states")
    train_count = sessions.count_items(shape.num_items)
    items = load_items(folder)
    if phase == "fit" and not np.array_equal(items.train_count[: shape.num_items], train_count):
        raise damaged_file(folder / DATASET_ITEMS_FILE, "train holds other counts of its items")
    if job.update is None and job.config.is_part:
        sessions = newest_part(sessions, job)
        train_count = sessions.count_items(shape.num_items)
    elif job.update is not None:
        sessions = mix_with_replay(folder, sessions, job.update, job.config.seed)
        train_count = sessions.count_items(shape.num_items)
    return TrainingData(sessions, shape, train_count, items)


def newest_part(sessions: Sessions, job: TrainingJob) -> Sessions:
    """Return the sessions with targets from the configuration's moment on, and their context.

    Raises:
        ConfigError: there are none, or the dataset has no times.
    """
    if not job.dataset.has_times:
        raise ConfigError(
            f"dataset {job.dataset.name} has no times, which --since and --last-days go by",
            hint="leave them out: all events are trained on",
        )
    times = sessions.timestamps
    part = _since(job.dataset.path, sessions, job.config.begin(times.max().item()))
    if not part.num_targets:
        raise ConfigError(
            f"nothing of dataset {job.dataset.name} is as new as that: what is trained on ends at "
            f"{format_time(times.max().item())}",
            hint="give an earlier --since, or more --last-days",
        )
    return part


def mix_with_replay(folder: Path, sessions: Sessions, update: Update, seed: int) -> Sessions:
    """Return what an update trains on: the sessions with new targets, and some of the others.

    Args:
        folder: the dataset's, on whose disk they lie if they are many.
        sessions: all sessions, old and new.
        update: since when targets are new, and how many old ones are replayed for each.
        seed: which of the other sessions are replayed.
    """
    new = new_sessions(folder, sessions, update)
    wanted = round(update.replay * new.num_targets)
    is_new = np.concatenate([_are_new(block, update) for block in sessions.blocks()])
    counts = sessions.count_targets()
    counts[is_new] = 0
    if not wanted or not counts.any():
        return new
    replayed = draw_sessions(counts, wanted, seed)
    replayed = ~is_new if replayed is None else replayed
    old = collect_sessions(folder, _chosen(sessions, replayed), len(sessions.item_indices))
    return join_sessions(folder, new, old)


def new_sessions(folder: Path, sessions: Sessions, update: Update) -> Sessions:
    """Return the sessions with new targets, with the last events before these as context."""
    return _since(folder, sessions, np.nextafter(update.since, np.inf))


def _since(folder: Path, sessions: Sessions, moment: float) -> Sessions:
    """Return the sessions with targets from a moment on, and their context, in little memory."""
    blocks = (block.since(moment, MAX_CONTEXT) for block in sessions.blocks())
    return collect_sessions(folder, blocks, len(sessions.item_indices))


def _are_new(sessions: Sessions, update: Update) -> BoolArray:
    """Return which sessions have an event that an update learns from: (sessions,)."""
    is_new = sessions.timestamps.astype(np.float64) > update.since
    before = np.concatenate(([0], np.cumsum(is_new)))
    return np.diff(before[sessions.offsets]) > 0


def _chosen(sessions: Sessions, chosen: BoolArray) -> Iterator[Sessions]:
    """Yield the sessions for which `chosen`, (sessions,), is true, block by block."""
    begin = 0
    for block in sessions.blocks():
        end = begin + block.num_sessions
        yield block.only(chosen[begin:end])
        begin = end


def save_known_items(run: Path, items: Items, train_count: IntArray) -> None:
    """Write the run's items: the first items of the dataset, one for each count."""
    known = len(train_count)
    titles = items.titles[:known] if items.titles is not None else None
    save_items(run / ITEMS_FILE, items.ids[:known], train_count, titles)
