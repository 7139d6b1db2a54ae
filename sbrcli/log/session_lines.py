"""Read sessions from text: one per line, as comma-separated item ids."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain, islice
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.event_lines import ENOUGH_LINES

STANDARD_INPUT = Path("-")
_PADDING = " \t\r\n\v\f"
"""Characters stripped from ids; a no-break space is part of an id, as in the log."""


def parse_session(text: str) -> list[str]:
    """Parse item ids: comma-separated, or a JSON array for ids that contain commas.

    "3186, 1270" and '["3186", 1270]' are the same two ids. Empty fields are ignored. Text that
    begins with a bracket but is not an array of strings and integers is read as comma-separated
    ids.
    """
    text = text.strip(_PADDING)
    ids = _parse_array(text) if text.startswith("[") else None
    if ids is not None:
        return ids
    return [item_id for part in text.split(",") if (item_id := part.strip(_PADDING))]


def read_sessions(
    path: Path, check: Callable[[Sequence[str]], None] = lambda _: None
) -> Iterator[list[str]]:
    """Yield sessions from a file, or from standard input if `path` is "-", as they arrive.

    An empty line is a session without items, so that each line has an answer.

    Args:
        path: the file.
        check: called with the first lines, to raise an error if they are not sessions; for a
            stream that may arrive line by line, with the first line only.

    Raises:
        DataError: the file cannot be read.
    """
    from sbrcli.log.files.spool import standard_input

    try:
        # Bytes, because a text stream waits for more than a line before it returns one.
        source = nullcontext(standard_input()) if path == STANDARD_INPUT else path.open("rb")
        with source as lines:
            texts = (line.decode("utf-8", "surrogateescape") for line in lines)
            first = list(islice(texts, ENOUGH_LINES if path.is_file() else 1))
            check(first)
            for number, text in enumerate(chain(first, texts)):
                yield parse_session(text if number else text.removeprefix("\ufeff"))
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}",
            hint="name a file of sessions, one a line, or - for standard input; items go with "
            "--items",
        ) from error


def _parse_array(text: str) -> list[str] | None:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(values, list) and all(type(value) in (str, int) for value in values)
    return [str(value) for value in values] if whole else None
