"""Read a log into one event table."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.columns.drop_ids import drop_ids
from sbrcli.log.columns.event_times import read_times
from sbrcli.log.columns.ids import Ids, read_ids
from sbrcli.log.columns.kinds import filter_kinds
from sbrcli.log.columns.matching import listed
from sbrcli.log.columns.ratings import without_no_ratings
from sbrcli.log.columns.shared_sessions import split_shared_sessions
from sbrcli.log.columns.unnamed_users import without_unnamed_users
from sbrcli.log.detect import AS_READ, recognise_format
from sbrcli.log.events import EVENT, ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.files.opening import explained
from sbrcli.log.files.parts import Part, find_parts, find_twins, list_parts, list_skipped_files
from sbrcli.log.files.spool import renamed
from sbrcli.log.formats.bad_rows import BadRows, name_wrong_row, write_good_rows
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.rows import WrongRowError
from sbrcli.log.joining import read_parts
from sbrcli.log.log import Log
from sbrcli.log.tables import parse_table


def read_log(
    logs: Path | Sequence[Path], config: ReadConfig = AS_READ, *, counts_kinds: bool = False
) -> Log:
    """Read a log into an event table (see `sbrcli.log.events`).

    Args:
        logs: the log's file, a folder of its parts, or several of these in order.
        config: how the user wants it read.
        counts_kinds: also read event types if the log has them; `--event` always does.

    Raises:
        DataError: a file cannot be read, has no known layout or no event, or a row is bad (its line
            is named), or the files are not parts of one log.
    """
    parts = find_parts(logs)
    log = read_parts(parts, lambda part: _read_part(part, config, counts_kinds))
    log = complete_log(log, logs, parts, config)
    # This needs the whole log, as a session may continue in the next part.
    events, shared = split_shared_sessions(log.events)
    return without_unnamed_users(replace(log, events=events, shared_sessions=shared))


def complete_log(
    log: Log, logs: Path | Sequence[Path], parts: Sequence[Part], config: ReadConfig
) -> Log:
    """Return a log with what its files say as a whole.

    Raises:
        DataError: it has no event of a selected type.
    """
    name = logs if isinstance(logs, Path) else parts[0].path
    _require_kinds(name, config.events, log.event_kinds)
    skipped_files = tuple(path.name for path in list_skipped_files(logs))
    twins = tuple(map(_same_bytes, find_twins(parts)))
    log_format = replace(log.format, doubts=(*log.format.doubts, *twins))
    return replace(log, format=log_format, skipped_files=skipped_files)


def _same_bytes(twins: tuple[Path, Path]) -> str:
    one, other = twins
    return (
        f"{other.name} holds the same bytes as {one.name}: its events count twice. Take one of "
        "them out."
    )


def _read_part(part: Part, config: ReadConfig, counts_kinds: bool) -> Log:
    """Read one file of a log; it may have no event of the selected types."""
    path = part.path
    log_format = recognise_part(part, config)
    used = used_columns(log_format, config, counts_kinds)
    try:
        return read_file(path, log_format, config, used)
    except WrongRowError as wrong:
        if not config.skip_bad_rows or not log_format.has_lines:
            accepts = partial(accepts_rows, config=replace(config, drop_id=None), used=used)
            raise name_wrong_row(path, wrong, accepts) from wrong
        log = read_good_rows(path, wrong, config, used)
    return replace(log, format=_with_times_of(log_format, log.format))


def recognise_part(part: Part, config: ReadConfig) -> LogFormat:
    """Detect the format of one file of a log.

    Raises:
        DataError: see `recognise_format`; or it names no types of events, and some are selected.
    """
    path = part.path
    log_format = recognise_format(path, config, part.keys)
    log_format = replace(log_format, list_separator=config.list_separator, events=config.events)
    if config.events and not log_format.has(EVENT):
        raise DataError(
            f"{path}: no column names the kind of an event; found {listed(log_format.names)}",
            hint="--columns event=NAME says which it is; else leave --event out",
        )
    return log_format


def accepts_rows(path: Path, log_format: LogFormat, config: ReadConfig, used: list[str]) -> bool:
    """Return whether a text is read without an error."""
    try:
        read_file(path, log_format, config, used)
    except (DataError, WrongRowError):
        return False
    return True


def _with_times_of(log_format: LogFormat, read: LogFormat) -> LogFormat:
    return replace(log_format, time_unit=read.time_unit, doubts=read.doubts)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes on disk, or of all parts of a folder.

    Raises:
        DataError: it cannot be read.
    """
    if path.is_dir():
        parts = [part.path for part in list_parts(path)]
        hashes = [f"{part.relative_to(path)} {hash_file(part)}\n" for part in parts]
        return hashlib.sha256("".join(hashes).encode()).hexdigest()
    with explained(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def used_columns(log_format: LogFormat, config: ReadConfig, counts_kinds: bool) -> list[str]:
    """Return the columns of the event table to read."""
    takes_kinds = bool(config.events) or counts_kinds
    return [c for c in log_format.known_columns if c != EVENT or takes_kinds]


def read_good_rows(path: Path, wrong: WrongRowError, config: ReadConfig, used: list[str]) -> Log:
    """Read a copy of the log without the rows that cannot be events.

    A second pass is needed if the unit of the times was unknown in the first, and some lie outside
    the calendar.
    """
    bad_rows: BadRows | None = None
    source = path
    with tempfile.TemporaryDirectory(prefix="sbr-") as folder:
        while True:
            copy = Path(folder) / ("second" if bad_rows else "first")
            with renamed(source, path):
                copied_format, left_out = write_good_rows(source, wrong.log_format, copy)
                if not left_out.count:
                    raise name_wrong_row(source, wrong) from wrong
            bad_rows, source = left_out.after(bad_rows), copy
            try:
                with renamed(copy, path):
                    return replace(read_file(copy, copied_format, config, used), bad_rows=bad_rows)
            except WrongRowError as again:
                wrong = again


def read_file(path: Path, log_format: LogFormat, config: ReadConfig, used: list[str]) -> Log:
    """Read some columns of a file.

    Raises:
        DataError: it is damaged, or holds no event.
        WrongRowError: a row cannot be an event.
    """
    table, gaps, lists = parse_table(path, log_format, config, used)
    num_rows = table.num_rows
    kinds = None
    if EVENT in table.column_names:
        kinds = _count_kinds(table[EVENT])
        if config.events:
            table = filter_kinds(table, config.events)
        table = table.drop_columns([EVENT])
    num_taken = table.num_rows
    bad_rows = BadRows(gaps, "a row lacks a value") if gaps else None
    log = Log(pd.DataFrame(), log_format, num_rows - num_taken, bad_rows, kinds, lists=lists)
    if not num_taken:
        return log
    table, dropped = drop_ids(path, table, config.dropped_ids)
    if log_format.kind == "json":
        _refuse_gaps(table, log_format)
    may_be_empty = () if log_format.needs_users else (USER_ID,)
    times, log_format = read_times(path, table, log_format)
    columns: dict[str, Ids | np.ndarray] = {
        name: _read_ids(table[name], log_format, may_be_empty=name in may_be_empty)
        for name in (USER_ID, SESSION_ID, ITEM_ID)
        if name in table.column_names
    }
    columns[TIMESTAMP] = times
    if RATING in table.column_names:
        columns[RATING] = _read_ratings(table[RATING], log_format)
    events = pd.DataFrame(columns, copy=False)
    return replace(log, events=events, format=log_format, dropped_ids=dropped)


def _count_kinds(column: pa.ChunkedArray) -> dict[str, int]:
    """Count the events of each type, the most frequent first; "" is no type."""
    counted = pc.value_counts(column.cast(pa.string()).fill_null(""))  # pyright: ignore
    pairs = [(entry["values"], entry["counts"]) for entry in counted.to_pylist()]
    return dict(sorted(pairs, key=lambda pair: -pair[1]))


def _require_kinds(path: Path, wanted: tuple[str, ...], there: Mapping[str, int] | None) -> None:
    """Raise DataError if a log has no event of a selected type."""
    missing = [kind for kind in wanted if kind not in (there or {})]
    if missing:
        found = listed([kind or "(no kind)" for kind in there or {}])
        raise DataError(
            f"{path}: no event is of the kind {missing[0]}; found {found}",
            hint="--event takes one or more of these, with commas between them",
        )


def _refuse_gaps(table: pa.Table, log_format: LogFormat) -> None:
    for name in table.column_names:
        if name == RATING or (name == USER_ID and not log_format.needs_users):
            continue
        if table[name].null_count:
            raise WrongRowError(log_format, f"the column {log_format.name_of(name)} has gaps")


def _read_ids(column: pa.ChunkedArray, log_format: LogFormat, *, may_be_empty: bool) -> Ids:
    try:
        return read_ids(column, may_be_empty=may_be_empty)
    except (ValueError, NotImplementedError) as error:  # Arrow's own errors derive from these
        raise WrongRowError(log_format, str(error)) from error


def _read_ratings(column: pa.ChunkedArray, log_format: LogFormat) -> np.ndarray:
    """Return ratings, NaN if missing."""
    try:
        numbers = without_no_ratings(column).cast(pa.float64())
    except (ValueError, NotImplementedError) as error:  # Arrow's own errors derive from these
        raise WrongRowError(log_format, "one of its ratings is not a number") from error
    ratings = numbers.fill_null(float("nan")).to_numpy()
    if np.isinf(ratings).any():
        raise WrongRowError(log_format, "a rating is infinite")
    return ratings
