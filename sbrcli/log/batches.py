"""Read a log batch by batch, so that only one batch of its events is in memory.

Delimited text is cut at line ends and Parquet at its row groups; each piece is read as a file of
its own is. Files in other formats are one batch each. What depends on the whole file, such as the
unit of its times, is decided by its first batch and must hold for every other one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from sbrcli.config.reading import ReadConfig
from sbrcli.log.columns.drop_ids import AllDroppedError
from sbrcli.log.columns.event_times import OUTSIDE
from sbrcli.log.columns.times import PER_SECOND
from sbrcli.log.files.opening import LONGEST_LINE_BYTES, EmptyLogError, opened
from sbrcli.log.files.parts import Part, find_parts
from sbrcli.log.files.spool import renamed
from sbrcli.log.files.typed_files import count_rows_by_group
from sbrcli.log.formats.bad_rows import BadRows, name_wrong_row
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.rows import WrongRowError
from sbrcli.log.joining import add_logs, read_parts
from sbrcli.log.log import Log
from sbrcli.log.reading import (
    accepts_rows,
    complete_log,
    read_file,
    read_good_rows,
    recognise_part,
    used_columns,
)

Take = Callable[[Log], None]
"""Called with each batch, in the order of the log."""

_ROW_BYTES = 24
"""Bytes of a row of Parquet in memory, about."""
_LINE = re.compile(r"^(line|object) (\d+)")
_FIRST_ROWS = 1


class WholeFileError(Exception):
    """A file cannot be read in batches, as these would be read differently than the whole."""


def read_log_in_batches(
    logs: Sequence[Path],
    config: ReadConfig,
    take: Take,
    folder: Path,
    batch_bytes: int,
    *,
    counts_kinds: bool = False,
) -> Log:
    """Read a log batch by batch; see `read_log`.

    Args:
        logs: its files and folders, in order.
        config: how the user wants it read.
        take: called with each batch that holds events.
        folder: for copies of pieces.
        batch_bytes: the size of a piece.
        counts_kinds: also count the events of each type.

    Returns:
        What the log is like, with the first events of its files alone.

    Raises:
        WholeFileError: a file must be read as a whole.
        DataError: as `read_log` does.
    """
    parts = find_parts(logs)
    log = read_parts(
        parts,
        lambda part: read_batches(
            part, config, take, folder, batch_bytes, counts_kinds=counts_kinds
        ),
    )
    return complete_log(log, logs, parts, config)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a file.

    Args:
        path: a copy of it, or the file itself.
        log_format: how it is read.
        lines_before: the number of lines of the file before it.
    """

    path: Path
    log_format: LogFormat
    lines_before: int = 0


def read_batches(
    part: Part,
    config: ReadConfig,
    take: Take,
    folder: Path,
    batch_bytes: int,
    *,
    counts_kinds: bool = False,
) -> Log:
    """Read one file of a log batch by batch.

    Args:
        part: the file.
        config: how the user wants it read.
        take: called with each batch.
        folder: for copies of pieces.
        batch_bytes: the size of a piece.
        counts_kinds: also count the events of each type.

    Returns:
        What the whole file is like, with its first event alone.

    Raises:
        WholeFileError: a batch is read in another way than the first one.
        DataError: as reading the whole file does.
    """
    log_format = recognise_part(part, config)
    used = used_columns(log_format, config, counts_kinds)
    found: list[Log] = []
    empty: EmptyLogError | None = None
    for piece in _cut(part.path, log_format, folder, batch_bytes):
        with renamed(piece.path, part.path):
            try:
                log = _read_piece(piece, part.path, log_format, config, used)
            except EmptyLogError as error:
                empty = empty or error
                continue
            except AllDroppedError as error:
                log = Log(pd.DataFrame(), log_format, dropped_ids=error.num_events)
        if len(log.events):
            first = next((one for one in found if len(one.events)), None)
            if first is not None:
                _require_same_reading(first.format, log.format)
            take(log)
        found.append(replace(log, events=_first_rows(log.events)))
    if not found:
        assert empty is not None  # each file has a piece
        raise empty
    whole = reduce(add_logs, found)
    read = whole.format
    log_format = replace(
        log_format, time_unit=read.time_unit, time_kinds=read.time_kinds, doubts=read.doubts
    )
    return replace(whole, format=log_format)


def _first_rows(events: pd.DataFrame) -> pd.DataFrame:
    """Return a copy of the first rows, which holds on to nothing of the others."""
    first = events.iloc[:_FIRST_ROWS]
    columns = {
        name: ids.cat.remove_unused_categories()
        if isinstance(ids.dtype, pd.CategoricalDtype)
        else ids.copy()
        for name, ids in first.items()
    }
    return pd.DataFrame(columns)


