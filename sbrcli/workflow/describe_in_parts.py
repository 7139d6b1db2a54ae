"""Describe a log that does not fit into memory, in parts of whole users on scratch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sbrcli.config.reading import ReadConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.layout import lay_out
from sbrcli.dataset.part_statistics import DescribedPart, add_parts, describe_part
from sbrcli.dataset.pieces import Pieces
from sbrcli.dataset.sessionize import default_rule
from sbrcli.dataset.sorting import divide_pieces
from sbrcli.engines.engine import Engine
from sbrcli.engines.memory import Room
from sbrcli.errors import DataError
from sbrcli.log.batches import WholeFileError, read_log_in_batches
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.figures import LogStatistics
from sbrcli.log.log import Log
from sbrcli.log.log_size import has_typed_columns
from sbrcli.log.quality.id_counts import IdCounts
from sbrcli.log.quality.odd_times import TimeFacts
from sbrcli.log.statistics import Reading, count_ratings, describe_figures, recent_from
from sbrcli.workflow.prepare_in_parts import Watched, measured
from sbrcli.workflow.read_into_pieces import OnePartError
from sbrcli.workflow.stages import Stages, divide_among

_TEXT_SHARES = {"read": 0.68, "count": 0.32}
_TYPED_SHARES = {"read": 0.42, "count": 0.58}
"""The shares of the stages in the CPU time; measured with 10 million events of CSV and Parquet."""


def stage_shares(logs: Sequence[Path], processes: int) -> dict[str, float]:
    """Return the shares of the stages of describing in parts: read, count.

    Raises:
        DataError: a file cannot be read.
    """
    return divide_among(_TYPED_SHARES if has_typed_columns(logs) else _TEXT_SHARES, processes)


class _Taken:
    """What is collected while a log is read into pieces."""

    def __init__(self, folder: Path, rule: SessionRule | None) -> None:
        self._folder = folder
        self._rule = rule
        self._pieces: Pieces | None = None
        self._times: TimeFacts | None = None
        self.ratings: Counter[float] | None = None

    def take(self, log: Log) -> None:
        """Write a batch, and note its times and ratings."""
        events = log.events
        if self._pieces is None:
            self._rule = self._rule or default_rule(events)
            self._pieces = _begin(self._folder, self._rule, log)
        self._pieces.take(log)
        facts = TimeFacts.of(events[TIMESTAMP].to_numpy())
        self._times = facts if self._times is None else self._times + facts
        if RATING in events:
            ratings = dict(events.items())[RATING]
            self.ratings = (self.ratings or Counter()) + count_ratings(ratings)

    def finish(self, logs: Sequence[Path]) -> tuple[Pieces, SessionRule, TimeFacts]:
        """Return the pieces, the session rule and the times of the log.

        Raises:
            DataError: the log holds no event.
            OnePartError: some events have no user.
        """
        if self._pieces is None or self._rule is None or self._times is None:
            raise DataError(f"{logs[0]}: it holds no event", hint="a log has one event a line")
        if self._pieces.has_unnamed:
            raise OnePartError("some events have no user")
        times = self._times
        if self._pieces.has_fractions:
            times = replace(times, first=float(times.first), last=float(times.last))
        return self._pieces, self._rule, times


def _begin(folder: Path, rule: SessionRule, log: Log) -> Pieces:
    """Return the pieces of a log with users: parts of users, else parts of sessions."""
    needed = SESSION_ID if rule.kind == "column" else USER_ID
    if needed not in log.events:  # describing it in memory names the remedy
        raise OnePartError(f"it has no {needed.replace('_', ' ')}s")
    owner = USER_ID if USER_ID in log.events else SESSION_ID
    return Pieces(folder, owner, keeps_sessions=rule.kind == "column" and owner == USER_ID)


@dataclass(frozen=True, slots=True)
class DescribedLog:
    """The sums over the parts of a log.

    Args:
        log: what it is like, with its first events alone.
        rule: its session rule.
        found: the sums.
        times: of all events.
        ids: of the columns that it has.
        ratings: of its events.
    """

    log: Log
    rule: SessionRule
    found: DescribedPart
    times: TimeFacts
    ids: Mapping[str, IdCounts]
    ratings: Counter[float] | None

    def complete(self, reading: Reading) -> LogStatistics:
        """Return the figures of the log."""
        has_users = USER_ID in self.ids
        figures = self.found.figures
        return describe_figures(figures, self.times, self.ids, self.ratings, has_users, reading)


def describe_in_parts(
    engine: Engine,
    logs: Sequence[Path],
    config: ReadConfig,
    rule: SessionRule | None,
    folder: Path,
    room: Room,
    num_parts: int | None,
    stages: Stages,
) -> DescribedLog:
    """Read a log, bring it into parts and add up what they hold.

    Args:
        engine: works on the parts.
        logs: the log's files, in order.
        config: how it is read.
        rule: the session rule; None uses the log's sessions, or else its users.
        folder: scratch.
        room: the memory to use.
        num_parts: how many parts are wanted; None for as many as the memory needs.
        stages: the progress.

    Raises:
        OnePartError: the log can be described in one part only.
        DataError: the log cannot be read.
    """
    taken = _Taken(folder, rule)
    with stages.stage("read", room.num_rows) as advance:

        def take(log: Log) -> None:
            taken.take(log)
            advance(len(log.events))

        try:
            log = read_log_in_batches(
                logs, config, take, folder, room.batch_bytes, counts_kinds=True
            )
        except WholeFileError as error:
            raise OnePartError("its times or lines need the whole file") from error
    pieces, rule, times = taken.finish(logs)
    item_ids = pieces.item_ids
    layout = lay_out(pieces, num_parts or measured(room, pieces).num_parts, item_ids)
    numbers = range(layout.num_parts)
    with stages.stage("count", len(pieces.written) + len(numbers)) as advance:
        watched = Watched(engine, advance)
        divided = [path for path, _ in divide_pieces(watched, pieces, layout)]
        shared = (divided, layout, rule, recent_from(times))
        found = add_parts(watched.map(describe_part, numbers, *shared))
    if found.has_shared_sessions:
        raise OnePartError("session ids are shared by several users")
    ids = {pieces.owner: IdCounts.merged(found.owners)}
    if pieces.keeps_sessions:
        ids[SESSION_ID] = IdCounts.merged(found.sessions)
    ids[ITEM_ID] = IdCounts.merged([IdCounts(item_ids, found.of_items)])
    return DescribedLog(log, rule, found, times, ids, taken.ratings)
