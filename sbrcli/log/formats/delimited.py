"""Parse delimited text with PyArrow, in several threads.

Ids are read as indices into their distinct texts, so that each distinct id is converted once and
never becomes a float.
"""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from sbrcli.config.reading import SPACES, ReadConfig
from sbrcli.log.columns.ratings import NO_RATINGS, is_no_rating
from sbrcli.log.columns.times import is_words
from sbrcli.log.events import (
    EVENT,
    ITEM_ID,
    RATING,
    SESSION_ID,
    TIME_OF_DAY,
    TIME_PARTS,
    TIMESTAMP,
    USER_ID,
)
from sbrcli.log.files.deferred_errors import errors_deferred
from sbrcli.log.files.opening import LONGEST_LINE_BYTES, opened
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.parsed import Parsed
from sbrcli.log.formats.rows import WrongRowError
from sbrcli.log.formats.separators import may_quote

_BLOCK_BYTES = LONGEST_LINE_BYTES
_HEADER_ALONE = ("Empty CSV file", "Could not skip initial")
"""Messages of PyArrow if nothing follows the header, with and without a line end."""

_NO_NUMBER = re.compile("conversion error to double: invalid value '(.*?)'")

_ONE_BYTE_SEPARATOR = b"\x1f"
"""ASCII's unit separator, in place of a longer separator that PyArrow does not accept."""

_SPACE_RUN = re.compile(rb"[ \t]+")
_LINE_EDGE_SPACES = re.compile(rb"(?:\A|(?<=[\r\n]))[ \t]+|[ \t]+(?=[\r\n]|\Z)")


def parse_file(path: Path, log_format: LogFormat, _config: ReadConfig, used: list[str]) -> Parsed:
    """Parse some columns of a text; see `parse_text`."""
    return Parsed(parse_text(path, log_format, used))


def parse_text(path: Path, log_format: LogFormat, used: list[str]) -> pa.Table:
    """Parse some columns of a text; the type of times is inferred.

    Raises:
        DataError: the file is damaged.
        WrongRowError: a row has too many or too few fields, or one of the wrong type.
    """
    if log_format.has_open_quotes:
        raise WrongRowError(log_format, "a quote is opened and not closed")
    text = pa.dictionary(pa.int32(), pa.string())
    types = dict.fromkeys((USER_ID, SESSION_ID, ITEM_ID, EVENT), text) | {RATING: pa.float64()}
    if is_words(log_format.time_unit):
        types[TIMESTAMP] = pa.string()
    if len(log_format.time_columns) > 1:
        types |= dict.fromkeys((TIMESTAMP, *TIME_PARTS), pa.string())
    try:
        table, may_be_hexadecimal = _read(path, log_format, used, types)
    except WrongRowError as wrong:
        if not _is_spaced_no_rating(str(wrong)):
            raise
        table, may_be_hexadecimal = _read(path, log_format, used, types | {RATING: text})
    numbers = [name for name in used if name in (TIMESTAMP, *TIME_PARTS, TIME_OF_DAY)]
    numbers = [name for name in numbers if pa.types.is_integer(table[name].type)]
    if may_be_hexadecimal and numbers:
        # PyArrow reads 0x10 as 16, but no log writes times in that way.
        texts, _ = _read(path, log_format, numbers, dict.fromkeys(numbers, pa.string()))
        for name in numbers:
            if pc.any(pc.match_substring_regex(texts[name], "^-?0[xX]")).as_py():  # pyright: ignore
                raise WrongRowError(log_format, "a number is hexadecimal")
    return table


