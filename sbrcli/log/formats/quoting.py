"""Decide whether the double quotes of a delimited text quote its fields.

A field is quoted if it begins with a quote and its closing quote is followed by a separator or the
line end. PyArrow's reader has one setting for the whole file, and treats a quote at the start of a
field as an opening one wherever the next quote is. So a text with quotes is scanned once before
parsing.
"""

import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from sbrcli.log.files.opening import LONGEST_LINE_BYTES, opened
from sbrcli.log.formats.log_format import LogFormat

_CHUNK_BYTES = 1 << 22
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_MAX_LINES = 200
"""A quoted field that spans more lines counts as an unclosed quote."""

_USUALLY_QUOTED = (",", ";")
"""With other separators, a text is quoted only if there is evidence for it."""


def split_quoted(text: str, separator: str, quote: str = '"') -> list[str] | None:
    """Split one row, which may have line ends within quotes; None if a quote is not closed."""
    fields: list[str] = []
    at, length = 0, len(text)
    while True:
        if text.startswith(quote, at):
            match = _quoted_field(separator, quote).match(text, at)
            if match is None:
                return None
            fields.append(match[1].replace(quote * 2, quote))
            at = match.end()
        else:
            end = text.find(separator, at)
            end = length if end < 0 else end
            fields.append(text[at:end])
            at = end
        if at >= length:
            return fields
        at += len(separator)


def split_escaped(text: str, separator: str, quote: str, escape: str) -> list[str] | None:
    """Split one row with escapes, like `split_quoted`.

    Args:
        text: the row.
        separator: between two fields, one character.
        quote: the character that quotes a field, or "".
        escape: the character that escapes the next one.
    """
    fields, at, length = [""], 0, len(text)
    is_open, begins = False, True
    while at < length:
        letter, following = text[at], text[at + 1 : at + 2]
        at += 1
        if letter == escape and following:
            fields[-1] += following
            at += 1
        elif letter == quote and begins and not is_open:
            is_open = True
        elif letter == quote and is_open and following == quote:
            fields[-1] += quote
            at += 1
        elif letter == quote and is_open:
            if following not in ("", separator):
                return None
            is_open = False
        elif letter == separator and not is_open:
            fields.append("")
        else:
            fields[-1] += letter
        begins = letter == separator and not is_open
    return None if is_open else fields


def _split_row(text: str, log_format: LogFormat) -> list[str] | None:
    quote = log_format.quote if log_format.is_quoted else ""
    if log_format.escape is not None:
        return split_escaped(text, log_format.separator, quote, log_format.escape)
    if quote and quote in text:
        return split_quoted(text, log_format.separator, quote)
    return text.split(log_format.separator)


_patterns: dict[tuple[str, str], re.Pattern[str]] = {}


def _quoted_field(separator: str, quote: str) -> re.Pattern[str]:
    if (separator, quote) not in _patterns:
        behind, q = re.escape(separator), quote
        _patterns[separator, quote] = re.compile(
            rf"{q}([^{q}]*+(?:{q}{q}[^{q}]*+)*+){q}(?={behind}|\Z)"
        )
    return _patterns[separator, quote]


def quoted_rows(
    lines: Iterable[str], log_format: LogFormat
) -> Iterator[tuple[int, str, list[str] | None]]:
    """Yield the rows of a quoted text: number of lines, text without line end, and fields.

    Fields are None if a quote is not closed; such a row is one line, and the next line begins the
    next row. A row spans lines only if it has the right number of fields then.
    """
    waiting: deque[str] = deque()
    source = iter(lines)
    while True:
        line = waiting.popleft() if waiting else next(source, None)
        if line is None:
            return
        text = line.rstrip("\r\n")
        fields = _split_row(text, log_format)
        if fields is not None:
            yield 1, text, fields
            continue
        joined = _join(line, waiting, source, log_format)
        if joined is None:
            yield 1, text, None
        else:
            yield joined


def _join(
    line: str, waiting: deque[str], source: Iterator[str], log_format: LogFormat
) -> tuple[int, str, list[str]] | None:
    """Join a row whose quoted field spans lines; None if the lines are not one row."""
    separator, num_fields = log_format.separator, len(log_format.columns)
    is_whole_alone = line.rstrip("\r\n").count(separator) == num_fields - 1
    parts = [line]
    for number in range(_MAX_LINES):
        if number == len(waiting):
            following = next(source, None)
            if following is None:
                return None
            waiting.append(following)
        following = waiting[number]
        if is_whole_alone and number == 0:
            next_fields = _split_row(following.rstrip("\r\n"), log_format)
            if next_fields is not None and len(next_fields) == num_fields:
                return None  # two lines that are rows by themselves
        parts.append(following)
        if log_format.quote in following:
            text = "".join(parts).rstrip("\r\n")
            fields = _split_row(text, log_format)
            if fields is not None:
                if len(fields) != num_fields:
                    return None
                for _ in range(number + 1):
                    waiting.popleft()
                return len(parts), text, fields
    return None


