"""Estimate how many events a log has, without reading it."""

from collections.abc import Sequence
from pathlib import Path

from sbrcli.log.files.opening import opened, recognise_compression
from sbrcli.log.files.parts import find_parts
from sbrcli.log.files.typed_files import count_rows_by_group, name_typed_file

_SAMPLE_BYTES = 1 << 20
_EXPANSION = 5
"""How much longer a compressed log becomes, about."""
_ROW_BYTES = 16
"""Bytes of a row of a file of typed columns other than Parquet, about."""


def estimate_events(logs: Sequence[Path]) -> int:
    """Return about how many events a log has: its rows of Parquet, or its lines of text.

    Raises:
        DataError: a file cannot be read.
    """
    return sum(_estimate(part.path) for part in find_parts(logs))


def _estimate(path: Path) -> int:
    kind = name_typed_file(path)
    if kind == "Parquet":
        return sum(count_rows_by_group(path))
    size = path.stat().st_size
    if kind is not None:
        return size // _ROW_BYTES
    with opened(path) as file:
        text = file.read(_SAMPLE_BYTES)
    if recognise_compression(path) is not None:
        size *= _EXPANSION
    return round(size * max(1, text.count(b"\n")) / max(1, len(text)))
