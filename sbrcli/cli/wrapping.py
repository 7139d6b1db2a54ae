"""Wrap lines for a terminal between words; commands to copy are never broken."""

import os
import re
import unicodedata

_VALUE = r"""(?:'[^']*'|"[^"]*"|[^\s'";,]+)"""
_WORD = (
    rf"(?:--?[A-Za-z][\w-]*(?:[ =](?!-){_VALUE})?|[A-Z][A-Z-]+\b|-(?=\s|$)|[^\s;,]*[./][^\s;,]+)"
)
_COMMAND = re.compile(rf"\bsbr [a-z][a-z-]+(?: {_WORD})*")
"""A command within a sentence. Matching a word too many only keeps it on the same line."""

_TAIL = re.compile(r"(?:(?<=^)|(?<=: ))(?:cat|awk|iconv|unzip|python3?|sqlite3|duckdb) \S.*$")
"""A command of another program at the end of a line."""

_AMOUNT = re.compile(r"\d (?:s|min|h|[kMG]?B|GiB)\b|\d %")
"""A number and its unit."""

_JOINT = "\0"
"""Placeholder for a space within a command; printed text never contains it."""


def wrap_words(text: str, width: int) -> str:
    """Wrap lines between words so that none is wider than a terminal, if the words allow it.

    Commands stay on one line, which the terminal may wrap itself, so that they can be copied.

    Args:
        text: one or more lines.
        width: the terminal's, in cells.
    """
    return "\n".join(_wrap_line(line, width) for line in text.split("\n"))


def stderr_width() -> int:
    """Return the width of stderr's terminal: COLUMNS, else its own width, else 80."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80


def _wrap_line(line: str, width: int) -> str:
    if _width_of(line) <= width:
        return line
    joined = line
    for pattern in (_TAIL, _COMMAND, _AMOUNT):
        joined = pattern.sub(_join, joined)
    wrapped, used = "", 0
    for gap, word in re.findall(r"(\s*)(\S+)", joined):
        size = _width_of(word)
        if wrapped and used + len(gap) + size > width:
            wrapped, used = f"{wrapped}\n{word}", size
        else:
            wrapped, used = f"{wrapped}{gap}{word}", used + len(gap) + size
    return wrapped.replace(_JOINT, " ")


def _join(command: re.Match[str]) -> str:
    return command[0].replace(" ", _JOINT)


def _width_of(text: str) -> int:
    """Return the width of a text in cells; an ideograph takes two."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
