"""Sessions that grow by requests: their events, and the state of the model after them."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class StoredSession:
    """A session: its events so far, and the state of the model after them."""

    items: list[str] = field(default_factory=list)
    """Its item ids, oldest first, those that the run does not know included."""

    state: Any = None
    """The model's state after them; None if there is none yet."""

    model: object = None
    """The model whose state it is."""

    used_at: float = 0.0


class SessionStore:
    """Sessions by id, limited in number and in the time since their last event.

    Args:
        most: how many are kept; the least recently used one leaves first.
        seconds: how long a session without events is kept.
        now: the clock, in seconds.
    """

    def __init__(
        self, most: int, seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._seconds, self._now = most, seconds, now
        self._sessions: OrderedDict[str, StoredSession] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def take(self, session_id: str) -> StoredSession:
        """Return the session with an id, a new one if there is none, and mark it as just used."""
        self._forget_old()
        session = self._sessions.pop(session_id, None) or StoredSession()
        session.used_at = self._now()
        self._sessions[session_id] = session
        if len(self._sessions) > self._most:
            self._sessions.popitem(last=False)
        return session

    def remove(self, session_id: str) -> bool:
        """Forget a session, and return whether there was one."""
        self._forget_old()
        return self._sessions.pop(session_id, None) is not None

    def _forget_old(self) -> None:
        """Forget the expired sessions, which come first."""
        oldest_kept = self._now() - self._seconds
        while self._sessions:
            session_id = next(iter(self._sessions))
            if self._sessions[session_id].used_at >= oldest_kept:
                return
            del self._sessions[session_id]
