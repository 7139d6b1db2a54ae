"""Columns that are collected piece by piece: in memory, or in a file that is then mapped.

The file has no name and vanishes with the process. It lies on the disk of the dataset or, if
nothing can be written there, in the system's folder of temporary files (`TMPDIR`).
"""

import errno
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from sbrcli.errors import ArtefactError
from sbrcli.sessions import IN_MEMORY_EVENTS, Sessions


class Column:
    """A column that is collected in memory or in a file.

    Args:
        folder: the dataset's, on whose disk the file lies.
        is_large: whether to use a file.
    """

    def __init__(self, folder: Path, is_large: bool) -> None:
        self._folder, self._is_large = folder, is_large
        self._parts: list[npt.NDArray[np.generic]] = []
        self._file: IO[bytes] | None = None
        self._dtype: np.dtype[Any] | None = None
        self._length = 0

    def add(self, values: npt.NDArray[np.generic]) -> bool:
        """Add values; return whether they have the type of those before."""
        if self._dtype is not None and self._dtype != values.dtype:
            return False
        self._dtype = values.dtype
        self._length += len(values)
        if not self._is_large:
            self._parts.append(values)
            return True
        with _full_disk_explained(self._folder):
            if self._file is None:
                self._file = _open_nameless(self._folder)
            self._file.write(np.ascontiguousarray(values).view(np.uint8).data)
        return True

    def finish(self) -> npt.NDArray[Any]:
        """Return the whole column."""
        if self._file is None or self._dtype is None:
            parts, self._parts = self._parts, []
            return parts[0] if len(parts) == 1 else np.concatenate(parts)
        with self._file as file, _full_disk_explained(self._folder):
            if not self._length:  # nothing cannot be mapped
                return np.empty(0, self._dtype)
            file.flush()
            # Copy on write: who changes the array changes no file. The mapping outlives the file.
            mapped = np.memmap(file, self._dtype, "c", shape=(self._length,))
        return mapped.view(np.ndarray)


def collect_sessions(folder: Path, blocks: Iterable[Sessions], num_events: int) -> Sessions:
    """Return blocks of sessions as one, in memory or, if they may be many, mapped from disk.

    Args:
        folder: the dataset's, on whose disk they lie.
        blocks: at least one. Either all have targets, or none has.
        num_events: an upper bound of the number of events.

    Raises:
        ArtefactError: the disk has no room for them.
    """
    is_large = num_events > IN_MEMORY_EVENTS
    items, offsets, times, targets = (Column(folder, is_large) for _ in range(4))
    end, has_targets = 0, False
    offsets.add(np.zeros(1, np.int64))
    for block in blocks:
        items.add(block.item_indices)
        times.add(block.timestamps)
        offsets.add(end + block.offsets[1:].astype(np.int64, copy=False))
        if block.targets is not None:
            targets.add(block.targets)
            has_targets = True
        end += len(block.item_indices)
    return Sessions(
        items.finish(),
        offsets.finish(),
        times.finish(),
        targets.finish() if has_targets else None,
    )


def join_sessions(folder: Path, first: Sessions, second: Sessions) -> Sessions:
    """Return sessions followed by others, as `Sessions.followed_by`; see `collect_sessions`."""
    if len(first.item_indices) + len(second.item_indices) <= IN_MEMORY_EVENTS:
        return first.followed_by(second)
    times = np.result_type(first.timestamps, second.timestamps)
    has_targets = first.targets is not None or second.targets is not None
    blocks = (
        replace(
            block,
            timestamps=block.timestamps.astype(times, copy=False),
            targets=block.target_mask if has_targets else None,
        )
        for one in (first, second)
        for block in one.blocks()
    )
    return collect_sessions(folder, blocks, len(first.item_indices) + len(second.item_indices))


def _open_nameless(folder: Path) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(dir=folder)
    except PermissionError:
        return tempfile.TemporaryFile()
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return tempfile.TemporaryFile()


@contextmanager
def _full_disk_explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArtefactError(
            f"cannot write the columns of dataset {folder.name} to a temporary file: "
            f"{error.strerror or error}",
            hint="free 12 bytes for each of its events on the disk of the work directory",
        ) from error
