"""The protocol that every engine meets: run a function on each part, and merge the results.

A kernel is a top-level function of a module. It depends on its arguments alone, and returns
small arrays or writes a file of its own, so that it can run again and anywhere.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

_Result = TypeVar("_Result")


class Engine(Protocol):
    """Runs kernels on parts."""

    def map(
        self, kernel: Callable[..., _Result], parts: Sequence[Any], *shared: Any
    ) -> Iterator[_Result]:
        """Yield `kernel(part, *shared)` of each part, in the order of the parts."""
        ...

    def merge(
        self,
        kernel: Callable[..., _Result],
        parts: Sequence[Any],
        *shared: Any,
        combine: Callable[[_Result, _Result], _Result],
    ) -> _Result:
        """Return the results of `map`, combined in the order of the parts.

        Args:
            kernel: called as by `map`.
            parts: at least one.
            shared: further arguments, the same for each part.
            combine: associative; only one merged result is held at a time.
        """
        ...
