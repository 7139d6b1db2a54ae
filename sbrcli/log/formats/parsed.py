"""The result of parsing a file."""

from typing import NamedTuple

import pyarrow as pa

from sbrcli.log.columns.lists import OpenedLists


class Parsed(NamedTuple):
    """The used columns of a file, one row per event.

    Args:
        table: one row per event.
        gaps: the number of events left out because they lack a value.
        lists: how rows of lists were opened; None if there are none.
    """

    table: pa.Table
    gaps: int = 0
    lists: OpenedLists | None = None
