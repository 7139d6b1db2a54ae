"""Defer Ctrl-C to a point at which training can stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def deferred_interrupt(tell: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Record the first Ctrl-C instead of raising it; a second one raises immediately.

    Args:
        tell: called at the first Ctrl-C, from within the signal's handler.

    Yields:
        A function that returns whether Ctrl-C was pressed. It returns False in a thread other than
        the main one, which receives no signals, and if another handler is installed.
    """
    pressed = False

    def note(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            signal.default_int_handler(number, frame)
        pressed = True
        # A write to a stream fails if the signal interrupted another write to it.
        with suppress(RuntimeError):
            tell()

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer the first Ctrl-C to the end of the block; a second one raises immediately.

    TensorFlow, interrupted while it is loaded or traces a graph, raises errors of its own.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed, after the block.
    """
    with deferred_interrupt(lambda: None) as is_interrupted:
        yield
    if is_interrupted():
        raise KeyboardInterrupt
