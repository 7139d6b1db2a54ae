"""Ctrl-C at a moment that suits: between two calls of the graph, not while weights move."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def deferred_interrupt(tell: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Note a first Ctrl-C instead of raising it; a second one raises at once.

    Args:
        tell: called at the first Ctrl-C, from within the signal's handler.

    Yields:
        A function that tells whether Ctrl-C was pressed. In a thread other than the main one,
        which gets no signals, it never was; so also where something else listens for them.
    """
    pressed = False

    def note(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            signal.default_int_handler(number, frame)
        pressed = True
        # A stream that was just being written to when the signal came refuses to be written to.
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
