"""Prepare a dataset from a log that does not fit into memory, in parts on scratch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sbrcli.artefacts.disk import free_bytes
from sbrcli.config.engine import EngineConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.pieces import Pieces
from sbrcli.dataset.plan import Plan, plan_dataset
from sbrcli.dataset.sorting import sort_into_parts
from sbrcli.dataset.spec import DatasetSpec
from sbrcli.engines.engine import Engine
from sbrcli.engines.memory import Room, free_memory, size_in_words
from sbrcli.errors import ArtefactError, DataError
from sbrcli.log.batches import WholeFileError, read_log_in_batches
from sbrcli.log.events import SESSION_ID, USER_ID
from sbrcli.log.log import Log
from sbrcli.log.log_size import estimate_events, has_typed_columns, measure_texts
from sbrcli.log.quality.misreadings import find_misreadings
from sbrcli.reporter import Reporter
from sbrcli.workflow.stages import Stages, divide_among

_Result = TypeVar("_Result")

_PARTS_PER_WORKER = 2
"""On a cluster; so that workers that are done early find another part."""
_UNLIMITED = 1 << 60
_LEAST_MEMORY = 10**9
"""What is used without --memory, however little is free."""
_TEXT_SHARES = {"read": 0.44, "sort": 0.15, "filter": 0.21, "write": 0.18}
_TYPED_SHARES = {"read": 0.20, "sort": 0.22, "filter": 0.31, "write": 0.26}
"""The shares of the stages in the CPU time; measured with 10 million events of CSV and Parquet."""
_USUAL_PASSES = 8
"""How often the parts are gone through before everything about a dataset is decided, about."""


class OnePartError(Exception):
    """A log must be prepared in one part; the reason is a phrase."""


def find_room(logs: Sequence[Path], config: EngineConfig, reading: ReadConfig) -> Room:
    """Return what preparing a log has and needs.

    Args:
        logs: the log's files, in order.
        config: how much of the machine to use.
        reading: how the log is read. Its first batch is, where the decision depends on its ids.

    Raises:
        DataError: a file cannot be read.
    """
    memory = config.memory
    if memory is None:
        free = free_memory()
        memory = _UNLIMITED if free is None else max(free // 2, _LEAST_MEMORY)
    least_parts = 1 if config.engine == "local" else _PARTS_PER_WORKER * config.processes
    room = Room(memory, config.processes, estimate_events(logs), least_parts=least_parts)
    if config.parts is None and room.depends_on_texts:
        return replace(room, text_bytes=measure_texts(logs, reading))
    return room


def measured(room: Room, pieces: Pieces) -> Room:
    """Return what a log needs that has been read into pieces."""
    num_events = max(1, pieces.num_events)
    return replace(room, num_rows=num_events, text_bytes=pieces.text_bytes / num_events)


def require_disk(room: Room, root: Path) -> str:
    """Return one line on what a log in parts needs.

    Raises:
        ArtefactError: the disk of the work directory has less.
    """
    free = free_bytes(root)
    needs = f"about {room.num_rows:,} events in parts need about {size_in_words(room.disk)} of disk"
    if free is not None and free < room.disk:
        raise ArtefactError(
            f"{needs}, and {root} has {size_in_words(free)}",
            hint="name another place with --workdir, or give more --memory",
        )
    return f"{needs} in {root}"


def stage_shares(logs: Sequence[Path], processes: int) -> dict[str, float]:
    """Return the shares of the stages of preparing in parts: read, sort, filter, write.

    Raises:
        DataError: a file cannot be read.
    """
    return divide_among(_TYPED_SHARES if has_typed_columns(logs) else _TEXT_SHARES, processes)


def plan_in_parts(
    engine: Engine,
    logs: Sequence[Path],
    spec: DatasetSpec,
    folder: Path,
    room: Room,
    num_parts: int | None,
    stages: Stages,
    reporter: Reporter,
) -> tuple[Plan, Log]:
    """Read a log, bring it into parts and decide everything about its dataset.

    Args:
        engine: works on the parts.
        logs: the log's files, in order.
        spec: of the dataset.
        folder: scratch, for as long as the plan is used.
        room: the memory to use.
        num_parts: how many parts are wanted; None for as many as the memory needs.
        stages: the progress; the stage "write" is left to the caller.
        reporter: receives warnings.

    Returns:
        The plan, and what the log is like, with its first events alone.

    Raises:
        OnePartError: the log can be prepared in one part only.
        DataError: a file cannot be read, or a split is empty.
    """
    rule = SessionRule.parse(str(spec.config.session))
    pieces = Pieces(folder, SESSION_ID if rule.kind == "column" else USER_ID)
    log, doubts = _read(logs, spec, pieces, room, stages)
    if pieces.has_unnamed:
        raise OnePartError("some events have no user")
    room = measured(room, pieces)
    num_parts = num_parts or room.num_parts
    passes = 2 if spec.config.across_users else 1
    with stages.stage("sort", len(pieces.written) + passes * num_parts) as advance:
        found = sort_into_parts(engine, pieces, spec.config, num_parts, advance)
    if found.has_shared:
        raise OnePartError("session ids are shared by several users")
    for text in doubts:
        reporter.warn(text)
    if found.largest > 2 * room.rows_per_part:
        capped = "" if rule.kind == "column" else "; --max-user-events caps users"
        whose = "a session's and a user's" if spec.config.across_users else "a user's"
        reporter.warn(
            f"one part has {found.largest:,} events, as {whose} events stay together: it needs "
            f"more than --memory{capped}"
        )
    passes = _USUAL_PASSES * len(found.parts)
    with stages.stage("filter", passes, is_open=True) as advance:
        plan = plan_dataset(
            Watched(engine, advance),
            found.parts,
            pieces.item_array,
            spec.config,
            pieces.num_events,
            found.dropped,
        )
    return plan, log


class Watched:
    """An engine that reports each part done; see `Engine`."""

    def __init__(self, engine: Engine, advance: Callable[[int], object]) -> None:
        self._engine = engine
        self._advance = advance

    def map(
        self, kernel: Callable[..., _Result], parts: Sequence[Any], *shared: Any
    ) -> Iterator[_Result]:
        """Yield the kernel's results."""
        for result in self._engine.map(kernel, parts, *shared):
            yield result
            self._advance(1)

    def merge(
        self,
        kernel: Callable[..., _Result],
        parts: Sequence[Any],
        *shared: Any,
        combine: Callable[[_Result, _Result], _Result],
    ) -> _Result:
        """Return the combined results."""
        results = self.map(kernel, parts, *shared)
        merged = next(results)
        for result in results:
            merged = combine(merged, result)
        return merged


