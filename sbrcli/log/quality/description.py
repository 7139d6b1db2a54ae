"""Describe how a log was read, what was left out, and what is doubtful."""

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo

from sbrcli.log.columns.matching import ROLE_NAMES, listed, other_columns
from sbrcli.log.columns.times import ORDER, format_time
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats.log_format import describe_format
from sbrcli.log.log import Log

_LONGEST_ID = 40
_MAX_KINDS = 5
_MAX_KNOWN_KINDS = 100
"""A column with more distinct values does not hold event types."""


def describe_reading(log: Log) -> str:
    """Return one line on how a log was read and what was left out."""
    left_out = _list_left_out(log)
    words = _describe_columns(log)
    return f"{words}; left out: {'; '.join(left_out)}" if left_out else words


def describe_log_as_read(log: Log, zone: tzinfo = UTC) -> tuple[str, str]:
    """Return one line on how a log was read, and one on what was left out.

    Args:
        log: at least one event.
        zone: where times are printed.
    """
    read = f"{_describe_columns(log)}; first event: {_describe_first_event(log, zone)}"
    left_out = _list_left_out(log)
    if log.other_events:
        left_out.append(f"events of other kinds: {log.other_events:,}")
    words = f"left out: {'; '.join(left_out) or 'nothing'}"
    if log.event_kinds is not None and not log.other_events:
        words += _describe_kinds(log.event_kinds)
    return read, words


def describe_doubts(warnings: Sequence[str]) -> str:
    """Return one line with the number of warnings and the first of them in short."""
    if not warnings:
        return "nothing doubtful"
    short = re.split(r"[.:;] ", warnings[0], maxsplit=1)[0].removesuffix(".")
    if len(warnings) == 1:
        return f"doubtful: {short}"
    return f"doubtful: {short}; {len(warnings)} warnings in all"


def _describe_columns(log: Log) -> str:
    """Return one line on how a log was read."""
    words = f"read as {describe_format(log.format)}"
    if log.lists is not None:
        words += f"; {log.lists}"
    if log.format.num_spanning:
        words += f"; rows that span lines, as a quoted field does: {log.format.num_spanning:,}"
    if log.shared_sessions is not None:
        words += f"; {log.shared_sessions}"
    return words


def _list_left_out(log: Log) -> list[str]:
    """Return phrases on what was left out in reading a log."""
    phrases = []
    if log.skipped_files:
        phrases.append(f"files that hold no events: {listed(log.skipped_files)}")
    if log.bad_rows is not None:
        count, first = log.bad_rows.count, log.bad_rows.first
        phrases.append(f"rows that cannot be events: {count:,}, the first: {first}")
    if log.dropped_ids:
        phrases.append(f"events of ids that --drop-id names: {log.dropped_ids:,}")
    others = other_columns(log.format.names, log.format.columns)
    phrases += [
        f"columns that may be the {role}: {listed(names)}" for role, names in others.items()
    ]
    return phrases


def _describe_first_event(log: Log, zone: tzinfo) -> str:
    """Return the log's first event as `user 71, item 501, 2021-03-01 08:00:00 UTC`.

    There is no time if the log was read without times.
    """
    words = []
    for column in (USER_ID, SESSION_ID, ITEM_ID):
        if column in log.events:
            text = str(log.events[column].iloc[0]).replace("\n", "\\n")
            short = text if len(text) <= _LONGEST_ID else f"{text[: _LONGEST_ID - 3]}..."
            words.append(f"{ROLE_NAMES[column]} {short}")
    if log.format.time_unit == ORDER:
        return ", ".join(words)
    time = format_time(log.events[TIMESTAMP].iloc[0].item(), zone).replace("T", " ")
    # 2021-03-01 08:00:00 UTC, and in other zones 2021-03-01 17:00:00 +09:00.
    utc = time.removesuffix("+00:00")
    return ", ".join([*words, f"{utc} UTC" if utc != time else f"{time[:-6]} {time[-6:]}"])


def _describe_kinds(kinds: Mapping[str, int]) -> str:
    """Return the event types, and how to read one alone; "" if there is one type."""
    named = [kind for kind in kinds if kind]
    if not named or not 1 < len(kinds) <= _MAX_KNOWN_KINDS:
        return ""
    shown = [f"{kind or '(no kind)'} {kinds[kind]:,}" for kind in list(kinds)[:_MAX_KINDS]]
    more = [f"{len(kinds) - _MAX_KINDS} more"] if len(kinds) > _MAX_KINDS else []
    listing, one = ", ".join(shown + more), shlex.quote(named[0])
    return f"; kinds of events: {listing}; --event {one} keeps one kind"
