"""What a disk is asked to do: delete a folder at once, keep it, lock it; replace a file."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"
"""The ending of the name of a file that is still being written."""


def remove_folder(folder: Path, aside: Path) -> None:
    """Delete a folder at once: it is renamed aside, and then deleted file by file."""
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(exist_ok=True)
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def flush_files(folder: Path) -> None:
    """Flush each file of a folder to the disk, before the folder's name points to them."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take an exclusive lock that the system frees when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # pyright: ignore
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock on a file; False where there is no such file."""
    try:
        with path.open("a" if os.name == "nt" else "r") as file:
            return not try_lock(file.fileno())
    except OSError:
        return False


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a file beside `path` to write; at the end it takes its place, in one step.

    Where the body raises, nothing is left behind and what was there before stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):  # a read-only place refuses even what is not there
            temporary.unlink(missing_ok=True)


def can_hold_file(path: Path) -> bool:
    """Return whether a file may be written there: into a folder, and in no device's place."""
    try:
        return path.parent.is_dir() and (path.is_file() or not path.exists())
    except OSError:  # as of a name that is too long
        return False