def _read(
    path: Path, log_format: LogFormat, used: list[str], types: dict[str, pa.DataType]
) -> tuple[pa.Table, bool]:
    """Read some columns, and return whether the text may hold a hexadecimal number.

    Args:
        path: the log's file.
        log_format: its detected format.
        used: the columns to read.
        types: known types by column; the others are inferred.

    Raises:
        DataError: the file is damaged.
        WrongRowError: a row has too many or too few fields, or one of the wrong kind.
    """
    names = [column or f"unused {at}" for at, column in enumerate(log_format.columns)]
    is_joined = not may_quote(log_format.separator)
    try:
        with opened(path, log_format.encoding) as file, ExitStack() as stack:
            joined = _joined(file, log_format.separator) if is_joined else file
            noticing = _Noticing(joined)
            source = stack.enter_context(errors_deferred(noticing))
            table = csv.read_csv(
                pa.PythonFile(source, mode="r"),
                csv.ReadOptions(
                    column_names=names, skip_rows=log_format.skipped_lines, block_size=_BLOCK_BYTES
                ),
                csv.ParseOptions(
                    delimiter=_ONE_BYTE_SEPARATOR.decode() if is_joined else log_format.separator,
                    quote_char=log_format.quote if log_format.is_quoted else False,
                    escape_char=log_format.escape or False,
                    newlines_in_values=log_format.is_quoted,
                ),
                csv.ConvertOptions(
                    include_columns=used, column_types=types, null_values=_nulls(used)
                ),
            )
            return table, noticing.found
    except pa.ArrowInvalid as error:
        is_header_alone = any(words in str(error) for words in _HEADER_ALONE)
        if not log_format.has_header or not is_header_alone:
            raise WrongRowError(log_format, str(error)) from error
        return pa.table({name: pa.array([], types.get(name)) for name in used}), False
    except _UnclearError as error:
        raise WrongRowError(log_format, str(error)) from error


def _is_spaced_no_rating(said: str) -> bool:
    """Return whether PyArrow failed at a missing rating with spaces around it."""
    found = _NO_NUMBER.search(said)
    return found is not None and is_no_rating(found[1])


def _nulls(used: list[str]) -> list[str]:
    """Return the texts that are read as missing values; ids are never null."""
    return list(NO_RATINGS) if RATING in used else [""]


class _Noticing:
    """A file that records whether its text may contain a hexadecimal number."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file
        self._last = b""
        self.found = False

    def read(self, size: int) -> bytes:
        """Read about that many bytes; none at the end."""
        chunk = self._file.read(size)
        if not self.found:
            begins = self._last + chunk[:1]
            self.found = any(sign in chunk or sign == begins for sign in (b"0x", b"0X"))
            self._last = chunk[-1:]
        return chunk


class _UnclearError(Exception):
    """A row can be split in more than one way."""


def _joined(file: BinaryIO, separator: str) -> "_Joined | _Squeezed":
    return _Squeezed(file) if separator == SPACES else _Joined(file, separator)


class _Squeezed:
    """A file whose runs of spaces and tabs within a line are read as one byte."""

    closed = False

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._kept = b""

    def read(self, size: int) -> bytes:
        """Read about that many bytes, up to the end of a line; none at the end."""
        while True:
            read = self._file.read(size)
            chunk = self._kept + read
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
            end = end if read and (end or len(chunk) <= _BLOCK_BYTES) else len(chunk)
            whole, self._kept = chunk[:end], chunk[end:]
            if whole or not read:
                if _ONE_BYTE_SEPARATOR in whole:
                    raise _UnclearError("a field holds the unit separator \\x1f")
                trimmed = _LINE_EDGE_SPACES.sub(b"", whole)
                return _SPACE_RUN.sub(_ONE_BYTE_SEPARATOR, trimmed)


class _Joined:
    """A file whose separator of several bytes is read as one byte."""

    closed = False

    def __init__(self, file: BinaryIO, separator: str) -> None:
        self._file = file
        self._separator = separator.encode()
        self._longer = self._separator + self._separator[:1]
        self._kept = b""

    def read(self, size: int) -> bytes:
        """Read about as many bytes; none at the end."""
        while True:
            read = self._file.read(size)
            chunk = self._kept + read
            # A separator may continue in the next chunk: hold back what could be its beginning.
            whole = chunk.rstrip(self._separator) if read else chunk
            self._kept = chunk[len(whole) :]
            if whole or not read:
                self._check(whole)
                return whole.replace(self._separator, _ONE_BYTE_SEPARATOR)

    def _check(self, chunk: bytes) -> None:
        if _ONE_BYTE_SEPARATOR in chunk:
            raise _UnclearError("a field holds the unit separator \\x1f")
        if self._longer in chunk and len(set(self._separator)) == 1:
            width, letter = len(self._separator), re.escape(self._separator[:1])
            for run in re.finditer(letter + b"{%d,}" % width, chunk):
                if len(run[0]) % width:
                    raise _UnclearError("a field begins or ends with a part of the separator")
