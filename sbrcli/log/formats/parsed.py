"""What a kind of file is parsed to."""

from typing import NamedTuple

import pyarrow as pa

from sbrcli.log.columns.lists import OpenedLists


class Parsed(NamedTuple):
    """The events of a file, of the columns that are used.

    Args:
        table: one row per event.
        gaps: how many events were left out because they lack a value.
        lists: what became of rows of lists; None where there are none.
    """

    table: pa.Table
    gaps: int = 0
    lists: OpenedLists | None = None