@dataclass(slots=True)
class _Signs:
    """Counts for and against fields being quoted."""

    needed: int = 0
    spanning: int = 0
    unclosed: int = 0
    unclosed_rows: int = 0
    quoted_columns: set[int] = field(default_factory=set)
    bare_columns: set[int] = field(default_factory=set)


def decide_quoting(path: Path, log_format: LogFormat, *, is_given: bool = False) -> LogFormat:
    """Scan a text that may be quoted, and decide whether it is.

    Args:
        path: the file.
        log_format: its detected format.
        is_given: whether the user gave the quote.

    Returns:
        The format with `is_quoted`, the number of rows that span lines, and whether quotes are
        unclosed.

    Raises:
        DataError: the file is damaged.
    """
    if not log_format.is_quoted:
        return log_format
    signs = _Signs()
    separator = log_format.separator
    with opened(path, log_format.encoding) as file:
        chunks = _whole_lines(iter(lambda: file.read(_CHUNK_BYTES), b""))
        is_usual = separator in _USUALLY_QUOTED
        first = next(chunks, b"")
        if log_format.skipped_lines:  # re.split takes 0 as no limit
            first = _LINE_END.split(first, log_format.skipped_lines)[-1]
        chunks = itertools.chain([first], chunks)
        for chunk in chunks:
            if log_format.quote.encode() not in chunk or (
                is_usual and log_format.escape is None and _is_plainly_quoted(chunk, log_format)
            ):
                continue
            # From here on, line by line: a field may span chunks.
            rest = itertools.chain([chunk], chunks)
            lines = (
                line
                for part in rest
                for line in _LINE.findall(part.decode("utf-8", errors="replace"))
            )
            _read_signs(lines, log_format, signs, is_usual)
    is_quoted = is_given or _are_quotes(signs, is_usual)
    return replace(
        log_format,
        is_quoted=is_quoted,
        num_spanning=signs.spanning if is_quoted else 0,
        has_open_quotes=is_quoted and signs.unclosed > 0,
    )


def _are_quotes(signs: _Signs, is_usual: bool) -> bool:
    shown = signs.needed + signs.spanning
    if signs.unclosed_rows:
        return shown >= signs.unclosed_rows
    if is_usual or shown:
        return True
    return not signs.quoted_columns & signs.bare_columns


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    kept = b""
    for chunk in chunks:
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if not end:
            kept += chunk
            if len(kept) > LONGEST_LINE_BYTES:
                return  # the reader finds it, too
            continue
        yield kept + chunk[:end]
        kept = chunk[end:]
    yield kept


def _is_plainly_quoted(chunk: bytes, log_format: LogFormat) -> bool:
    """Return whether each field with a quote is quoted and within one line."""
    data = np.frombuffer(b"\n" + chunk + b"\n", np.uint8)
    quotes = np.flatnonzero(data == ord(log_format.quote))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    bounds = np.zeros(256, bool)
    bounds[[ord("\n"), ord("\r"), ord(log_format.separator)]] = True
    is_doubled = np.zeros(len(opening) + 1, bool)
    is_doubled[1:-1] = closing[:-1] + 1 == opening[1:]
    begins = bounds[data[opening - 1]] | is_doubled[:-1]
    ends = bounds[data[closing + 1]] | is_doubled[1:]
    line_ends = np.flatnonzero((data == ord("\n")) | (data == ord("\r")))
    same_line = np.searchsorted(line_ends, opening) == np.searchsorted(line_ends, closing)
    return bool((begins & ends & same_line).all())


def _read_signs(lines: Iterator[str], log_format: LogFormat, signs: _Signs, is_usual: bool) -> None:
    separator, num_fields = log_format.separator, len(log_format.columns)
    for num_lines, text, fields in quoted_rows(lines, log_format):
        if fields is None:
            signs.unclosed += 1
            signs.unclosed_rows += text.count(separator) == num_fields - 1
        elif num_lines > 1:
            signs.spanning += 1
        elif log_format.quote in text:
            signs.needed += log_format.quote * 2 in text or text.count(separator) != len(fields) - 1
        if not is_usual and fields is not None and num_lines == 1:
            _read_columns(text, separator, signs)


def _read_columns(text: str, separator: str, signs: _Signs) -> None:
    for at, value in enumerate(text.split(separator)):
        if len(value) > 1 and value[0] == value[-1] == '"':
            signs.quoted_columns.add(at)
        elif value:
            signs.bare_columns.add(at)
