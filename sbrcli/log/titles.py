"""Read the titles of items from any file that lists them.

This uses only the standard library, so that `sbr recommend` does not load pandas.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.files.opening import opened

_SEPARATORS = ("::", "|", "\t", ",", ";")
"""The separator that occurs first in the first line is used, as a title may hold the others."""

_ITEM_NAMES = ("itemid", "movieid", "item", "movie", "id")
_TITLE_NAMES = ("title", "name")


def read_titles(path: Path) -> dict[str, str]:
    """Read items' titles from movies.dat, u.item, movies.csv, or any file of two columns.

    Fields are separated by `::`, `|`, tabs, commas or semicolons, whichever occurs first in the
    first line; with the last three, a field may be in double quotes. The item's id comes first and
    its title second, unless a header names other columns. UTF-8 is tried before Latin-1.

    Returns:
        Titles by item id; the last one if an item is listed twice.

    Raises:
        DataError: the file cannot be read, is empty or not text, or a row is wrong.
    """
    text = _read_text(path)
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise DataError(f"{path}: the file is empty", hint="a line has an item id and its title")
    places = {first.index(s): s for s in _SEPARATORS if s in first}
    if not places:
        raise DataError(
            f"{path}: no separator in its first line: {first[:60]}",
            hint="write the item id and its title with a tab, a comma or a | between them",
        )
    return _read_rows(path, text, places[min(places)])


def _read_text(path: Path) -> str:
    with opened(path) as file:
        data = file.read()
    if b"\0" in data:
        raise DataError(
            f"{path}: binary data, not text", hint="titles are read from text, plain or compressed"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # it accepts any byte


def _read_rows(path: Path, text: str, separator: str) -> dict[str, str]:
    titles: dict[str, str] = {}
    place: tuple[int, int] | None = None
    for line, fields in _numbered_rows(path, text, separator):
        if place is None:
            place = _find_header(fields)
            if place is not None:
                continue
            place = (0, 1)
        if len(fields) <= max(place):
            raise DataError(
                f"{path} line {line}: an item id and a title expected, {len(fields)} field found",
                hint="correct the line, or take it out",
            )
        item_id, title = (fields[at] for at in place)
        if not item_id:
            raise DataError(
                f"{path} line {line}: the item id is empty", hint="correct the line, or take it out"
            )
        titles[item_id] = title
    if not titles:
        raise DataError(f"{path}: no title below the header", hint="each line below it has one")
    return titles


def _numbered_rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the non-empty rows, each with the number of its first line."""
    source = io.StringIO(text, newline="")
    if separator in ("::", "|"):
        for line, row in enumerate(source, start=1):
            if row.strip():
                yield line, row.rstrip("\r\n").split(separator)
        return
    reader = csv.reader(source, delimiter=separator)
    begins = 1
    try:
        for fields in reader:
            if fields:
                yield begins, fields
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path} line {begins}: a quote is opened and not closed",
            hint="double the quotes within a field",
        ) from error


def _find_header(fields: Sequence[str]) -> tuple[int, int] | None:
    """Return the positions of the item's id and title in a header; None if the row is no header."""
    plain = ["".join(field.split()).replace("_", "").casefold() for field in fields]
    title = next((plain.index(name) for name in _TITLE_NAMES if name in plain), None)
    item = next((plain.index(name) for name in _ITEM_NAMES if name in plain), None)
    return None if title is None or item is None else (item, title)
