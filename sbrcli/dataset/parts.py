"""The parts of a log: the events of whole users, in the dataset's order.

Parts laid end to end are the log in the dataset's order. A part gives its events as a table of
session_id, item_id and timestamp, whose item_id is a categorical with the same categories in all
parts. A log that fits into memory is one part.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import pandas as pd

_Value = TypeVar("_Value")


class Filter(Protocol):
    """What is left of a part's events after some steps of cleansing."""

    @property
    def until(self) -> float | None:
        """The moment before which events are cleansed; None for all events."""
        ...

    def apply(self, events: pd.DataFrame) -> pd.DataFrame:
        """Return the events that are left."""
        ...


class Part(Protocol):
    """The events of a range of users."""

    @property
    def number(self) -> int:
        """Its place among the parts, from 0."""
        ...

    def load(self) -> pd.DataFrame:
        """Return its events."""
        ...

    def filtered(self, wanted: Filter) -> pd.DataFrame:
        """Return what a filter leaves of its events."""
        ...

    def hold(self, done: Filter, events: pd.DataFrame) -> None:
        """Take what a filter has left, which later filters with the same `until` only narrow."""
        ...

    def once(self, owner: object, key: str, make: Callable[[], _Value]) -> _Value:
        """Return what `make` returns, or has returned before for the same owner and key."""
        ...


class MemoryPart:
    """A part in memory, which does no step twice; it serves one plan.

    Args:
        events: in the dataset's order, without repeats if these are dropped.
        number: its place among the parts.
    """

    def __init__(self, events: pd.DataFrame, number: int = 0) -> None:
        self.number = number
        self._events = events
        self._left: dict[float | None, tuple[Filter, pd.DataFrame]] = {}
        self._owner: object = None
        self._made: dict[str, Any] = {}

    def load(self) -> pd.DataFrame:
        """Return its events."""
        return self._events

    def filtered(self, wanted: Filter) -> pd.DataFrame:
        """Return what a filter leaves of its events."""
        held = self._left.get(wanted.until)
        if held is None or held[0] is not wanted:
            self.hold(wanted, wanted.apply(self._events if held is None else held[1]))
        return self._left[wanted.until][1]

    def hold(self, done: Filter, events: pd.DataFrame) -> None:
        """Hold what a filter has left, in place of the previous filter's result."""
        self._left[done.until] = (done, events)
        if done.until is None:
            self._events = events  # lets go of the rest

    def once(self, owner: object, key: str, make: Callable[[], _Value]) -> _Value:
        """Return what `make` returns, or has returned before for the latest owner."""
        if self._owner is not owner:
            self._owner, self._made = owner, {}
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_left": {}, "_made": {}, "_owner": None}
