"""Disk operations: atomic deletion and replacement, flushing, locks."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"
"""The suffix of a file that is still being written."""


def remove_folder(folder: Path, aside: Path) -> None:
    """Delete a folder atomically: rename it to `aside`, then delete that."""
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(exist_ok=True)
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def free_bytes(path: Path) -> int | None:
    """Return how many bytes the disk of a file or folder, present or not, can still take.

    None if the system does not say.
    """
    present = (folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    try:
        return shutil.disk_usage(next(present)).free
    except OSError:
        return None


def put_in_place(new: Path, target: Path, aside: Path) -> None:
    """Rename a folder to its target; if that fails, restore what was moved aside from there."""
    try:
        new.rename(target)
    finally:
        if aside.exists() and not target.exists():
            aside.rename(target)
    flush_folder(target.parent)


def flush_files(folder: Path) -> None:
    """Flush all files of a folder to disk, before the folder is renamed to its final name."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    flush_folder(folder)


def flush_folder(folder: Path) -> None:
    """Flush a folder's directory entries to disk, if the system supports it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Try to take an exclusive lock; the system releases it when the process ends."""
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
    """Return whether a process holds the lock on a file; False if the file does not exist."""
    try:
        with path.open("a" if os.name == "nt" else "r") as file:
            return not try_lock(file.fileno())
    except OSError:
        return False


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file to write; at the end it replaces `path` atomically.

    If the body raises, the temporary file is deleted and the old file stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):  # a read-only disk
            temporary.unlink(missing_ok=True)


def can_hold_file(path: Path) -> bool:
    """Return whether a file can be written to a path: its folder exists, and it is no device."""
    try:
        return path.parent.is_dir() and (path.is_file() or not path.exists())
    except OSError:  # such as a name that is too long
        return False
