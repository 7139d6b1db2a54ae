"""Identify a dataset by a hash of its content, not of its files' bytes.

Each event of a split gives 128 bits, mixed of its place, its session's place, its item, its time
and whether it is a target. The sum of these numbers identifies the split: it is the same whether
the events are summed up at once or part by part, in any order.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbrcli.dataset.storage import Items
from sbrcli.sessions import Sessions

_Words = npt.NDArray[np.uint64]

_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)
"""One for each half of the 128 bits."""
_MULTIPLIERS = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(32)
_TARGET = np.uint64(1 << 40)
_BLOCK = 1 << 15
"""Events mixed at once, which fit into a processor's cache."""


@dataclass(frozen=True, slots=True)
class Mix:
    """The events of a split, or of a part of it.

    Args:
        events: how many there are.
        sessions: how many sessions they make.
        kind: of their times: "i" for whole seconds, "f" for fractions.
        halves: the sums of the two halves of their 128 bits, modulo 2**64.
    """

    events: int
    sessions: int
    kind: str
    halves: tuple[int, int]

    def __add__(self, other: "Mix") -> "Mix":
        low, high = (
            (one + another) % 2**64 for one, another in zip(self.halves, other.halves, strict=True)
        )
        counts = (self.events + other.events, self.sessions + other.sessions)
        # A part without events may have the times of another log.
        return Mix(*counts, self.kind if self.events else other.kind, (low, high))


def mix(sessions: Sessions, first_event: int = 0, first_session: int = 0) -> Mix:
    """Mix the events of a part of a split.

    Args:
        sessions: the part.
        first_event: the number of events of the parts before it.
        first_session: the number of sessions of the parts before it.
    """
    times = np.ascontiguousarray(sessions.timestamps)
    kind = times.dtype.kind
    bits = times.astype(f"{kind}8").view(np.uint64)
    lengths = np.diff(sessions.offsets)
    places = np.repeat(np.arange(first_session, first_session + len(lengths)), lengths)
    sums = [0, 0]
    for begin in range(0, len(bits), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        items = sessions.item_indices[block].astype(np.uint64)
        if sessions.targets is not None:
            items += sessions.targets[block] * _TARGET
        own = np.arange(len(items), dtype=np.uint64) + np.uint64(first_event + begin)
        words = (own, places[block].astype(np.uint64), items, bits[block])
        for half, seed in enumerate(_SEEDS):
            sums[half] += int(_mix_words(words, seed).sum(dtype=np.uint64))
    return Mix(len(bits), len(lengths), kind, (sums[0] % 2**64, sums[1] % 2**64))


def _mix_words(words: Iterable[_Words], seed: int) -> _Words:
    """Mix several words of each event into one; multiplications wrap around."""
    first, second = (np.uint64(number) for number in _MULTIPLIERS)
    mixed: _Words | np.uint64 = np.uint64(seed)
    for word in words:
        mixed = (word ^ mixed) * first
        mixed ^= mixed >> _SHIFT
    assert isinstance(mixed, np.ndarray)
    mixed *= second
    mixed ^= mixed >> _SHIFT
    return mixed


def identify(item_ids: list[str], splits: Mapping[str, Mix]) -> str:
    """Return the fingerprint of a dataset.

    Datasets with the same fingerprint train the same model, regardless of what wrote their files
    and of the log's session ids.

    Args:
        item_ids: of all items, by index.
        splits: by the split's name.

    Returns:
        SHA-256 in hexadecimal digits.
    """
    digest = hashlib.sha256(json.dumps(item_ids).encode())
    for name in sorted(splits):
        one = splits[name]
        low, high = one.halves
        written = f"{name} {one.events} {one.sessions} {one.kind} {high:016x}{low:016x}"
        digest.update(written.encode())
    return digest.hexdigest()


def fingerprint(items: Items, splits: Mapping[str, Sessions]) -> str:
    """Return the fingerprint of a dataset in memory; see `identify`."""
    return identify(items.ids, {name: mix(sessions) for name, sessions in splits.items()})
