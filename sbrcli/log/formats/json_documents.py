"""Read JSON in other forms as one object a line: arrays of events, objects over several lines,
arrays in place of objects, and printed Python dicts.
"""

import ast
import codecs
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal

from sbrcli.errors import DataError
from sbrcli.log.columns.names import is_known_name, normalised
from sbrcli.log.files.opening import LONGEST_LINE_BYTES, opened, too_long

Document = Literal["array", "values", "python"]
"""Layout of the values in a file: one array, one value after another, or Python literals."""

DOCUMENT_NAMES: dict[Document, str] = {
    "array": "a JSON array",
    "values": "JSON objects",
    "python": "Python dicts",
}

_CHUNK_BYTES = 1 << 20
_BETWEEN = re.compile(r"[\s,\x1e\ufeff]*")
_DECODER = json.JSONDecoder()


def recognise_document(first_line: str) -> Document | None:
    """Return the layout of a file that is not one JSON object a line; None if it is not known.

    Args:
        first_line: its first non-empty line, which may be cut. A separator may precede the object,
            as in JSON text sequences.
    """
    line = first_line.strip()
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        if isinstance(_literal(line), dict | list):
            return "python"
        if re.match(r"\[\s*([\[{].*)?$", line, re.DOTALL):
            return "array"
        return "values" if re.match(r"\{\s*(\".*)?$", line, re.DOTALL) else None
    if isinstance(found, dict):
        return "values"
    if not isinstance(found, list):
        return None
    return "array" if found and isinstance(found[0], dict | list) else "values"


def first_values(path: Path, encoding: str | None, document: Document, most: int) -> list[Any]:
    """Return at most `most` first values of a file, leaving out invalid lines.

    Raises:
        DataError: one of them is not JSON.
    """
    found = []
    with opened(path, encoding) as file:
        for line in _lines(path, file, document):
            with suppress(ValueError, RecursionError):  # an invalid line, which the reader reports
                found.append(json.loads(line))
            if len(found) == most:
                break
    return found


@contextmanager
def opened_objects(
    path: Path, encoding: str | None, document: Document | None
) -> Iterator[BinaryIO]:
    """Open a file of JSON as one value a line.

    Raises:
        DataError: as `files.opened`, or a value is not JSON (while the body reads).
    """
    with opened(path, encoding) as file:
        yield file if document is None else _Lines(_lines(path, file, document))  # pyright: ignore


class _Lines(io.RawIOBase):
    """A file of lines that are generated while it is read."""

    def __init__(self, lines: Iterator[str]) -> None:
        super().__init__()
        self._lines = lines
        self._waiting = b""

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Read some bytes; none at the end."""
        made = [self._waiting]
        size = len(self._waiting)
        while size < len(buffer):
            line = next(self._lines, None)
            if line is None:
                break
            made.append(f"{line}\n".encode("utf-8", "surrogateescape"))
            size += len(made[-1])
        waiting = b"".join(made)
        given, self._waiting = waiting[: len(buffer)], waiting[len(buffer) :]
        buffer[: len(given)] = given
        return len(given)


def _lines(path: Path, file: BinaryIO, document: Document) -> Iterator[str]:
    """Yield each value as one line of JSON; arrays as objects."""
    if document == "python":
        yield from _python_lines(file)
        return
    header: Sequence[str] | None = None
    for number, (value, text) in enumerate(_values(path, file, document == "array")):
        if not isinstance(value, list):
            yield text
            continue
        if number == 0 and _is_header(value):
            header = value
            continue
        names = header or range(1, len(value) + 1)
        pairs = zip(names, value, strict=False)
        yield json.dumps({str(name): one for name, one in pairs}, ensure_ascii=False)


def _is_header(row: list[Any]) -> bool:
    are_texts = all(isinstance(name, str) for name in row)
    return are_texts and any(is_known_name(normalised(name)) for name in row)


def _values(path: Path, file: BinaryIO, is_array: bool) -> Iterator[tuple[Any, str]]:
    """Yield the values of an array, or consecutive values, with their text."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    text, at, line, is_open, more = "", 0, 1, False, True
    while True:
        at = _BETWEEN.match(text, at).end()  # pyright: ignore[reportOptionalMemberAccess]
        if at < len(text):
            if is_array and text[at] == ("]" if is_open else "["):
                is_open = not is_open
                at += 1
                continue
            try:
                value, end = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError) as error:
                here = line + text.count("\n", 0, at)
                if not more:
                    raise _wrong(path, here, error) from error
                if len(text) - at > LONGEST_LINE_BYTES:
                    raise too_long(path, here) from error
            else:
                yield value, text[at:end].replace("\r", " ").replace("\n", " ")
                at = end
                continue
        elif not more:
            break
        line += text.count("\n", 0, at)
        # Read twice as much each time, which bounds the cost of parsing again.
        chunk = file.read(max(_CHUNK_BYTES, len(text) - at))
        text, at, more = text[at:] + decoder.decode(chunk, final=not chunk), 0, bool(chunk)
    if is_open:
        raise DataError(f"{path}: it ends within a JSON array", hint="copy or download it again")


def _wrong(path: Path, line: int, error: Exception) -> DataError:
    said = getattr(error, "msg", None) or "it is nested too deeply"
    return DataError(
        f"{path} line {line}: what begins there is not JSON: {said}",
        hint="correct it, or write one object per line",
    )


def _python_lines(file: BinaryIO) -> Iterator[str]:
    """Yield lines of Python literals as JSON; other lines unchanged."""
    source = io.BufferedReader(file) if isinstance(file, io.RawIOBase) else file
    text = io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        while line := text.readline(LONGEST_LINE_BYTES):
            found = _literal(line.strip())
            for one in found if isinstance(found, list) else (found,):
                yield _as_json(one) or line.rstrip("\r\n")
    finally:
        text.detach()


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None


def _as_json(value: Any) -> str | None:
    try:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else None
    except (ValueError, TypeError, RecursionError):
        return None
