"""Check that the workers of a cluster see the folder in which the parts of a log lie."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sbrcli.version import __version__


@contextmanager
def shown(folder: Path) -> Iterator[str]:
    """Write a file into a folder, and yield what it holds; delete it and what workers wrote."""
    token = secrets.token_hex(8)
    (folder / "seen").write_text(token)
    try:
        yield token
    finally:
        for path in folder.glob("seen*"):
            path.unlink(missing_ok=True)


def look(folder: Path, token: str) -> tuple[str, str | None]:
    """Return a worker's version, and the file that it has written beside the client's.

    Args:
        folder: an absolute path.
        token: what the client's file holds.

    Returns:
        The version, and the file's name; None if the worker does not see the folder.
    """
    try:
        if (folder / "seen").read_text() != token:
            return __version__, None
        name = f"seen-{secrets.token_hex(8)}"
        (folder / name).touch()
    except OSError:
        return __version__, None
    return __version__, name
