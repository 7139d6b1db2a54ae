"""Any log, written in any layout and read back, is the same log."""

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.reading import read_log

Rows = list[tuple[str, str, int]]

# Half surrogates are no text, and a log with NUL bytes is refused as binary.
IDS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.uuids().map(str),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
)
# Where nothing can be quoted, an id holds neither line ends nor the separator.
BARE_IDS = st.one_of(
    st.integers().map(str),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\t:\x1f\ufeff"),
        min_size=1,
    ),
)
TIMES = st.integers(0, 2_000_000_000).filter(
    lambda time: not (19_950_101 <= time <= 99_991_231 or time >= 1_995_010_100)  # dates as digits
)
ROWS = st.lists(st.tuples(IDS, IDS, TIMES), min_size=1, max_size=20)
BARE_ROWS = st.lists(st.tuples(BARE_IDS, BARE_IDS, TIMES), min_size=1, max_size=20)


def quoted(rows: list[list[Any]], separator: str) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode()


def iso(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", ".000Z")


def movielens(rows: Rows, separator: str) -> bytes:
    lines = [separator.join((user, item, "3", str(time))) + "\n" for user, item, time in rows]
    return "".join(lines).encode()


def retail_rocket(rows: Rows) -> bytes:
    header = ["timestamp", "visitorid", "event", "itemid", "transactionid"]
    body = [[time * 1000, user, "view", item, ""] for user, item, time in rows]
    # A time that is small as a number of milliseconds is taken for one of seconds.
    return quoted([header, *body, [10**12 + 1000, "x", "view", "x", ""]], ",")


def diginetica(rows: Rows) -> bytes:
    header = ["sessionId", "userId", "itemId", "timeframe", "eventdate"]
    body = [
        [session, "NA", item, time % 86_400 * 1000, iso(time)[:10]] for session, item, time in rows
    ]
    return quoted([header, *body], ";")


def json_lines(rows: Rows) -> bytes:
    lines = [json.dumps({"user": u, "item": i, "time": t}) + "\n" for u, i, t in rows]
    return "".join(lines).encode()


def parquet(rows: Rows) -> bytes:
    users, items, times = zip(*rows, strict=True)
    output = pa.BufferOutputStream()
    pq.write_table(pa.table({"user": users, "item": items, "time": times}), output)
    return output.getvalue().to_pybytes()


QUOTED = {
    "csv": lambda rows: quoted([["userId", "itemId", "timestamp"], *map(list, rows)], ","),
    "gru4rec": lambda rows: quoted([["SessionId", "ItemId", "Time"], *map(list, rows)], "\t"),
    "recbole": lambda rows: quoted(
        [["user_id:token", "item_id:token", "timestamp:float"], *map(list, rows)], "\t"
    ),
    "diginetica": diginetica,
    "json": json_lines,
    "parquet": parquet,
    "gzip": lambda rows: gzip.compress(json_lines(rows)),
}
BARE = {
    "movielens 1m": lambda rows: movielens(rows, "::"),
    "movielens 100k": lambda rows: movielens(rows, "\t"),
}


@pytest.mark.parametrize("layout", QUOTED)
@given(rows=ROWS)
def test_any_ids_come_back_from_a_layout_that_can_quote(tmp_path_factory, layout: str, rows: Rows):
    check(tmp_path_factory, QUOTED[layout](rows), rows)


@pytest.mark.parametrize("layout", BARE)
@given(rows=BARE_ROWS)
def test_any_ids_come_back_from_a_layout_that_cannot(tmp_path_factory, layout: str, rows: Rows):
    check(tmp_path_factory, BARE[layout](rows), rows)


@given(rows=ROWS)
def test_milliseconds_of_retailrocket_come_back(tmp_path_factory, rows: Rows):
    later = [(user, item, 10**9 + time) for user, item, time in rows]
    check(tmp_path_factory, retail_rocket(later), [*later, ("x", "x", 10**9 + 1)])


@given(rows=ROWS)
def test_any_ids_of_yoochoose_come_back(tmp_path_factory, rows: Rows):
    # Without a header, the first row must be one that can be recognised: on a line of its own.
    rows = [("x", "x", 0), *rows]
    check(tmp_path_factory, quoted([[s, iso(t), i, 0] for s, i, t in rows], ","), rows)


def check(tmp_path_factory, content: bytes, rows: Rows) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(content)
    events = read_log(path).events
    owner = SESSION_ID if SESSION_ID in events else USER_ID
    assert [str(value) for value in events[owner]] == [row[0] for row in rows]
    assert [str(value) for value in events[ITEM_ID]] == [row[1] for row in rows]
    assert events[TIMESTAMP].tolist() == [row[2] for row in rows]
