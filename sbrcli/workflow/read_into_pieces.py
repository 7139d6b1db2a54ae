"""Read the logs of a dataset into pieces on scratch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.hashed_pieces import HashedPieces
from sbrcli.dataset.overlaps import require_same_owners
from sbrcli.dataset.pieces import Pieces
from sbrcli.dataset.spec import DatasetSpec
from sbrcli.engines.memory import Room
from sbrcli.errors import DataError
from sbrcli.log.batches import WholeFileError, read_log_in_batches
from sbrcli.log.events import SESSION_ID, USER_ID
from sbrcli.log.log import Log
from sbrcli.log.quality.misreadings import find_misreadings


class OnePartError(Exception):
    """A log must be prepared in one part; the reason is a phrase."""


@dataclass(frozen=True, slots=True)
class PiecedLog:
    """A log that was read into pieces.

    Args:
        log: what it is like, with its first events alone.
        pieces: its events.
        doubts: its possible misreadings.
        hashes: of its events, if it is compared with other logs.
    """

    log: Log
    pieces: Pieces
    doubts: Sequence[str]
    hashes: HashedPieces | None


def read_into_pieces(
    logs: Mapping[str, Sequence[Path]],
    spec: DatasetSpec,
    folder: Path,
    room: Room,
    num_parts: int,
    advance: Callable[[int], object],
) -> dict[str, PiecedLog]:
    """Read the logs of a dataset.

    Args:
        logs: the files of each log, in order, by its role: log, test_log, valid_log.
        spec: of the dataset.
        folder: scratch.
        room: the memory to use.
        num_parts: the number of parts for the hashes of several logs.
        advance: called with the number of events read.

    Raises:
        OnePartError: the logs can be prepared in one part only.
        DataError: a file cannot be read, or the logs name different columns.
    """
    rule = SessionRule.parse(str(spec.config.session))
    owner = SESSION_ID if rule.kind == "column" else USER_ID
    read: dict[str, PiecedLog] = {}
    for role, paths in logs.items():
        own = folder if len(logs) == 1 else folder / role
        own.mkdir(exist_ok=True)
        hashes = HashedPieces(own, num_parts) if len(logs) > 1 else None
        main = read["log"].log if read else None
        begun = _Begun(role, Pieces(own, owner), hashes, main)
        read[role] = begun.read(paths, spec, room, advance)
    return read


@dataclass(slots=True)
class _Begun:
    """A log that is being read.

    Args:
        role: of the log.
        pieces: take its events.
        hashes: take the hashes of its events, if it is compared with other logs.
        main: the log whose columns this one must have; None for that log itself.
        num_first: the number of events of the first batch.
        misreadings: what may be wrong with it.
    """

    role: str
    pieces: Pieces
    hashes: HashedPieces | None
    main: Log | None
    num_first: int = 0
    misreadings: list[str] = field(default_factory=list)

    def read(
        self,
        logs: Sequence[Path],
        spec: DatasetSpec,
        room: Room,
        advance: Callable[[int], object],
    ) -> PiecedLog:
        """Read the log from its files."""

        def take(log: Log) -> None:
            if not self.pieces.written:
                self._check_first(log)
            self.pieces.take(log)
            if self.hashes is not None:
                self.hashes.take(log)
            advance(len(log.events))

        folder = self.pieces.folder
        try:
            log = read_log_in_batches(logs, spec.reading, take, folder, room.batch_bytes)
        except WholeFileError as error:
            raise OnePartError("its times or lines need the whole file") from error
        if not self.pieces.num_events:
            raise DataError(f"{logs[0]}: it holds no event", hint="a log has one event a line")
        if self.pieces.has_unnamed or (self.hashes is not None and self.hashes.has_unnamed):
            raise OnePartError("some events have no user")
        return PiecedLog(log, self.pieces, list(self._doubts(log)), self.hashes)

    def _check_first(self, log: Log) -> None:
        """Check the columns of the first batch, and look for misreadings in it."""
        if self.main is not None:
            require_same_owners({"log": self.main.events, self.role: log.events})
        # Without users or sessions, the plan of one part names the remedy.
        owner = self.pieces.owner
        if owner not in log.events:
            raise OnePartError(f"it has no {owner.replace('_', ' ')}s")
        self.misreadings += find_misreadings(log.events, time_unit=log.format.time_unit)
        self.num_first = len(log.events)

    def _doubts(self, log: Log) -> Iterator[str]:
        """Yield what may be wrong with the log, which is named if there are several."""
        of_which = f"the {self.role.replace('_', ' ')}: " if self.hashes is not None else ""
        first = ""
        if self.num_first < self.pieces.num_events:
            first = f"in the first {self.num_first:,} events: "
        yield from (of_which + text for text in log.format.doubts)
        yield from (of_which + first + text for text in self.misreadings)
