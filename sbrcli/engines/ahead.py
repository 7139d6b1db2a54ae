"""Submit some parts before the first result is taken, and take the results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

_Part = TypeVar("_Part")
_Waiting = TypeVar("_Waiting")
_Result = TypeVar("_Result")


def run_ahead(
    parts: Iterable[_Part],
    ahead: int,
    submit: Callable[[_Part], _Waiting],
    take: Callable[[_Waiting], _Result],
    drop: Callable[[deque[_Waiting]], object],
) -> Iterator[_Result]:
    """Yield the result of each part, in order.

    Args:
        parts: what to submit.
        ahead: how many parts are submitted and not yet taken.
        submit: returns what stands for a result that is not there yet.
        take: waits for the result.
        drop: called at the end, however it comes, with what was submitted and not taken.
    """
    rest, waiting = iter(parts), deque[_Waiting]()
    try:
        while True:
            for part in islice(rest, ahead - len(waiting)):
                waiting.append(submit(part))
            if not waiting:
                return
            result = take(waiting[0])
            waiting.popleft()
            yield result
    finally:
        drop(waiting)
