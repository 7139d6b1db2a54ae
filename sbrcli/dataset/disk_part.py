"""A part of a log on scratch, which is read again for every step."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from sbrcli.dataset.parts import Filter
from sbrcli.dataset.pieces import encode_ids
from sbrcli.dataset.sessionize import id_codes
from sbrcli.engines.shuffle import read_table
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class DiskPart:
    """A part on scratch; see `Part`.

    Args:
        path: its file, as `encode_sessions` makes its table.
        number: its place among the parts.
        num_items: the number of distinct items of the log.
        first_session: what is added to the numbers of its sessions.
    """

    path: Path
    number: int
    num_items: int
    first_session: int

    def load(self) -> pd.DataFrame:
        """Read its events."""
        batch = read_table(self.path)
        sessions = batch[SESSION_ID]
        if pa.types.is_dictionary(sessions.type):
            ids: np.ndarray | pd.Categorical = pd.Categorical.from_codes(
                sessions.indices.to_numpy(),  # pyright: ignore[reportArgumentType]
                categories=pd.Index(sessions.dictionary.to_pandas()),
            )
        else:
            numbers = sessions.to_numpy()
            ids = numbers + self.first_session if self.first_session else numbers
        items = pd.CategoricalDtype(pd.RangeIndex(self.num_items))
        return pd.DataFrame(
            {
                SESSION_ID: ids,
                ITEM_ID: pd.Categorical.from_codes(batch[ITEM_ID].to_numpy(), dtype=items),
                TIMESTAMP: batch[TIMESTAMP].to_numpy(),
            },
            copy=False,
        )

    def filtered(self, wanted: Filter) -> pd.DataFrame:
        """Return what a filter leaves of its events."""
        return wanted.apply(self.load())

    def hold(self, done: Filter, events: pd.DataFrame) -> None:
        """Hold nothing: another process may run the next step."""

    def once(self, owner: object, key: str, make: Callable[[], _Value]) -> _Value:  # noqa: ARG002
        """Return what `make` returns."""
        return make()


def encode_sessions(events: pd.DataFrame) -> pa.Table:
    """Return the table to store of a part's events, sorted and cut into sessions."""
    return pa.table(
        {
            SESSION_ID: encode_ids(events[SESSION_ID]),
            ITEM_ID: pa.array(id_codes(events, ITEM_ID).astype(np.int32)),
            TIMESTAMP: pa.array(events[TIMESTAMP].to_numpy()),
        }
    )
