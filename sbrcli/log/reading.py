"""A log's file → one event table.

PyArrow parses in several threads and hands ids over as indices into their distinct texts, so
that an id is looked at once, however often it occurs, and never becomes a float on the way.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, RATING, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.files import explained, opened
from sbrcli.log.formats import LogFormat, recognise_format
from sbrcli.log.ids import Ids, id_column
from sbrcli.log.rows import find_wrong_row
from sbrcli.log.times import is_in_calendar, recognise_unit, to_seconds

_BLOCK_BYTES = 1 << 24
_ONE_BYTE_SEPARATOR = "\x1f"
"""Stands for a longer separator, which PyArrow does not take: ASCII's own unit separator."""


@dataclass(frozen=True, slots=True)
class Log:
    """A log as read: its event table in file order, and what its file was recognised as."""

    events: pd.DataFrame
    format: LogFormat


def read_log(path: Path) -> Log:
    """Read a log into an event table (see `sbrcli.log.events`).

    Raises:
        DataError: the file can not be read, its layout is not known, it holds no event, or a row
            is wrong; the row is named by its line.
    """
    log_format = recognise_format(path)
    table = _parse(path, log_format)
    if not table.num_rows:
        raise DataError(
            f"{path}: no event below the header", hint="a log has one event a line below it"
        )
    times, log_format = _read_times(path, table[TIMESTAMP], log_format)
    columns: dict[str, Ids | np.ndarray] = {
        name: _read_ids(path, table[name], log_format)
        for name in (USER_ID, SESSION_ID, ITEM_ID)
        if name in table.column_names
    }
    columns[TIMESTAMP] = times
    if RATING in table.column_names:
        columns[RATING] = _read_ratings(path, table[RATING], log_format)
    return Log(pd.DataFrame(columns, copy=False), log_format)


def hash_file(path: Path) -> str:
    """Give the SHA-256 of a file's bytes, as they lie on the disk.

    Raises:
        DataError: it can not be read.
    """
    with explained(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Joined:
    """A file whose separator of several bytes reads as one byte."""

    closed = False

    def __init__(self, file: BinaryIO, separator: str) -> None:
        self._file = file
        self._separator = separator.encode()
        self._kept = b""

    def read(self, size: int) -> bytes:
        """Read about as many bytes; none at the end."""
        read = self._file.read(size)
        chunk = self._kept + read
        # A separator may go on in the next chunk: what could be its beginning waits for it.
        whole = chunk.rstrip(self._separator) if read else chunk
        self._kept = chunk[len(whole) :]
        joined = whole.replace(self._separator, _ONE_BYTE_SEPARATOR.encode())
        return joined if joined or not read else self.read(size)


def _parse(path: Path, log_format: LogFormat) -> pa.Table:
    """Parse the columns that make events; times as numbers or whatever they are."""
    names = [column or f"unused {at}" for at, column in enumerate(log_format.columns)]
    used = [column for column in log_format.columns if column]
    text = pa.dictionary(pa.int32(), pa.string())
    types = dict.fromkeys((USER_ID, SESSION_ID, ITEM_ID), text) | {RATING: pa.float64()}
    is_joined = len(log_format.separator) > 1
    try:
        with opened(path) as file:
            source = _Joined(file, log_format.separator) if is_joined else file
            return csv.read_csv(
                pa.PythonFile(source, mode="r"),
                csv.ReadOptions(
                    column_names=names, skip_rows=log_format.skipped_lines, block_size=_BLOCK_BYTES
                ),
                csv.ParseOptions(
                    delimiter=_ONE_BYTE_SEPARATOR if is_joined else log_format.separator,
                    quote_char='"' if log_format.is_quoted else False,
                    newlines_in_values=log_format.is_quoted,
                ),
                csv.ConvertOptions(include_columns=used, column_types=types, null_values=[""]),
            )
    except pa.ArrowInvalid as error:
        if not log_format.has_header or "Empty CSV file" not in str(error):
            raise _wrong(path, log_format, str(error)) from error
        return pa.table({name: pa.array([], types.get(name)) for name in used})


def _read_ids(path: Path, column: pa.ChunkedArray, log_format: LogFormat) -> Ids:
    encoded = column.unify_dictionaries().combine_chunks()
    if encoded.dictionary.index("").as_py() >= 0:
        raise _wrong(path, log_format, "an id is empty")
    return id_column(encoded)


def _read_times(
    path: Path, column: pa.ChunkedArray, log_format: LogFormat
) -> tuple[np.ndarray, LogFormat]:
    """Give times in seconds, and the format with the unit that they were in."""
    is_numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if not is_numeric or column.null_count:
        raise _wrong(path, log_format, "a timestamp is not a number")
    times = column.to_numpy()
    unit = recognise_unit(float(np.partition(times, len(times) // 2)[len(times) // 2]))
    log_format = replace(log_format, time_unit=unit)
    seconds = to_seconds(times, unit)
    # NaN is the least and the greatest, and lies in no calendar.
    if not (is_in_calendar(seconds.min()) and is_in_calendar(seconds.max())):
        raise _wrong(path, log_format, "a timestamp is out of range")
    return seconds, log_format


def _read_ratings(path: Path, column: pa.ChunkedArray, log_format: LogFormat) -> np.ndarray:
    """Give ratings, NaN where there is none."""
    if column.null_count:
        column = column.fill_null(float("nan"))
    ratings = column.to_numpy()
    if np.isinf(ratings).any():
        raise _wrong(path, log_format, "a rating is infinite")
    return ratings


def _wrong(path: Path, log_format: LogFormat, complaint: str) -> DataError:
    """Name the first wrong row by its line; failing that, say what the parser said."""
    found = find_wrong_row(path, log_format)
    return found or DataError(f"{path}: it can not be read: {complaint.splitlines()[0]}")
