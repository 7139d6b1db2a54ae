"""Read logs that do not fit into memory into parts, and plan their dataset."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from sbrcli.arrays import IntArray
from sbrcli.dataset.disk_part import DiskPart
from sbrcli.dataset.given_split import plan_given_split
from sbrcli.dataset.hashed_pieces import compare_in_parts
from sbrcli.dataset.pieces import unite_items
from sbrcli.dataset.plan import Plan, plan_dataset
from sbrcli.dataset.sorting import sort_into_parts
from sbrcli.dataset.spec import DatasetSpec
from sbrcli.dataset.storage import Split
from sbrcli.engines.engine import Engine
from sbrcli.engines.memory import Room
from sbrcli.log.events import SESSION_ID
from sbrcli.log.log import Log
from sbrcli.reporter import Reporter
from sbrcli.workflow.prepare_in_parts import Watched, measured
from sbrcli.workflow.read_into_pieces import OnePartError, PiecedLog, read_into_pieces
from sbrcli.workflow.stages import Stages

_SPLITS: Mapping[str, Split] = {"log": "train", "valid_log": "valid", "test_log": "test"}
"""What each log of a given split is, in the order in which items are numbered."""

_USUAL_PASSES = 8
"""How often the parts are gone through before everything about a dataset is decided, about."""


def plan_in_parts(
    engine: Engine,
    logs: Mapping[str, Sequence[Path]],
    spec: DatasetSpec,
    folder: Path,
    room: Room,
    num_parts: int | None,
    stages: Stages,
    reporter: Reporter,
) -> tuple[Plan, list[Log]]:
    """Read logs, bring them into parts and decide everything about their dataset.

    Args:
        engine: works on the parts.
        logs: the files of each log, in order, by its role: log, test_log, valid_log.
        spec: of the dataset.
        folder: scratch, for as long as the plan is used.
        room: the memory to use.
        num_parts: how many parts of each log are wanted; None for as many as the memory needs.
        stages: the progress; the stage "write" is left to the caller.
        reporter: receives warnings.

    Returns:
        The plan, and what the logs are like, with their first events alone.

    Raises:
        OnePartError: the logs can be prepared in one part only.
        DataError: a file cannot be read, the logs name different columns, or a split is empty.
    """
    num_hashed = num_parts or room.num_parts
    with stages.stage("read", room.num_rows) as advance:
        read = read_into_pieces(logs, spec, folder, room, num_hashed, advance)
    rooms = {role: measured(room, one.pieces) for role, one in read.items()}
    wanted = {role: num_parts or own.num_parts for role, own in rooms.items()}
    item_ids = unite_items([one.pieces for one in read.values()])
    found = _sort(engine, read, spec, item_ids, wanted, stages)
    for text in (*found.warn_of_doubts(read), *found.warn_of_large_parts(rooms, spec)):
        reporter.warn(text)
    num_events = {role: one.pieces.num_events for role, one in read.items()}
    num_steps = _USUAL_PASSES * sum(map(len, found.parts.values()))
    with stages.stage("filter", num_steps, is_open=True) as advance:
        plan = _plan(Watched(engine, advance), found, spec, item_ids, num_events)
    return plan, [one.log for one in read.values()]


@dataclass(frozen=True, slots=True)
class _Found:
    """Logs in parts.

    Args:
        parts: of each log by role, in the order of the splits; numbered through.
        largest: the number of events of the largest part of each log.
        dropped: the number of events that were dropped, by reason.
        overlaps: warnings about what the logs have in common.
    """

    parts: Mapping[str, Sequence[DiskPart]]
    largest: Mapping[str, int]
    dropped: Counter[str]
    overlaps: Sequence[str]

    def warn_of_doubts(self, read: Mapping[str, PiecedLog]) -> Iterator[str]:
        """Yield what may be wrong with the logs, and what they have in common."""
        for one in read.values():
            yield from one.doubts
        yield from self.overlaps

    def warn_of_large_parts(self, rooms: Mapping[str, Room], spec: DatasetSpec) -> Iterator[str]:
        """Yield a warning for each log with a part that is larger than planned."""
        for role, largest in self.largest.items():
            if largest <= 2 * rooms[role].rows_per_part:
                continue
            of_which = f"the {role.replace('_', ' ')}: " if len(rooms) > 1 else ""
            whose = "a session's and a user's" if spec.config.across_users else "a user's"
            capped = "" if spec.config.session == "column" else "; --max-user-events caps users"
            yield (
                f"{of_which}one part has {largest:,} events, as {whose} events stay together: it "
                f"needs more than --memory{capped}"
            )


def _sort(
    engine: Engine,
    read: Mapping[str, PiecedLog],
    spec: DatasetSpec,
    item_ids: IntArray | pa.Array,
    wanted: Mapping[str, int],
    stages: Stages,
) -> _Found:
    """Bring logs into parts; compare them if there are several.

    Args:
        engine: works on the parts.
        read: the logs by role.
        spec: of the dataset.
        item_ids: the ids of the items of all logs.
        wanted: how many parts of each log are wanted.
        stages: the progress.

    Raises:
        OnePartError: session ids are shared by several users.
        DataError: events were lost.
    """
    config = spec.config
    hashes = {role: one.hashes for role, one in read.items() if one.hashes is not None}
    num_steps = sum(len(one.pieces.written) for one in read.values())
    num_steps += (2 if config.across_users else 1) * sum(wanted.values())
    num_steps += max((one.num_parts for one in hashes.values()), default=0)
    overlaps: list[str] = []
    parts: dict[str, list[DiskPart]] = {}
    largest, dropped, number = {}, Counter[str](), 0
    with stages.stage("sort", num_steps) as advance:
        if hashes:
            watched, is_named = Watched(engine, advance), config.session == "column"
            with_sessions = [role for role, one in read.items() if SESSION_ID in one.log.events]
            overlaps += compare_in_parts(watched, hashes, is_named).describe(with_sessions)
        for role in (role for role in _SPLITS if role in read):
            own = (read[role].pieces, config, wanted[role], item_ids)
            found = sort_into_parts(engine, *own, advance)
            if found.has_shared:
                raise OnePartError("session ids are shared by several users")
            parts[role] = [replace(part, number=number + part.number) for part in found.parts]
            number += len(found.parts)
            largest[role] = found.largest
            dropped += found.dropped
    return _Found(parts, largest, dropped, overlaps)


def _plan(
    engine: Engine,
    found: _Found,
    spec: DatasetSpec,
    item_ids: IntArray | pa.Array,
    num_events: Mapping[str, int],
) -> Plan:
    """Decide everything about a dataset of logs in parts; see `plan_dataset`."""
    if not isinstance(item_ids, np.ndarray):
        item_ids = item_ids.to_numpy(zero_copy_only=False)
    shared = (item_ids, spec.config)
    if len(num_events) == 1:
        own = (num_events["log"], found.dropped)
        return plan_dataset(engine, found.parts["log"], *shared, *own)
    parts: dict[Split, Sequence[DiskPart]] = {
        _SPLITS[role]: own for role, own in found.parts.items()
    }
    counts: dict[Split, int] = {_SPLITS[role]: count for role, count in num_events.items()}
    return plan_given_split(engine, parts, *shared, counts, found.dropped)
