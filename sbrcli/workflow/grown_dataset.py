"""The dataset of an update: what its parent had learned from, and the sessions of a newer log."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from sbrcli.artefacts.checksums import FILES, checksums_below
from sbrcli.artefacts.dataset import Dataset, Source, SourceFile
from sbrcli.artefacts.items import ITEMS_FILE
from sbrcli.artefacts.items import load_items as load_run_items
from sbrcli.artefacts.manifests import MANIFEST, new_manifest, write_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.fingerprint import fingerprint
from sbrcli.dataset.growth import Grown, Learned
from sbrcli.dataset.storage import Items, id_column, load_items, write_items, write_split
from sbrcli.dataset.unions import load_training_ids, load_training_sessions
from sbrcli.errors import ArtefactError
from sbrcli.log.columns.times import format_time

if TYPE_CHECKING:
    import pyarrow as pa


def load_learned(run: Run, dataset: Dataset) -> Learned:
    """Read the sessions and items that a run has learned from.

    Raises:
        ArtefactError: something is missing or damaged, or does not belong together.
    """
    items = load_run_items(run.path / ITEMS_FILE).ids
    if load_items(dataset.path).ids[: len(items)] != items:
        raise ArtefactError(
            f"dataset {dataset.name} has other items than run {run.name} was trained on",
            hint="train the run again with --overwrite",
        )
    sessions = load_training_sessions(dataset.path, run)
    return Learned(sessions, load_training_ids(dataset.path, run), items)


def write_grown(
    workspace: Workspace,
    name: str,
    base: Dataset,
    grown: Grown,
    log: SourceFile,
    titles: Mapping[str, str],
) -> Dataset:
    """Write the dataset of an update, unless it has already been written.

    It has only a train split, with everything; evaluate the updated run on a later log.

    Args:
        workspace: the work directory to write to.
        name: its name.
        base: the dataset that it grew from.
        grown: its sessions and items.
        log: the newer log.
        titles: of new items, by id.

    Raises:
        ArtefactError: something else has the name, or the folder cannot be written.
    """
    items = _make_items(base, grown, titles)
    digest = fingerprint(items, {"train": grown.sessions})
    with workspace.locked("dataset", name):
        found = workspace.find("dataset", name)
        if found is not None:
            if found.fingerprint == digest:
                return found
            raise ArtefactError(
                f"dataset {name} already exists, with other events",
                hint="--name gives the update another name",
            )
        with workspace.staged("dataset", name) as folder:
            write_items(folder, items)
            write_split(folder, "train", grown.sessions, _event_ids(grown), items.ids)
            document = _describe(base, grown, log) | {
                "fingerprint": digest,
                FILES: checksums_below(folder),
            }
            write_json(folder / MANIFEST, new_manifest("dataset") | document)
    return workspace.open("dataset", name)


def _make_items(base: Dataset, grown: Grown, titles: Mapping[str, str]) -> Items:
    counts = np.bincount(grown.sessions.item_indices, minlength=len(grown.item_ids))
    earlier = load_items(base.path)
    known = dict(zip(earlier.ids, earlier.titles, strict=True)) if earlier.titles else {}
    known |= titles
    named = [known.get(item_id) for item_id in grown.item_ids] if known else None
    return Items(grown.item_ids, counts.astype(np.int64), named)


def _event_ids(grown: Grown) -> "pa.Array":
    """Return the session id of each event, for the file."""
    import pyarrow as pa

    lengths = np.diff(grown.sessions.offsets)
    if all(isinstance(one, int) for one in grown.session_ids):
        return pa.array(np.repeat(np.array(grown.session_ids, np.int64), lengths))
    codes = np.repeat(np.arange(len(lengths)), lengths)
    return id_column(codes, pa.array(grown.session_ids, pa.string()))


def _describe(base: Dataset, grown: Grown, log: SourceFile) -> dict[str, object]:
    """Return the manifest's entries, except those that identify the content."""
    times = grown.sessions.timestamps
    train = {
        "events": len(times),
        "sessions": grown.sessions.num_sessions,
        "items": len(grown.item_ids),
        "first_time": format_time(times.min().item()),
        "last_time": format_time(times.max().item()),
    }
    source = Source(log.name, log.sha256, log.parts, rows=len(times))
    return {
        "source": source.to_document(),
        "config": base.config,
        "splits": {"train": train, "valid": None, "test": None},
        "timeline": {},
        "train_full": None,
        "dropped": {reason: asdict(counts) for reason, counts in grown.dropped.items()},
        "grown_from": {"dataset": base.name, "fingerprint": base.fingerprint},
    }
