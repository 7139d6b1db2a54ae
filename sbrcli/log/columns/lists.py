"""Open cells that hold lists: each item becomes an event of its row's user and time."""

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.columns.list_signs import BRACKETED, MARKED, parts_of
from sbrcli.log.columns.times import is_iso_time, is_number
from sbrcli.log.events import EVENT, ITEM_ID, TIMESTAMP

_MARKS = r"^.+-[01]$"
_CLICKED = r"^.+-1$"


@dataclass(frozen=True, slots=True)
class OpenedLists:
    """Counts of opened lists.

    Args:
        rows: number of rows.
        events: number of events that these became.
        empty: number of rows without an item.
        not_clicked: number of items left out because they are marked -0 next to others marked -1,
            as MIND marks items that were shown and not clicked.
    """

    rows: int
    events: int
    empty: int = 0
    not_clicked: int = 0

    def __str__(self) -> str:
        """Return a description in one line."""
        words = f"lists opened: {self.rows:,} rows became {self.events:,} events"
        if self.empty:
            words += f", {self.empty:,} of the rows hold no item"
        if self.not_clicked:
            words += f"; items marked -1 are read, {self.not_clicked:,} marked -0 are left out"
        return words

    def plus(self, other: "OpenedLists | None") -> "OpenedLists":
        """Return the sum of the counts of two parts of a log."""
        if other is None:
            return self
        return OpenedLists(
            self.rows + other.rows,
            self.events + other.events,
            self.empty + other.empty,
            self.not_clicked + other.not_clicked,
        )


@dataclass(frozen=True, slots=True)
class _Cells:
    """The concatenated parts of each distinct cell: those of cell c are at offsets[c:c+2].

    Args:
        codes: (rows,) index of each row's distinct cell.
        offsets: (distinct cells + 1,).
        parts: (offsets[-1],).
    """

    codes: np.ndarray
    offsets: np.ndarray
    parts: pa.Array

    @property
    def lengths(self) -> np.ndarray:
        """Number of parts in each row: (rows,)."""
        return np.diff(self.offsets)[self.codes]

    def laid_out(self) -> pa.Array:
        """Return the concatenated parts of all rows."""
        lengths = self.lengths
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return self.parts.take(pa.array(np.repeat(self.offsets[self.codes], lengths) + within))


def open_lists(table: pa.Table, separator: str) -> tuple[pa.Table, OpenedLists | None]:
    """Return an event for each item of a list, in the order of the list.

    Lists of times or event types are opened along with that of items. If some items are marked -1
    and all others -0, those marked -1 are taken.

    Args:
        table: as parsed, with items, times and types as text if they may be lists.
        separator: between two items; brackets and quotes around them are removed.

    Returns:
        The events and the counts; None for the counts if no cell can be a list.

    Raises:
        ValueError: a list holds objects, or differs in length from one next to it.
    """
    if not _is_text(table[ITEM_ID].type) or not table.num_rows:
        return table, None
    items, lengths = _split(table[ITEM_ID], separator)
    rows = np.repeat(np.arange(table.num_rows), lengths)
    opened = OpenedLists(table.num_rows, len(rows), int((lengths == 0).sum()))
    columns = {ITEM_ID: items}
    for column in (TIMESTAMP, EVENT):
        if column in table.column_names and _holds_lists(table[column], column, separator):
            parts, others = _split(table[column], separator)
            if (others == lengths).all():
                columns[column] = parts if column == TIMESTAMP else parts.dictionary_encode()
            elif column == TIMESTAMP:
                at = int(np.argmax(others != lengths))
                raise ValueError(_unlike(int(lengths[at]), int(others[at])))
    marked, clicked = _clicked(items)
    if marked:
        kept = pa.array(clicked)
        opened = replace(opened, not_clicked=len(rows) - int(clicked.sum()))
        opened = replace(opened, events=int(clicked.sum()))
        rows = rows[clicked]
        columns = {name: parts.filter(kept) for name, parts in columns.items()}
        columns[ITEM_ID] = pc.utf8_slice_codeunits(columns[ITEM_ID], 0, -2)  # pyright: ignore
    others = [name for name in table.column_names if name not in columns]
    taken = table.select(others).unify_dictionaries().take(pa.array(rows))
    for name, parts in columns.items():
        is_id = name == ITEM_ID
        taken = taken.append_column(name, parts.dictionary_encode() if is_id else parts)
    return taken.select(table.column_names), opened


