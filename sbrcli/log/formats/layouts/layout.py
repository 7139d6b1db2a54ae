"""Declarations of known layouts: the columns of a table without a header, or the header's names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sbrcli.log.columns.names import normalised
from sbrcli.log.formats.log_format import LogFormat


def _any_row(_fields: list[str]) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Headerless:
    """A table without a header: its separator, the role of each column, the shape of its times."""

    format: LogFormat
    is_row: Callable[[list[str]], bool] = _any_row
    """Whether a row with the right number of fields, and a valid time and rating, may be of this
    log."""


@dataclass(frozen=True, slots=True)
class Headed:
    """A table that is identified by its header; its columns are known by their names."""

    name: str
    is_header: Callable[[Sequence[str]], bool]


def has_columns(*names: str) -> Callable[[Sequence[str]], bool]:
    """Return whether a header has these names, in lower case and without signs between words."""

    def is_header(header: Sequence[str]) -> bool:
        return set(names) <= {normalised(name) for name in header}

    return is_header
