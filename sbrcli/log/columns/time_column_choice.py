"""Columns that say when an event was, told from those of how long it took."""

from collections.abc import Mapping, Sequence

from sbrcli.log.columns.dates import find_shape
from sbrcli.log.columns.epochs import YEAR_1995_SECONDS
from sbrcli.log.columns.names import is_time_name, normalised
from sbrcli.log.columns.times import is_number
from sbrcli.log.events import TIMESTAMP

_YEAR_SECONDS = 31_536_000


def with_moments(
    names: Sequence[str],
    found: Mapping[str, int],
    values: Sequence[Sequence[str]],
    free: Sequence[int],
) -> dict[str, int]:
    """Take another column for the time where the one found holds how long something took.

    Its numbers are below those of a year, and the other one, which has a name of times, too, holds
    dates or times of today.
    """
    at = found.get(TIMESTAMP)
    if at is None or not _are_small(values[at]):
        return dict(found)
    others = [one for one in free if is_time_name(normalised(names[one]))]
    moments = [one for one in others if _are_moments(values[one])]
    return {**found, TIMESTAMP: moments[0]} if moments else dict(found)


def _are_small(values: Sequence[str]) -> bool:
    return bool(values) and all(is_number(v) and 0 <= float(v) < _YEAR_SECONDS for v in values)


def _are_moments(values: Sequence[str]) -> bool:
    """Return whether all values are dates, or numbers that are times since 1995 in some unit."""
    return bool(values) and all(
        float(value) >= YEAR_1995_SECONDS if is_number(value) else find_shape(value) is not None
        for value in values
    )
