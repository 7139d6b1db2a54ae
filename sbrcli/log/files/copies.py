"""Copy what can be read only once to a temporary file."""

from collections.abc import Iterable
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.files.opening import explained


def copy_chunks(chunks: Iterable[bytes], copy: Path, most: int) -> int:
    """Write chunks of bytes to a file, and return the number of bytes.

    Args:
        chunks: the content.
        copy: the file to write.
        most: how many bytes there is space for.

    Raises:
        DataError: there are more, or the file cannot be written.
    """
    left = most
    with explained(copy), copy.open("wb") as target:
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                raise DataError(
                    f"{copy}: it fills more than half of the free space for temporary files",
                    hint="save it to a file and name that; TMPDIR says where temporary files lie",
                )
            target.write(chunk)
    return most - left
