"""Leave out the events of the ids that `--drop-id` names."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.errors import DataError
from sbrcli.log.columns.matching import ROLE_NAMES


class AllDroppedError(DataError):
    """Each event has an id that is left out; one batch of a log may have none left.

    Args:
        path: the log.
        num_events: how many were left out.
    """

    def __init__(self, path: Path, num_events: int) -> None:
        super().__init__(
            f"{path}: each of {num_events:,} events has an id that --drop-id leaves out",
            hint="leave fewer ids out",
        )
        self.num_events = num_events


def drop_ids(
    path: Path, table: pa.Table, dropped: Mapping[str, Sequence[str]]
) -> tuple[pa.Table, int]:
    """Return a table without the events of some ids.

    Args:
        path: the log, for messages.
        table: with ids as parsed, of any type.
        dropped: ids by role: user, session or item. An empty id also drops missing ones.

    Returns:
        The other events, and the number left out.

    Raises:
        DataError: the log has no column for a role, or no event is left.
    """
    keeps = None
    for column, role in ROLE_NAMES.items():
        if role not in dropped:
            continue
        if column not in table.column_names:
            raise DataError(
                f"{path}: no column for the {role}, which --drop-id needs",
                hint=f"--columns {role}=NAME says which it is; else leave --drop-id {role}= out",
            )
        is_other = _is_other(table[column], dropped[role])
        keeps = is_other if keeps is None else pc.and_(keeps, is_other)  # pyright: ignore
    if keeps is None:
        return table, 0
    kept = table.filter(keeps)
    if not kept.num_rows:
        raise AllDroppedError(path, table.num_rows)
    for at, field in enumerate(kept.schema):
        if pa.types.is_dictionary(field.type):  # it still holds the ids left out
            texts = kept.column(at).cast(field.type.value_type)
            kept = kept.set_column(at, field.name, texts.dictionary_encode())
    return kept, table.num_rows - kept.num_rows


def _is_other(ids: pa.ChunkedArray, dropped: Sequence[str]) -> pa.ChunkedArray:
    """Return which events have none of the dropped ids: (events,) bool."""
    texts = ids.cast(pa.string())
    if "" in dropped:
        texts = texts.fill_null("")
    is_dropped = pc.is_in(texts, pa.array(dropped, pa.string()))  # pyright: ignore
    return pc.invert(is_dropped)  # pyright: ignore
