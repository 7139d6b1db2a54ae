"""The times of the events of one table, and what they were read as."""

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
from sbrcli.log.columns.timestamps import Moments, read_days, read_seconds
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIME_OF_DAY, TIMESTAMP, USER_ID
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.rows import WrongRowError


def read_times(path: Path, table: pa.Table, log_format: LogFormat) -> tuple[np.ndarray, LogFormat]:
    """Return the times of events, and the format with the unit that they were in.

    Args:
        path: the log's file.
        table: its columns as parsed, by the names of the event table; at least one row.
        log_format: what the file was recognised as.

    Returns:
        Seconds since 1970 UTC, (events,) int64 where that loses nothing, else float64.

    Raises:
        DataError: the day cannot be told from the month.
        WrongRowError: one of them is no time, or lies in no calendar.
    """
    if log_format.time_unit == ORDER:
        _refuse_header(table, log_format)
        return np.arange(table.num_rows), log_format
    if table[TIMESTAMP].null_count:
        raise WrongRowError(log_format, "a timestamp is missing")
    try:
        if len(log_format.time_columns) > 1:
            table, log_format = _with_one_time(table, log_format)
        moments = _read_moments(table, log_format.time_unit)
    except UnclearDatesError as error:
        raise DataError(f"{path}: {error}", hint=error.hint) from error
    except UnreadDatesError as error:
        raise WrongRowError(replace(log_format, time_unit=error.unit), str(error)) from error
    except (ValueError, NotImplementedError) as error:  # Arrow's own errors derive from these
        raise WrongRowError(log_format, str(error)) from error
    doubts = log_format.doubts
    if moments.doubt is not None:
        doubts = (*doubts, moments.doubt)
    log_format = replace(log_format, time_unit=moments.unit, doubts=doubts)
    # NaN is the least and the greatest, and lies in no calendar.
    if not (is_in_calendar(moments.seconds.min()) and is_in_calendar(moments.seconds.max())):
        raise WrongRowError(log_format, "a timestamp lies outside the years 1970 to 9999")
    return moments.seconds, log_format


def _refuse_header(table: pa.Table, log_format: LogFormat) -> None:
    """Refuse a header among the rows, which no time gives away here."""
    if not log_format.has_header:
        return
    names = [c for c in (USER_ID, SESSION_ID, ITEM_ID) if c in table.column_names]
    are_names = (
        pc.equal(table[column].cast(pa.string()), log_format.place(column))  # pyright: ignore
        for column in names
    )
    if pc.any(reduce(pc.and_, are_names)).as_py():  # pyright: ignore
        raise WrongRowError(log_format, "the header again")


def _with_one_time(table: pa.Table, log_format: LogFormat) -> tuple[pa.Table, LogFormat]:
    """Return the table with the columns of the time joined in one, and what each of them holds."""
    columns = log_format.time_columns
    texts = [plain_texts(table[column]) for column in columns]
    if not is_format(log_format.time_unit):
        kinds = decide_kinds(texts, [log_format.place(column) for column in columns])
        log_format = replace(log_format, time_kinds=kinds)
    joined = join_columns(texts, log_format.time_kinds)
    at = table.column_names.index(TIMESTAMP)
    return table.set_column(at, TIMESTAMP, joined), log_format


def _read_moments(table: pa.Table, unit: str) -> Moments:
    if TIME_OF_DAY in table.column_names:
        return Moments(read_days(table[TIMESTAMP], table[TIME_OF_DAY]), "iso")
    return read_seconds(table[TIMESTAMP], unit)
