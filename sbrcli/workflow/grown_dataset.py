"""The dataset of an update: what its parent had learned from, and the sessions of a newer log."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from sbrcli.arrays import IntArray
from sbrcli.artefacts.checksums import FILES, checksums_below
from sbrcli.artefacts.dataset import Dataset, Source, SourceFile
from sbrcli.artefacts.items import ITEMS_FILE
from sbrcli.artefacts.items import load_items as load_run_items
from sbrcli.artefacts.manifests import MANIFEST, new_manifest, write_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.continuation import Learned
from sbrcli.dataset.fingerprint import Mix, identify, mix
from sbrcli.dataset.growth import Grown
from sbrcli.dataset.storage import (
    Items,
    id_column,
    load_items,
    write_items,
    write_split_in_blocks,
)
from sbrcli.dataset.unions import find_training_ids, load_training_sessions
from sbrcli.errors import ArtefactError
from sbrcli.log.columns.times import format_time
from sbrcli.sessions import Sessions

if TYPE_CHECKING:
    import pyarrow as pa


def load_learned(run: Run, dataset: Dataset) -> Learned:
    """Read the sessions and items that a run has learned from; many are mapped from disk.

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
    return Learned(sessions, find_training_ids(dataset.path, run, sessions), items)


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
    with workspace.locked("dataset", name):
        found = workspace.find("dataset", name)
        if found is not None:
            train = _Tally(grown)
            for sessions, _ in grown.blocks():
                train.add(sessions)
            if found.fingerprint == train.fingerprint():
                return found
            raise ArtefactError(
                f"dataset {name} already exists, with other events",
                hint="--name gives the update another name",
            )
        with workspace.staged("dataset", name) as folder:
            train = _Tally(grown)
            write_split_in_blocks(folder, "train", train.watch(grown.blocks()), grown.item_ids)
            write_items(folder, _make_items(base, grown, train.counts, titles))
            document = _describe(base, grown, log, train) | {FILES: checksums_below(folder)}
            write_json(folder / MANIFEST, new_manifest("dataset") | document)
    return workspace.open("dataset", name)


class _Tally:
    """The figures of a grown train split, added up block by block.

    Attributes:
        mix: of its events.
        counts: (items,) int64 the number of events of each item.
        times: of the first event and of the last.
    """

    def __init__(self, grown: Grown) -> None:
        self._item_ids = grown.item_ids
        self.mix = Mix(0, 0, "i", (0, 0))
        self.counts = np.zeros(len(grown.item_ids), np.int64)
        self.times: list[int | float] = []

    def add(self, sessions: Sessions) -> None:
        """Add the next block."""
        self.mix += mix(sessions, self.mix.events, self.mix.sessions)
        self.counts += sessions.count_items(len(self.counts))
        times = sessions.timestamps
        found = [*self.times, times.min().item(), times.max().item()]
        self.times = [min(found), max(found)]

    def watch(
        self, blocks: "Iterable[tuple[Sessions, pa.Array]]"
    ) -> "Iterator[tuple[Sessions, pa.Array]]":
        """Yield blocks of sessions, adding each, with the session ids of its events."""
        for sessions, session_ids in blocks:
            self.add(sessions)
            yield sessions, _event_ids(sessions, session_ids)

    def fingerprint(self) -> str:
        """Return the fingerprint of the dataset."""
        return identify(self._item_ids, {"train": self.mix})


def _make_items(base: Dataset, grown: Grown, counts: IntArray, titles: Mapping[str, str]) -> Items:
    earlier = load_items(base.path)
    known = dict(zip(earlier.ids, earlier.titles, strict=True)) if earlier.titles else {}
    known |= titles
    named = [known.get(item_id) for item_id in grown.item_ids] if known else None
    return Items(grown.item_ids, counts, named)


def _event_ids(sessions: Sessions, session_ids: "pa.Array") -> "pa.Array":
    """Return the session id of each event, for the file."""
    import pyarrow as pa

    codes = np.repeat(np.arange(sessions.num_sessions), np.diff(sessions.offsets))
    if pa.types.is_integer(session_ids.type):
        return session_ids.take(pa.array(codes))
    return id_column(codes, session_ids)


def _describe(base: Dataset, grown: Grown, log: SourceFile, train: _Tally) -> dict[str, object]:
    """Return the manifest's entries on the content."""
    first_time, last_time = train.times
    split = {
        "events": train.mix.events,
        "sessions": train.mix.sessions,
        "items": len(grown.item_ids),
        "first_time": format_time(first_time),
        "last_time": format_time(last_time),
    }
    source = Source(log.name, log.sha256, log.parts, rows=train.mix.events)
    return {
        "source": source.to_document(),
        "config": base.config,
        "splits": {"train": split, "valid": None, "test": None},
        "timeline": {},
        "train_full": None,
        "dropped": {reason: asdict(counts) for reason, counts in grown.additions.dropped.items()},
        "grown_from": {"dataset": base.name, "fingerprint": base.fingerprint},
        "fingerprint": train.fingerprint(),
    }
