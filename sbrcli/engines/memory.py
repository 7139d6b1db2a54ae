"""Estimate the memory and disk that work in parts takes, and the number of parts."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

from sbrcli.errors import ConfigError

MAX_PARTS = 10_000

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_PROCESS_BYTES = 300 * 10**6
"""Memory of a process that has loaded pandas and PyArrow, with its buffers."""
_WHOLE_ROW_BYTES = 190
"""Memory per row if all are loaded at once; measured with numeric ids and 2 events a user."""
_PART_ROW_BYTES = 200
"""Memory per row of a part."""
_WHOLE_COPIES, _PART_COPIES = 4, 5
"""How often the texts of ids are in memory; measured with UUIDs."""
_LONG_TEXTS = 120
"""Bytes of ids per row that long texts hardly exceed, such as two UUIDs that occur once."""
_DISK_ROW_BYTES = 70
"""Disk space per row: twice on scratch, and in the result."""


@dataclass(frozen=True, slots=True)
class Room:
    """What work in parts may use, and what it needs.

    Args:
        memory: bytes that all processes may use.
        processes: the number of processes that share it.
        num_rows: the approximate number of rows.
        text_bytes: the bytes of distinct ids that are text, per row; 0 if ids are numbers.
        least_parts: that many parts are made even if fewer would fit.
    """

    memory: int
    processes: int
    num_rows: int
    text_bytes: float = 0.0
    least_parts: int = 1

    @property
    def holds_all(self) -> bool:
        """Whether all rows fit into memory at once."""
        row = _WHOLE_ROW_BYTES + _WHOLE_COPIES * self.text_bytes
        return _PROCESS_BYTES + row * self.num_rows <= self.memory

    @property
    def depends_on_texts(self) -> bool:
        """Whether all rows fit into memory if ids are numbers, but not if they are long texts."""
        return self.holds_all and not replace(self, text_bytes=_LONG_TEXTS).holds_all

    @property
    def rows_per_part(self) -> int:
        """The maximum number of rows in a part.

        Raises:
            ConfigError: the memory does not suffice for the processes themselves.
        """
        # The process that starts the others holds no part.
        own = self.memory if self.processes == 1 else self.memory - _PROCESS_BYTES // 2
        row = _PART_ROW_BYTES + _PART_COPIES * self.text_bytes
        rows = int((own // self.processes - _PROCESS_BYTES) / row)
        if rows < 10_000:
            least = _PROCESS_BYTES * self.processes + _PROCESS_BYTES // 2
            raise ConfigError(
                f"{size_in_words(self.memory)} of memory are too little for {self.processes:,} "
                "process" + ("es" if self.processes > 1 else ""),
                hint=f"give --memory at least {math.ceil(least / 10**8) * 100}MB",
            )
        return rows

    @property
    def num_parts(self) -> int:
        """The number of parts that are needed.

        Raises:
            ConfigError: the memory does not suffice.
        """
        return min(MAX_PARTS, max(self.least_parts, math.ceil(self.num_rows / self.rows_per_part)))

    @property
    def batch_bytes(self) -> int:
        """The size of a piece of a file to read at once."""
        return min(max(self.memory // 32, 1 << 22), 1 << 26)

    @property
    def disk(self) -> int:
        """Approximate number of bytes of disk that the work needs."""
        return _DISK_ROW_BYTES * self.num_rows


def free_memory() -> int | None:
    """Return the bytes of memory that a process can still take; None if the system does not say.

    That is what the machine has, or less if the process's container has a limit.
    """
    found = [size for size in (_free_of_machine(), _free_of_container()) if size is not None]
    return min(found, default=None)


def size_in_words(size: float) -> str:
    """Write a number of bytes for a message, as in 1.4 MB or 2.5 GB."""
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"


def _free_of_machine() -> int | None:
    try:
        lines = _MEMINFO.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _free_of_container() -> int | None:
    try:
        most = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        cache = next(
            int(line.split()[1])
            for line in (_CGROUP / "memory.stat").read_text().splitlines()
            if line.startswith("file ")
        )
    except (OSError, ValueError, StopIteration):  # no container, or "max"
        return None
    return most - used + cache
