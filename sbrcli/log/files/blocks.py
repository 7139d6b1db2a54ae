"""Cut a long text into blocks, so that only those that the fast reader refuses are checked row by
row.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from sbrcli.log.files.opening import opened
from sbrcli.log.formats.log_format import LogFormat

_BLOCK_BYTES = 1 << 23


def refused_blocks(
    path: Path, log_format: LogFormat, accepts: Callable[[Path, LogFormat], bool]
) -> Iterator[tuple[Path, LogFormat, int]]:
    """Write the blocks of a text to files, one after another, and yield those that are refused.

    Each begins with the lines above the first row. A file exists until the next one is yielded.

    Args:
        path: the log's file.
        log_format: its detected format.
        accepts: returns whether a text is read without an error.

    Yields:
        The file of a block, its format, and the number of lines in the blocks before it.
    """
    if not _is_divisible(log_format):
        return
    plain = replace(log_format, compression=None)
    with (
        opened(path) as file,
        tempfile.TemporaryDirectory(prefix="sbr-") as folder,
    ):
        block = Path(folder) / "block"
        head = b""
        num_lines = 0
        for rows in _whole_lines(file):
            if not num_lines and log_format.skipped_lines:
                lines = rows.splitlines(keepends=True)[: log_format.skipped_lines]
                head = b"".join(lines)
                rows = rows[len(head) :]  # noqa: PLW2901
            block.write_bytes(head + rows)
            if not accepts(block, plain):
                yield block, plain, num_lines
            num_lines += rows.count(b"\n") + rows.count(b"\r") - rows.count(b"\r\n")


def _is_divisible(log_format: LogFormat) -> bool:
    """Return whether a text can be cut at any line end."""
    is_intact = log_format.has_open_quotes or log_format.num_spanning > 0
    return log_format.kind == "text" and not is_intact and log_format.encoding is None


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the text in blocks of whole lines."""
    rest = b""
    while chunk := file.read(_BLOCK_BYTES):
        end = chunk.rfind(b"\n") + 1
        if not end:
            rest += chunk
            continue
        yield rest + chunk[:end]
        rest = chunk[end:]
    if rest:
        yield rest
