"""Estimate how many events a log has, and how long its ids are, without reading all of it."""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pandas as pd

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.batches import WholeFileError, read_batches
from sbrcli.log.columns.ids import written_ids
from sbrcli.log.events import ITEM_ID, SESSION_ID, USER_ID
from sbrcli.log.files.opening import opened, recognise_compression
from sbrcli.log.files.parts import find_parts
from sbrcli.log.files.typed_files import count_rows_by_group, name_typed_file
from sbrcli.log.log import Log

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


def has_typed_columns(logs: Sequence[Path]) -> bool:
    """Return whether the first file of a log has typed columns, as Parquet has, and is no text.

    Raises:
        DataError: a file cannot be read.
    """
    return name_typed_file(find_parts(logs)[0].path) is not None


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


class _EnoughError(Exception):
    """A batch has been read."""


def measure_texts(logs: Sequence[Path], config: ReadConfig) -> float:
    """Return the bytes of distinct ids that are text, per event of a log's first batch.

    The whole log has fewer per event, as ids occur again. It is 0 for a file that is not read in
    batches, or cannot be read.
    """
    found = 0.0

    def take(log: Log) -> None:
        nonlocal found
        for name, ids in log.events.items():
            if name in (USER_ID, SESSION_ID, ITEM_ID) and isinstance(
                ids.dtype, pd.CategoricalDtype
            ):
                found += written_ids(ids).nbytes / len(ids)
        raise _EnoughError

    part = find_parts(logs)[0]
    if name_typed_file(part.path) not in ("Parquet", None):
        return 0.0
    with (
        tempfile.TemporaryDirectory(prefix="sbr-") as folder,
        suppress(_EnoughError, WholeFileError, DataError),  # reading the log tells about errors
    ):
        read_batches(part, config, take, Path(folder), _SAMPLE_BYTES)
    return found
