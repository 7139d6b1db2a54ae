"""Write a log that does not fit into memory to scratch, batch by batch, before it is sorted.

A piece holds the events of a batch in file order. What the whole log must agree on, such as whether
its ids are numbers or text, is collected meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.arrays import IntArray
from sbrcli.engines.shuffle import write_table
from sbrcli.log.columns.times import ORDER
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.log import Log

OWNER = "owner"
"""The column that is sorted by: the users of the log, or its sessions."""

_SAMPLED = 10_000
"""Events of a piece whose owners are sampled."""
_WHOLE_NUMBERS = r"^[+-]?[0-9]{1,1000}$"


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of a batch's events."""

    path: Path
    num_events: int


@dataclass(slots=True)
class Pieces:
    """The pieces of a log, and what they have in common.

    Args:
        folder: where they are written.
        owner: user_id or session_id.
        keeps_sessions: whether session ids are written beside users.
    """

    folder: Path
    owner: str
    keeps_sessions: bool = False
    written: list[Piece] = field(default_factory=list)
    num_events: int = 0
    has_text_owners: bool = False
    has_number_owners: bool = False
    are_whole_numbers: bool = True
    """Whether all owners that are text are whole numbers, such as 007."""

    has_fractions: bool = False
    """Whether a time has a fraction of a second."""

    text_bytes: int = 0
    """The bytes of the owners' texts, those of each piece once."""

    has_unnamed: bool = False
    """Whether an event has no owner."""

    sample: list[Any] = field(default_factory=list)
    """Owners of events at equal distances."""

    number_items: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    text_items: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))

    def take(self, log: Log) -> None:
        """Write a batch."""
        events = log.events
        owners = encode_ids(events[self.owner])
        items = encode_ids(events[ITEM_ID], always=True)
        times = events[TIMESTAMP].to_numpy()
        if log.format.time_unit == ORDER:
            times = np.arange(self.num_events, self.num_events + len(events))
        columns = {OWNER: owners, ITEM_ID: items, TIMESTAMP: pa.array(times)}
        if self.owner == SESSION_ID and USER_ID in events:
            columns[USER_ID] = pa.array(_hash(events[USER_ID]))
        if self.keeps_sessions:
            sessions = _as_texts(encode_ids(events[SESSION_ID], always=True))
            columns[SESSION_ID] = sessions
            self.text_bytes += sessions.dictionary.nbytes
        path = self.folder / f"piece-{len(self.written):05d}.arrow"
        write_table(path, pa.table(columns))
        self.written.append(Piece(path, len(events)))
        self.num_events += len(events)
        self.has_fractions |= times.dtype.kind == "f"
        self._note_owners(owners)
        self._note_items(items.dictionary)

    @property
    def item_ids(self) -> IntArray | pa.Array:
        """The distinct ids of the items; see `unite_items`."""
        return unite_items([self])

    def _note_owners(self, owners: pa.Array) -> None:
        step = max(1, len(owners) // _SAMPLED)
        chosen = owners.take(pa.array(np.arange(0, len(owners), step)))
        if not pa.types.is_dictionary(owners.type):
            self.has_number_owners = True
            self.sample += chosen.to_pylist()
            return
        self.has_text_owners = True
        self.text_bytes += owners.dictionary.nbytes
        texts = owners.dictionary
        matches = pc.match_substring_regex(texts, _WHOLE_NUMBERS)  # pyright: ignore
        self.are_whole_numbers &= pc.all(matches).as_py()  # pyright: ignore
        self.has_unnamed |= texts.index("").as_py() >= 0
        self.sample += chosen.cast(pa.string()).to_pylist()

    def _note_items(self, items: pa.Array) -> None:
        if pa.types.is_string(items.type):
            both = pa.concat_arrays([self.text_items, items])
            self.text_items = pc.unique(both)  # pyright: ignore
        else:
            self.number_items = np.union1d(self.number_items, items.to_numpy())


def unite_items(logs: Sequence[Pieces]) -> IntArray | pa.Array:
    """Return the distinct ids of the items of logs: ascending numbers if all are, else strings."""
    numbers = reduce(np.union1d, (one.number_items for one in logs))
    texts = [one.text_items for one in logs]
    if not any(map(len, texts)):
        return numbers
    together = pa.concat_arrays([*texts, pa.array(numbers).cast(pa.string())])
    return pc.unique(together)  # pyright: ignore


def encode_ids(ids: Any, *, always: bool = False) -> pa.Array:
    """Return ids of the event table as Arrow's: integers, or indices into distinct strings.

    Args:
        ids: a column of an event table.
        always: return indices into distinct values for integers, too.
    """
    if isinstance(ids.dtype, pd.CategoricalDtype):
        texts = pa.array(ids.cat.categories, pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(ids.cat.codes.astype(np.int32)), texts)
    if not always:
        return pa.array(ids.to_numpy())
    codes, values = pd.factorize(ids.to_numpy())
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))


def _as_texts(encoded: pa.DictionaryArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(encoded.indices, encoded.dictionary.cast(pa.string()))


def _hash(ids: Any) -> IntArray:
    """Return a hash of each id; equal ids have equal hashes."""
    encoded = encode_ids(ids, always=True)
    texts = encoded.dictionary.cast(pa.string()).to_numpy(zero_copy_only=False)
    hashed = pd.util.hash_array(texts)  # pyright: ignore[reportAttributeAccessIssue]
    return hashed.view(np.int64)[encoded.indices.to_numpy()]
