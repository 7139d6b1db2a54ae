"""Read the times of a table's events."""

from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.errors import DataError
from sbrcli.log.columns.date_columns import UnclearDatesError, UnreadDatesError
from sbrcli.log.columns.dates import is_format
from sbrcli.log.columns.time_columns import decide_kinds, join_columns, plain_texts
from sbrcli.log.columns.times import ORDER, is_in_calendar
from sbrcli.log.columns.timestamps import Timestamps, read_days, read_seconds
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIME_OF_DAY, TIMESTAMP, USER_ID
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.rows import WrongRowError

OUTSIDE = "a timestamp lies outside the years 1970 to 9999"
"""The complaint about times that are in another unit, or wrong."""


def read_times(path: Path, table: pa.Table, log_format: LogFormat) -> tuple[np.ndarray, LogFormat]:
    """Return the times of events, and the format with their unit.

    Args:
        path: the log's file.
        table: its columns as parsed, by the names of the event table; at least one row.
        log_format: the detected format of the file.

    Returns:
        Seconds since 1970 UTC, (events,) int64 if lossless, else float64, and the format.

    Raises:
        DataError: day and month cannot be distinguished.
        WrongRowError: one of them is not a time, or is outside the years 1970 to 9999.
    """
    if log_format.time_unit == ORDER:
        _refuse_header(table, log_format)
        return np.arange(table.num_rows), log_format
    if table[TIMESTAMP].null_count:
        raise WrongRowError(log_format, "a timestamp is missing")
    try:
        if len(log_format.time_columns) > 1:
            table, log_format = _with_one_time(table, log_format)
        timestamps = _read_timestamps(table, log_format.time_unit)
    except UnclearDatesError as error:
        raise DataError(f"{path}: {error}", hint=error.hint) from error
    except UnreadDatesError as error:
        raise WrongRowError(replace(log_format, time_unit=error.unit), str(error)) from error
    except (ValueError, NotImplementedError) as error:  # Arrow's own errors derive from these
        raise WrongRowError(log_format, str(error)) from error
    doubts = log_format.doubts
    if timestamps.doubt is not None:
        doubts = (*doubts, timestamps.doubt)
    log_format = replace(log_format, time_unit=timestamps.unit, doubts=doubts)
    # NaN is both the minimum and the maximum, and fails this test.
    if not (is_in_calendar(timestamps.seconds.min()) and is_in_calendar(timestamps.seconds.max())):
        raise WrongRowError(log_format, OUTSIDE)
    return timestamps.seconds, log_format


def _refuse_header(table: pa.Table, log_format: LogFormat) -> None:
    """Raise WrongRowError if the header is repeated among the rows, which no time shows here."""
    if not log_format.has_header:
        return
    names = [c for c in (USER_ID, SESSION_ID, ITEM_ID) if c in table.column_names]
    are_names = (
        pc.equal(table[column].cast(pa.string()), log_format.name_of(column))  # pyright: ignore
        for column in names
    )
    if pc.any(reduce(pc.and_, are_names)).as_py():  # pyright: ignore
        raise WrongRowError(log_format, "the header again")


def _with_one_time(table: pa.Table, log_format: LogFormat) -> tuple[pa.Table, LogFormat]:
    """Return the table with the columns of the time joined, and the format with their kinds."""
    columns = log_format.time_columns
    texts = [plain_texts(table[column]) for column in columns]
    if not is_format(log_format.time_unit):
        kinds = decide_kinds(texts, [log_format.name_of(column) for column in columns])
        log_format = replace(log_format, time_kinds=kinds)
    joined = join_columns(texts, log_format.time_kinds)
    at = table.column_names.index(TIMESTAMP)
    return table.set_column(at, TIMESTAMP, joined), log_format


def _read_timestamps(table: pa.Table, unit: str) -> Timestamps:
    if TIME_OF_DAY in table.column_names:
        return Timestamps(read_days(table[TIMESTAMP], table[TIME_OF_DAY]), "iso")
    return read_seconds(table[TIMESTAMP], unit)
