"""Detect cells of an item column that are lists of items, and their separator."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.arrays import IntArray

BRACKETED = re.compile(r"\s*(?:\[.*\]|\(.*\)|\{.*\})\s*", re.DOTALL)
MARKED = re.compile(r".+-[01]", re.DOTALL)
"""MIND marks which of the shown items were clicked."""

_USUAL = (",", "|", ";", "\t", " ", "\x02", "^", "~")
_WITHIN_IDS = ("/", ":", "+", "&", "#", "_", "-", ">", "@", "*", "\n")
"""Ids of one item may contain these, so that a list must vary in its number of parts."""

_TEXTS = (",", "|", ";")
"""Separators of items with names of words, which contain spaces."""

_MAX_CELLS = 5_000
_NEARLY_ALL = 0.9
_MIN_MIXED = 0.2
_MIN_SHARE = 0.05
_LONG_ID = 8


@dataclass(frozen=True, slots=True)
class ListCells:
    """Cells of an item column that seem to be lists.

    Args:
        count: number of events with one.
        example: one of them.
        separator: between two items; None if these are objects, not ids.
    """

    count: int
    example: str
    separator: str | None


def find_list_cells(array: pa.StringArray, counts: IntArray) -> ListCells | None:
    """Return the cells of an item column that seem to be lists; None if each is one id.

    Args:
        array: (cells,) distinct cells of text.
        counts: (cells,) the events of each.
    """
    are_bracketed = pc.match_substring_regex(array, r"(?s)^\s*\[.*\]\s*$")  # pyright: ignore
    is_bracketed = are_bracketed.to_numpy(zero_copy_only=False)
    singles: set[str] | None = None
    for separator in (*_USUAL, *_WITHIN_IDS):
        holds = pc.match_substring(array, separator).to_numpy(zero_copy_only=False)  # pyright: ignore
        if not holds.any():
            continue
        singles = set(array.to_pylist()) if singles is None else singles
        places = np.flatnonzero(holds)
        sampled = places[:: -(-len(places) // _MAX_CELLS)]
        cells = array.take(pa.array(sampled)).to_pylist()
        if _are_lists(cells, separator, singles):
            return _described(cells[0], counts[holds | is_bracketed], separator)
    if is_bracketed.mean() >= _NEARLY_ALL:
        cells = array.filter(are_bracketed).slice(0, 100).to_pylist()
        longest = max(cells, key=len)
        separator = " " if " " in longest and "," not in longest else ","
        return _described(cells[0], counts[is_bracketed], separator)
    return None


def _described(example: str, counts: np.ndarray, separator: str) -> ListCells:
    holds_objects = example.lstrip("[( ").startswith("{") and ":" in example
    return ListCells(int(counts.sum()), example, None if holds_objects else separator)


def parts_of(text: str, separator: str) -> list[str]:
    """Return the item ids in a cell, without brackets, quotes and outer spaces."""
    inner = text.strip()
    if BRACKETED.fullmatch(inner):
        inner = inner[1:-1]
    parts = inner.split() if separator == " " else inner.split(separator)
    return [plain for part in parts if (plain := part.strip().strip("\"'"))]


def _are_lists(cells: Sequence[str], separator: str, singles: set[str]) -> bool:
    """Return whether cells with a separator are lists.

    They are if nearly all consist of parts that also occur elsewhere, some of them at other
    positions, or of a varying number of numbers or ids of one shape.

    Args:
        cells: the cells, or a sample of them.
        separator: that they contain.
        singles: all cells of the column.
    """
    lists = [parts for cell in cells if len(parts := parts_of(cell, separator)) > 1]
    if not lists:
        return False
    if all(MARKED.fullmatch(part) for parts in lists for part in parts):
        if separator == " ":
            return True
        lists = [[part[:-2] for part in parts] for parts in lists]
    are_ids = [all(map(_is_id, parts)) for parts in lists]
    if separator not in _TEXTS and np.mean(are_ids) < _NEARLY_ALL:
        return False
    varies = len(singles) > len(lists) or len({len(parts) for parts in lists}) > 1
    if separator in _WITHIN_IDS:
        return varies and _recur(lists, singles)
    if np.mean(are_ids) >= _NEARLY_ALL and len(lists) >= _MIN_SHARE * min(len(singles), _MAX_CELLS):
        shapes = Counter(_shape(part) for parts in lists for part in parts)
        has_one = shapes.most_common(1)[0][1] >= _NEARLY_ALL * shapes.total()
        if has_one and (varies or (separator == " " and "0" in shapes)):
            return True
    is_one_of_words = len(lists) < 2 and not are_ids[0]
    return not is_one_of_words and _recur(lists, singles)


def _recur(lists: Sequence[Sequence[str]], singles: set[str]) -> bool:
    """Return whether nearly all lists consist of parts that occur elsewhere at other positions."""
    places: dict[str, set[int]] = {}
    counts: Counter[str] = Counter()
    for parts in lists:
        counts.update(set(parts))
        for place, part in enumerate(parts):
            places.setdefault(part, set()).add(place)
    known = {part for part, count in counts.items() if count > 1 or part in singles}
    mixed = sum(part in singles or len(places[part]) > 1 for part in known)
    are_known = [known.issuperset(parts) for parts in lists]
    return mixed > _MIN_MIXED * len(known) and float(np.mean(are_known)) >= _NEARLY_ALL


def _is_id(part: str) -> bool:
    return len(part) <= 64 and any(map(str.isdigit, part)) and not any(map(str.isspace, part))


def _shape(part: str) -> str | int:
    """Return the shape that ids of one kind share: N501 and N12 are N0; of long ids the length."""
    if part.isdigit():
        return "0"
    return len(part) if len(part) >= _LONG_ID else re.sub(r"\d+", "0", part)