def split_cell(text: str, separator: str) -> list[str]:
    """Return the items of one cell.

    Raises:
        ValueError: it holds objects.
    """
    if BRACKETED.fullmatch(text):
        # A Python set would lose order and repetitions of a Postgres array, which is split as text.
        found = _parsed(text)
        if isinstance(found, list | tuple):
            if any(isinstance(one, dict | list | tuple | set) for one in found):
                raise ValueError(f"a list of objects, not of ids: {text[:40]}")
            return [str(one) for one in found if one is not None and one != ""]
    return parts_of(text, separator)


def list_complaint(item: str, time: str, separator: str) -> str | None:
    """Return the complaint about the lists of a row; None if they are valid."""
    try:
        num_items, num_times = (len(split_cell(text, separator)) for text in (item, time))
    except ValueError as error:
        return str(error)
    if not _is_list_of_times(time, separator) or num_items == num_times:
        return None
    return _unlike(num_items, num_times)


def split_times(time: str, separator: str) -> Sequence[str]:
    """Return the times in a cell, which may be a list or one time."""
    return parts_of(time, separator) if _is_list_of_times(time, separator) else (time,)


def _unlike(num_items: int, num_times: int) -> str:
    return f"a list of {num_items:,} items beside one of {num_times:,} times"


def _parsed(text: str) -> object:
    """Parse a JSON array or a printed Python list; None if it is neither."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(value) or pa.types.is_large_string(value)


def _split(column: pa.ChunkedArray, separator: str) -> tuple[pa.Array, np.ndarray]:
    """Return the parts of all cells of a column, and the number in each row."""
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    encoded = column.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    texts = encoded.dictionary.cast(pa.string())
    bracketed = pc.match_substring_regex(texts, r"^\s*[\[({]")  # pyright: ignore
    if pc.any(bracketed).as_py():  # pyright: ignore
        lists = pa.array([split_cell(text, separator) for text in texts.to_pylist()])
        lists = lists.cast(pa.list_(pa.string()))
    elif separator == " ":
        lists = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(texts))  # pyright: ignore
    else:
        lists = pc.split_pattern(texts, separator)  # pyright: ignore
    parts = pc.utf8_trim(lists.flatten(), " \t\r\n\"'")  # pyright: ignore
    belongs = pc.list_parent_indices(lists).to_numpy()  # pyright: ignore
    is_there = pc.not_equal(parts, "")  # pyright: ignore
    belongs, parts = belongs[is_there.to_numpy(zero_copy_only=False)], parts.filter(is_there)
    lengths = np.bincount(belongs, minlength=len(texts))
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    codes = encoded.indices.fill_null(0).to_numpy()
    cells = _Cells(codes, offsets, parts)
    return cells.laid_out(), cells.lengths


def _holds_lists(column: pa.ChunkedArray, name: str, separator: str) -> bool:
    """Return whether the cells of a column of times or types are lists as well."""
    if not _is_text(column.type):
        return False
    texts = column.cast(pa.string()).unique().to_pylist()
    if name != TIMESTAMP:
        return any(text and separator in text for text in texts)
    return any(text and _is_list_of_times(text, separator) for text in texts)


def _is_list_of_times(text: str, separator: str) -> bool:
    if BRACKETED.fullmatch(text):
        return True
    if separator not in text or is_iso_time(text):
        return False
    return all(is_number(part) or is_iso_time(part) for part in parts_of(text, separator))


def _clicked(items: pa.Array) -> tuple[bool, np.ndarray]:
    """Return whether all items are marked -1 or -0, as in MIND, and which are marked -1."""
    distinct = items.unique()
    first = distinct[0].as_py() if len(distinct) else ""
    none = np.zeros(len(items), dtype=bool)
    if (
        not MARKED.fullmatch(first)
        or not pc.all(  # pyright: ignore
            pc.match_substring_regex(distinct, _MARKS)  # pyright: ignore
        ).as_py()
    ):
        return False, none
    clicked = pc.match_substring_regex(items, _CLICKED).to_numpy(zero_copy_only=False)  # pyright: ignore
    return bool(clicked.any() and not clicked.all()), clicked
