"""Distinguish columns with the time of an event from columns with its duration."""

from collections.abc import Mapping, Sequence

from sbrcli.log.columns.dates import find_shape
from sbrcli.log.columns.epochs import YEAR_1995_SECONDS
from sbrcli.log.columns.names import is_time_name, normalised
from sbrcli.log.columns.times import is_number
from sbrcli.log.events import TIMESTAMP

_YEAR_SECONDS = 31_536_000


def choose_time_column(
    names: Sequence[str],
    found: Mapping[str, int],
    values: Sequence[Sequence[str]],
    free: Sequence[int],
) -> dict[str, int]:
    """Choose another column for the time if the one found holds durations.

    Its numbers are below a year of seconds, and the other one, which also has a known name, holds
    dates or recent times.
    """
    at = found.get(TIMESTAMP)
    if at is None or not _are_small(values[at]):
        return dict(found)
    others = [one for one in free if is_time_name(normalised(names[one]))]
    likely = [one for one in others if _are_times(values[one])]
    return {**found, TIMESTAMP: likely[0]} if likely else dict(found)


def _are_small(values: Sequence[str]) -> bool:
    return bool(values) and all(is_number(v) and 0 <= float(v) < _YEAR_SECONDS for v in values)


def _are_times(values: Sequence[str]) -> bool:
    """Return whether all values are dates, or times since 1995 in some unit."""
    return bool(values) and all(
        float(value) >= YEAR_1995_SECONDS if is_number(value) else find_shape(value) is not None
        for value in values
    )