def _read_piece(
    piece: _Piece, path: Path, log_format: LogFormat, config: ReadConfig, used: list[str]
) -> Log:
    try:
        return read_file(piece.path, piece.log_format, config, used)
    except WrongRowError as wrong:
        if str(wrong) == OUTSIDE and log_format.time_unit == "auto":
            raise WholeFileError from wrong  # in another unit, perhaps
        if not config.skip_bad_rows or not log_format.has_lines:
            unit = wrong.log_format.time_unit
            whole = WrongRowError(replace(log_format, time_unit=unit), str(wrong))
            accepts = partial(accepts_rows, config=replace(config, drop_id=None), used=used)
            raise name_wrong_row(path, whole, accepts) from wrong
        log = read_good_rows(piece.path, wrong, config, used)
    assert log.bad_rows is not None
    first = _LINE.sub(
        lambda found: f"{found[1]} {int(found[2]) + piece.lines_before}", log.bad_rows.first
    )
    return replace(log, bad_rows=BadRows(log.bad_rows.count, first))


def _require_same_reading(first: LogFormat, other: LogFormat) -> None:
    readings = [(one.time_unit, one.time_kinds) for one in (first, other)]
    if readings[0] != readings[1]:
        raise WholeFileError


def _cut(path: Path, log_format: LogFormat, folder: Path, batch_bytes: int) -> Iterator[_Piece]:
    """Yield the pieces of a file; the file itself if it cannot be cut."""
    if log_format.kind == "parquet" and log_format.name == "Parquet":
        yield from _cut_groups(path, log_format, batch_bytes)
    elif log_format.kind == "text" and _has_sure_line_ends(log_format):
        yield from _cut_lines(path, log_format, folder, batch_bytes)
    else:
        yield _Piece(path, log_format)


def _has_sure_line_ends(log_format: LogFormat) -> bool:
    """Return whether rows end where lines do outside of quotes, and times need no whole file."""
    is_sure = log_format.time_unit in ("auto", "iso", "order", *PER_SECOND)
    return is_sure and log_format.escape is None and not log_format.has_open_quotes


def _cut_groups(path: Path, log_format: LogFormat, batch_bytes: int) -> Iterator[_Piece]:
    groups: list[int] = []
    held = 0
    rows = count_rows_by_group(path)
    for number, count in enumerate(rows):
        if groups and held + count > batch_bytes // _ROW_BYTES:
            yield _Piece(path, replace(log_format, row_groups=tuple(groups)))
            groups, held = [], 0
        groups.append(number)
        held += count
    yield _Piece(path, replace(log_format, row_groups=tuple(groups)))


def _cut_lines(
    path: Path, log_format: LogFormat, folder: Path, batch_bytes: int
) -> Iterator[_Piece]:
    """Copy a text piece by piece, each to a line end outside of quotes."""
    plain = replace(log_format, compression=None, encoding=None)
    below = replace(plain, skipped_lines=0, num_lines_above=0, num_spanning=0)
    quote = log_format.quote.encode() if log_format.is_quoted else None
    copy, lines = folder / "batch", 0
    with opened(path, log_format.encoding) as file:
        for text in _blocks(file, quote, batch_bytes):
            copy.write_bytes(text)
            yield _Piece(copy, below if lines else plain, lines)
            lines += text.count(b"\n")
    copy.unlink(missing_ok=True)


def _blocks(file: BinaryIO, quote: bytes | None, batch_bytes: int) -> Iterator[bytes]:
    """Yield a text in blocks that end where a row does."""
    kept = b""
    while read := file.read(batch_bytes):
        text = kept + read
        end = _last_row_end(text, quote)
        if not end and len(text) > batch_bytes + LONGEST_LINE_BYTES:
            raise WholeFileError  # lines end otherwise, or quotes do not come in pairs
        if end:
            yield text[:end]
        kept = text[end:]
    if kept:
        yield kept


def _last_row_end(text: bytes, quote: bytes | None) -> int:
    """Return the end of the last line that does not end within quotes; 0 if there is none."""
    end = text.rfind(b"\n") + 1
    if quote is None:
        return end
    is_within = text.count(quote, 0, end) % 2
    while is_within and end:
        earlier = text.rfind(b"\n", 0, end - 1) + 1
        is_within ^= text.count(quote, earlier, end) % 2
        end = earlier
    return end
