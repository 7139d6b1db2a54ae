"""Detect a log of events given in place of sessions of item ids, without PyArrow.

`sbr recommend` reads sessions: comma-separated item ids, one session per line. A log of events has
one event per line, and would be answered as sessions of a user, an item and a time. It is detected
by its header, by JSON objects, or by a column of times that are no items of the run.
"""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sbrcli.errors import DataError
from sbrcli.log.columns.matching import listed, match_columns
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.files.compression import LINE_READERS, name_compression

ENOUGH_LINES = 20
"""Number of lines inspected if they are available at once."""

_SEPARATORS = ("\t", "::", "\x01", ";", "|", ",", " ")
_CERTAIN = 3
"""Number of lines with a possible time from which numbers between commas count as events."""

_DATE = re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?([T ].*)?|\d\d?[-/.]\d\d?[-/.]\d{4}([T ].*)?")
_EPOCH = re.compile(r"(\d{9,10})(\d{3}|\d{6}|\d{9})?(\.\d+)?")
_FIRST_EPOCH, _LAST_EPOCH = 600_000_000, 2_200_000_000  # 1989, 2039
_EXAMPLE = "write one session a line, item ids with commas between them, as in 3186,1270"


@dataclass(frozen=True, slots=True)
class _Layout:
    """How to split the lines of a log; places count from 1, None if unknown."""

    separator: str
    what: str
    owner: int | None
    item: int | None
    has_header: bool
    is_quoted: bool = False


def refuse_log(name: str, lines: Sequence[str], knows: Callable[[str], bool]) -> None:
    """Raise DataError if lines are a log of events and not sessions.

    Args:
        name: the file's, as the user calls it.
        lines: the first ones; one shows a header, dates or JSON, three show numbers.
        knows: returns whether the run has an item id.

    Raises:
        DataError: they are a log of events, or not text.
    """
    compression = name_compression(lines[0][:8].encode("utf-8", "surrogateescape")) if lines else ""
    if compression:
        raise DataError(
            f"{name} is compressed ({compression}), and sessions are read as plain text",
            hint=f"unpack it on the way: {LINE_READERS[compression]} {shlex.quote(name)} | "
            "sbr recommend -",
        )
    if any("\0" in line or line.startswith("PAR1") for line in lines):
        raise DataError(f"{name} is not text in UTF-8", hint=_EXAMPLE)
    lines = [text for line in lines if (text := line.strip("\r\n"))]
    if not lines:
        return
    if _is_object(lines[0]):
        raise DataError(
            f"{name} holds JSON objects, as a log of events does, and not sessions", hint=_EXAMPLE
        )
    layout = _by_header(lines[0], knows) or _by_times(lines, knows)
    if layout is not None:
        raise DataError(
            f"{name} is a log of events ({layout.what}), and not sessions, one a line",
            hint=_hint(name, layout),
        )


def _is_object(line: str) -> bool:
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _by_header(line: str, knows: Callable[[str], bool]) -> _Layout | None:
    """Detect a header that names items and their users, sessions or times."""
    for separator in _SEPARATORS:
        names = [name.strip(' "') for name in line.removeprefix("\ufeff").split(separator)]
        places = match_columns(names, {}) if len(names) > 1 else {}
        if ITEM_ID in places and len(places) > 1 and not any(map(knows, names)):
            owner = places.get(SESSION_ID, places.get(USER_ID))
            if owner is None and TIMESTAMP not in places:
                continue
            return _Layout(
                separator,
                f"columns {listed(names)}",
                None if owner is None else owner + 1,
                places[ITEM_ID] + 1,
                has_header=True,
                is_quoted='"' in line,
            )
    return None


def _by_times(lines: Sequence[str], knows: Callable[[str], bool]) -> _Layout | None:
    """Detect rows of one width with a column of times that are no items."""
    for separator in _SEPARATORS:
        rows = [[field.strip(' "') for field in line.split(separator)] for line in lines]
        width = len(rows[0])
        if width < 3 or any(len(row) != width for row in rows):
            continue
        for place in range(width):
            fields = [row[place] for row in rows]
            if not all(map(_is_time, fields)) or any(map(knows, fields)):
                continue
            if separator == "," and len(rows) < _CERTAIN and not _DATE.fullmatch(fields[0]):
                continue
            others = [at + 1 for at in range(width) if at != place]
            return _Layout(
                separator,
                f"a time in each line, as {fields[0]}",
                others[0],
                others[1],
                has_header=False,
                is_quoted='"' in lines[0],
            )
    return None


def _is_time(field: str) -> bool:
    if _DATE.fullmatch(field):
        return True
    found = _EPOCH.fullmatch(field)
    return found is not None and _FIRST_EPOCH <= int(found[1]) <= _LAST_EPOCH


def _hint(name: str, layout: _Layout) -> str:
    if layout.owner is None:
        return _EXAMPLE
    command = _command(name, layout)
    return f"a session of each value of column {layout.owner}: {command} | sbr recommend -"


def _command(name: str, layout: _Layout) -> str:
    """Return the command that turns a log into sessions, in the order of its lines."""
    separator = {"\t": r"\t", "\x01": r"\001"}.get(layout.separator, layout.separator)
    rows = "NR > 1 " if layout.has_header else ""
    unquote = 'gsub(/"/, ""); ' if layout.is_quoted else ""
    owner, item = f"${layout.owner}", f"${layout.item}"
    program = (
        f"{rows}{{ {unquote}if (!({owner} in s)) o[++n] = {owner}; "
        f's[{owner}] = s[{owner}] "," {item} }} '
        "END { for (i = 1; i <= n; i++) print s[o[i]] }"
    )
    return f"awk -F'{separator}' '{program}' {shlex.quote(name)}"
