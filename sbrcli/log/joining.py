"""Join the parts of a log, each read separately, into one event table."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sbrcli.errors import DataError
from sbrcli.log.columns.ids import Ids, read_ids, written_ids
from sbrcli.log.columns.lists import OpenedLists
from sbrcli.log.columns.matching import ROLE_NAMES
from sbrcli.log.columns.times import ORDER, unit_name
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.files.opening import EmptyLogError, opened
from sbrcli.log.files.parts import Part
from sbrcli.log.formats.bad_rows import BadRows
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.log import Log

_MATCHED = (USER_ID, SESSION_ID, ITEM_ID, TIMESTAMP)


def read_parts(parts: Sequence[Part], read: Callable[[Part], Log]) -> Log:
    """Read every part, and concatenate their events in the order of the parts.

    Args:
        parts: at least one.
        read: reads one of them; its event table may be empty.

    Raises:
        DataError: a part cannot be read, has other columns or another unit of time than the
            first, or no part holds an event.
    """
    logs: list[tuple[Part, Log]] = []
    for part in parts:
        try:
            log = read(part)
        except EmptyLogError:
            if part is parts[-1] and not logs:
                raise
            continue
        except DataError as error:
            if not logs or _has_header_of(part, logs[0][1].format):
                raise
            names = _some_quoted([part.path for part in parts])
            raise DataError(
                str(error),
                hint="name the files that hold the events, or take the others out of the folder; "
                f"if the first part alone has the header: cat {names} | sbr stats -",
            ) from error
        if logs:
            _require_alike(logs[0], (part, log))
        logs.append((part, log))
    if len(logs) == 1:
        return logs[0][1]
    return _join([log for _, log in logs], [part for part, _ in logs])


def _has_header_of(part: Part, log_format: LogFormat) -> bool:
    """Return whether a part has the header of the first part, or that part has none."""
    if log_format.kind != "text" or not log_format.has_header:
        return True
    with opened(part.path, log_format.encoding) as file:
        begins = file.read(1 << 16).decode("utf-8", errors="replace")
    return all(name in begins for name in log_format.names)


def _some_quoted(paths: Sequence[Path]) -> str:
    names = [shlex.quote(str(path)) for path in paths[:3]]
    return " ".join([*names, "..."] if len(paths) > len(names) else names)


def _require_alike(first: tuple[Part, Log], other: tuple[Part, Log]) -> None:
    here, there = (_describe_columns(log.format) for _, log in (first, other))
    if here.casefold() != there.casefold():
        if first[1].format.has_header and not other[1].format.has_header:
            names = _some_quoted([first[0].path, other[0].path])
            raise DataError(
                f"{other[0].path}: it has no header, and that of {first[0].path} names its columns",
                hint=f"if the first part alone has the header: cat {names} | sbr stats -",
            )
        raise DataError(
            f"{other[0].path}: its columns are {there}, and those of {first[0].path} {here}",
            hint="the parts of one log have the same columns; see which --columns they share",
        )
    units = [log.format.time_unit for _, log in (first, other)]
    if units[0] != units[1] and len(first[1].events) and len(other[1].events):
        names = [unit_name(unit) for unit in units]
        raise DataError(
            f"{other[0].path}: its times are in {names[1]}, and those of {first[0].path} in "
            f"{names[0]}",
            hint="give all parts times in one unit; --time-unit says which, if it was not seen",
        )


def _describe_columns(log_format: LogFormat) -> str:
    words = [f"{ROLE_NAMES[c]}={log_format.name_of(c)}" for c in _MATCHED if log_format.has(c)]
    return "+".join((", ".join(words), *map(log_format.name_of, log_format.time_columns[1:])))


def _join(logs: list[Log], parts: list[Part]) -> Log:
    tables = [log.events for log in logs if len(log.events)]
    columns = {name: None for table in tables for name in table.columns}
    joined: dict[str, Ids | np.ndarray] = {}
    for name in columns:
        if name in (USER_ID, SESSION_ID, ITEM_ID):
            joined[name] = _join_ids([t[name] for t in tables], may_be_empty=name == USER_ID)
        else:  # ratings of a part without them are NaN
            empty = [np.full(len(table), np.nan) for table in tables]
            pairs = zip(tables, empty, strict=True)
            arrays = [t[name].to_numpy() if name in t else e for t, e in pairs]
            joined[name] = np.concatenate(arrays)
    if logs[0].format.time_unit == ORDER:
        joined[TIMESTAMP] = np.arange(sum(map(len, tables)))
    kinds = [log.event_kinds for log in logs if log.event_kinds is not None]
    counted = sum((Counter(one) for one in kinds), Counter[str]())
    # The unit of times is unknown in a part without selected events.
    log_format = next((log.format for log in logs if len(log.events)), logs[0].format)
    log_format = replace(
        log_format,
        name=f"{log_format.name} in {len(logs):,} parts",
        num_spanning=sum(log.format.num_spanning for log in logs),
        doubts=tuple(dict.fromkeys(d for log in logs for d in log.format.doubts)),
    )
    return replace(
        logs[0],
        events=pd.DataFrame(joined, copy=False),
        format=log_format,
        other_events=sum(log.other_events for log in logs),
        dropped_ids=sum(log.dropped_ids for log in logs),
        bad_rows=_join_bad_rows(logs, parts),
        lists=_join_lists(logs),
        event_kinds=dict(counted.most_common()) if kinds else None,
    )


def add_logs(one: Log, other: Log) -> Log:
    """Add what was read of the next batch of a file to what was read before.

    The events are those of the first batch that has any.
    """
    first = one if len(one.events) else other
    both = [log for log in (one, other) if log.bad_rows is not None]
    bad_rows = both[0].bad_rows if both else None
    if len(both) == 2 and bad_rows is not None:
        bad_rows = BadRows(sum(log.bad_rows.count for log in both if log.bad_rows), bad_rows.first)
    kinds = [log.event_kinds for log in (one, other) if log.event_kinds is not None]
    counted = sum((Counter(found) for found in kinds), Counter[str]())
    doubts = tuple(dict.fromkeys((*one.format.doubts, *other.format.doubts)))
    return replace(
        one,
        events=first.events,
        format=replace(one.format, time_unit=first.format.time_unit, doubts=doubts),
        other_events=one.other_events + other.other_events,
        dropped_ids=one.dropped_ids + other.dropped_ids,
        bad_rows=bad_rows,
        lists=_join_lists([one, other]),
        event_kinds=dict(counted.most_common()) if kinds else None,
    )


def _join_bad_rows(logs: list[Log], parts: list[Part]) -> BadRows | None:
    pairs = zip(logs, parts, strict=True)
    found = [(log.bad_rows, part) for log, part in pairs if log.bad_rows is not None]
    if not found:
        return None
    (first, part) = found[0]
    return BadRows(sum(bad.count for bad, _ in found), f"{part.path.name} {first.first}")


def _join_lists(logs: list[Log]) -> OpenedLists | None:
    joined = None
    for log in logs:
        joined = joined if log.lists is None else log.lists.plus(joined)
    return joined


def _join_ids(columns: Sequence[Any], *, may_be_empty: bool) -> Ids:
    """Concatenate ids; numbers of one part and text of another become text."""
    if all(column.dtype == np.int64 for column in columns):
        return np.concatenate([column.to_numpy() for column in columns])
    encoded = pa.chunked_array([_encoded(column) for column in columns])
    return read_ids(encoded, may_be_empty=may_be_empty)


def _encoded(column: Any) -> pa.DictionaryArray:
    if column.dtype == np.int64:
        codes, values = pd.factorize(column.to_numpy())
        texts = pa.array(values).cast(pa.string())
    else:
        codes = column.cat.codes.to_numpy()
        texts = written_ids(column)
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), texts)
