"""What work on a log in parts has and needs: memory, disk, time and the number of parts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sbrcli.artefacts.disk import free_bytes
from sbrcli.config.engine import EngineConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.dataset.pieces import Pieces
from sbrcli.engines.engine import Engine
from sbrcli.engines.memory import Room, free_memory, size_in_words
from sbrcli.errors import ArtefactError
from sbrcli.log.log_size import estimate_events, has_typed_columns, measure_texts
from sbrcli.workflow.stages import divide_among

_Result = TypeVar("_Result")

_PARTS_PER_WORKER = 2
"""On a cluster; so that workers that are done early find another part."""
_UNLIMITED = 1 << 60
_LEAST_MEMORY = 10**9
"""What is used without --memory, however little is free."""
_TEXT_SHARES = {"read": 0.44, "sort": 0.15, "filter": 0.21, "write": 0.18}
_TYPED_SHARES = {"read": 0.20, "sort": 0.22, "filter": 0.31, "write": 0.26}
"""The shares of the stages in the CPU time; measured with 10 million events of CSV and Parquet."""


def find_room(
    logs: Sequence[Path],
    config: EngineConfig,
    reading: ReadConfig,
    others: Iterable[Sequence[Path]] = (),
) -> Room:
    """Return what preparing a log has and needs.

    Args:
        logs: the log's files, in order.
        config: how much of the machine to use.
        reading: how the log is read. Its first batch is, where the decision depends on its ids.
        others: the files of each further log of a given split, whose ids are taken to be alike.

    Raises:
        DataError: a file cannot be read.
    """
    memory = config.memory
    if memory is None:
        free = free_memory()
        memory = _UNLIMITED if free is None else max(free // 2, _LEAST_MEMORY)
    least_parts = 1 if config.engine == "local" else _PARTS_PER_WORKER * config.processes
    num_rows = sum(map(estimate_events, (logs, *others)))
    room = Room(memory, config.processes, num_rows, least_parts=least_parts)
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


def number_of_parts(room: Room, config: EngineConfig) -> int:
    """Return how many parts a log is prepared in; 1 is in memory.

    Raises:
        ConfigError: the memory does not suffice for one event.
    """
    if config.parts is not None:
        return config.parts
    return 1 if room.holds_all else max(2, room.num_parts)


def is_in_parts(
    logs: Sequence[Path],
    config: EngineConfig,
    reading: ReadConfig,
    others: Iterable[Sequence[Path]] = (),
) -> bool:
    """Return whether logs are prepared in parts: if they are large, and always by a cluster.

    For the arguments, see `find_room`.

    Raises:
        ConfigError: the memory does not suffice for one event.
        DataError: a file cannot be read.
    """
    if config.engine != "local":
        return True
    return number_of_parts(find_room(logs, config, reading, others), config) > 1
