"""Read a stream whose bytes may be long in coming."""

import os
import selectors
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

_CHUNK_BYTES = 1 << 20


def read_chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a stream as they come, up to its end.

    Ctrl-C ends the wait for them even if it arrives just before the wait begins. A plain read would
    miss it: Python has then looked for signals for the last time, and no further one interrupts
    the system call.

    Args:
        stream: nothing has been read from it yet.

    Raises:
        OSError: it cannot be read.
    """
    is_main = threading.current_thread() is threading.main_thread()
    descriptor = _descriptor_of(stream)
    if descriptor is None or not is_main or not hasattr(selectors, "PollSelector"):
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
        return
    with _woken_by_signals() as alarm, selectors.PollSelector() as selector:
        selector.register(alarm, selectors.EVENT_READ)
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            ready = [key.fd for key, _ in selector.select()]
            if alarm in ready:
                os.read(alarm, 4096)  # the signal's handler has run by now
            if descriptor in ready:
                chunk = os.read(descriptor, _CHUNK_BYTES)
                if not chunk:
                    return
                yield chunk


def _descriptor_of(stream: BinaryIO) -> int | None:
    """Return the number of a stream's open file; None if it has none, as one in memory."""
    try:
        return stream.fileno()
    except OSError:
        return None


@contextmanager
def _woken_by_signals() -> Iterator[int]:
    """Yield a pipe that can be read as soon as a signal has arrived."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    before = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    try:
        yield readable
    finally:
        signal.set_wakeup_fd(before)
        os.close(readable)
        os.close(writable)
