"""Move a progress bar by time, where the work reports its progress rarely."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_SHORT = 0.1
"""Seconds between two reports; shorter ones say nothing of the pace, and need no help."""


class Pace:
    """Move a bar: to the exact number when it is reported, and at the last pace in between.

    A call of a network's graph can take many seconds, and reports only its end.
    """

    def __init__(self, bar: Any, *, is_steady: bool) -> None:
        """Initialise at the number that a tqdm bar shows; move in between only if `is_steady`."""
        self._bar = bar
        self._is_steady = is_steady
        self._lock = threading.Lock()
        self._done, self._reported_at = bar.n, time.monotonic()
        self._step, self._seconds = 0, 1.0

    def advance(self, step: int, /, **figures: object) -> None:
        """Record that this many more units are done."""
        now = time.monotonic()
        with self._lock:
            seconds = now - self._reported_at
            self._step, self._seconds = (step, seconds) if seconds > _SHORT else (0, 1.0)
            self._reported_at = now
            self._done += step
            self._bar.set_postfix(figures, refresh=False) if figures else None
            self._bar.update(max(0, self._done - self._bar.n))

    def draw(self) -> None:
        """Redraw the bar where it should be now: short of the next report, if that is as large.

        It waits for a smaller one, and never moves back.
        """
        with self._lock:
            if self._is_steady:
                waited = time.monotonic() - self._reported_at
                moved = int(self._step * min(waited / self._seconds, 0.95))
                reached = min(self._done + moved, max(self._done, self._bar.total))
                self._bar.n = max(self._bar.n, reached)
            self._bar.refresh()


@contextmanager
def calling_often(draw: Callable[[], None]) -> Iterator[None]:
    """Call `draw` twice a second while the body runs."""
    is_over = threading.Event()

    def keep_drawing() -> None:
        while not is_over.wait(0.5):
            draw()

    thread = threading.Thread(target=keep_drawing, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
