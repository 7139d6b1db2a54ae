"""A log that was read: its events and how they were read."""

from dataclasses import dataclass

import pandas as pd

from sbrcli.log.columns.lists import OpenedLists
from sbrcli.log.columns.shared_sessions import SharedSessions
from sbrcli.log.formats.bad_rows import BadRows
from sbrcli.log.formats.log_format import LogFormat


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was read.

    Args:
        events: its event table in file order.
        format: the detected format of its file.
        other_events: number of events of types that `--event` does not select.
        bad_rows: the rows left out by `--skip-bad-rows`; None if there are none.
        event_kinds: number of events of each type, the most frequent first, including those that
            `--event` leaves out; None if types were not read.
        shared_sessions: number of session ids that several users share; None if there are none.
        dropped_ids: number of events that `--drop-id` left out.
        lists: how its rows of lists were opened; None if it has none.
        skipped_files: documents and empty files in its folders, which were not read.
    """

    events: pd.DataFrame
    format: LogFormat
    other_events: int = 0
    bad_rows: BadRows | None = None
    event_kinds: dict[str, int] | None = None
    shared_sessions: SharedSessions | None = None
    dropped_ids: int = 0
    lists: OpenedLists | None = None
    skipped_files: tuple[str, ...] = ()