def _read(
    logs: Sequence[Path], spec: DatasetSpec, pieces: Pieces, room: Room, stages: Stages
) -> tuple[Log, list[str]]:
    """Read a log into pieces; return what it is like, and possible misreadings of its begin."""
    found: list[str] = []
    first = 0
    with stages.stage("read", room.num_rows) as advance:

        def take(log: Log) -> None:
            nonlocal first
            if not pieces.written:
                _require_owner(log, pieces.owner)
                found.extend(find_misreadings(log.events, time_unit=log.format.time_unit))
                first = len(log.events)
            pieces.take(log)
            advance(len(log.events))

        try:
            log = read_log_in_batches(logs, spec.reading, take, pieces.folder, room.batch_bytes)
        except WholeFileError as error:
            raise OnePartError("its times or lines need the whole file") from error
    if not pieces.num_events:
        raise DataError(f"{logs[0]}: it holds no event", hint="a log has one event a line")
    if first < pieces.num_events:
        found = [f"in the first {first:,} events: {text}" for text in found]
    return log, [*log.format.doubts, *found]


def _require_owner(log: Log, owner: str) -> None:
    """Leave a log without users or sessions to the plan of one part, which names the remedy."""
    if owner not in log.events:
        raise OnePartError(f"it has no {owner.replace('_', ' ')}s")


def number_of_parts(room: Room, config: EngineConfig) -> int:
    """Return how many parts a log is prepared in; 1 is in memory.

    Raises:
        ConfigError: the memory does not suffice for one event.
    """
    if config.parts is not None:
        return config.parts
    return 1 if room.holds_all else max(2, room.num_parts)


def is_in_parts(logs: Sequence[Path], config: EngineConfig, reading: ReadConfig) -> bool:
    """Return whether logs are prepared in parts: if they are large, and always by a cluster.

    Raises:
        ConfigError: the memory does not suffice for one event.
        DataError: a file cannot be read.
    """
    if config.engine != "local":
        return True
    return number_of_parts(find_room(logs, config, reading), config) > 1


def find_need_of_all(has_given_split: bool) -> str | None:
    """Return why a log is prepared in one part whatever the memory; None if it need not be."""
    return "--test-log needs all events" if has_given_split else None
