"""Values that an event may lack: of other kinds all, a rating, and a user beside a session."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.log import Log
from sbrcli.log.reading import read_log

START = 1_614_585_600
NO_USER = (
    "2 of 4 events have no user: the log was read by its sessions, without users. --drop-id user= "
    "leaves such events out, and keeps the users of the others."
)


def read(rows: list[dict], kind: str, **options) -> Log:
    """Read rows from a file of a kind; None is an empty field, null and a missing value."""
    path = Path(f"log.{kind}")
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        texts = [["" if v is None else str(v) for v in row.values()] for row in rows]
        path.write_text("\n".join(map(",".join, [list(rows[0]), *texts])) + "\n")
    return read_log(path, ReadConfig(**options))


def event(user: object, item: object, at: int | None, kind: str = "view") -> dict:
    return {"user": user, "item": item, "time": None if at is None else START + at, "event": kind}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("other", [("7", None, 2), (None, "8", 2), ("7", "8", None)])
def test_events_of_other_kinds_need_hold_nothing(kind: str, other: tuple):
    rows = [event("7", "8", 0), event(*other, kind="page"), event("7", "9", 5)]
    for options in ({}, {"skip_bad_rows": True}):
        log = read(rows, kind, event="view", **options)
        assert log.events["item_id"].tolist() == [8, 9]
        assert (log.other_events, log.bad_rows) == (1, None)
        assert log.event_kinds == {"view": 2, "page": 1}


def test_a_wrong_row_of_the_kinds_requested_is_named_still():
    rows = [event("7", "8", 0), event("7", None, 2, "page"), event("7", None, 5)]
    with pytest.raises(DataError, match=r"log\.csv line 4: the item id is empty"):
        read(rows, "csv", event="view")
    assert read(rows, "csv", event="view", skip_bad_rows=True).events["item_id"].tolist() == [8]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_kinds_may_be_numbers(kind: str):
    rows = [event(7, 8, 0, 1), event(7, None, 2, 2), event(7, None, 5, 1)]  # pyright: ignore
    with pytest.raises(DataError, match=rf"log\.{kind} line \d: the item id is"):
        read(rows, kind, event="1")
    log = read(rows, kind, event="1", skip_bad_rows=True)
    assert log.events["item_id"].tolist() == [8]
    assert log.bad_rows is not None
    assert log.bad_rows.count == 1


def test_a_rating_that_is_missing_may_have_spaces_around_it():
    rows = [
        {"user": 7, "item": 8, "rating": rating, "time": START}
        for rating in (" 4", " NA", "  ", "5 ", "- ")
    ]
    assert read(rows, "csv").events["rating"].fillna(0).tolist() == [4, 0, 0, 5, 0]
    with pytest.raises(DataError, match=r"log\.csv line 7: rating ' bad' is not a number"):
        read([*rows, {"user": 7, "item": 8, "rating": " bad", "time": START}], "csv")


def test_the_kind_that_is_offered_is_read_as_the_quotes_have_it():
    Path("log.csv").write_text(
        "note,user,item,time,event\n'a, b',7,8,1614585600,'view'\n'c, d',7,,1614585602,page\n"
    )
    with pytest.raises(DataError, match=r"log\.csv line 3: the item id is empty") as error:
        read_log(Path("log.csv"), ReadConfig(quote="'"))
    assert error.value.hint is not None
    assert "--event view reads others" in error.value.hint


def test_a_kind_that_has_items_is_offered_where_an_item_is_missing():
    rows = [event("7", "8", 0, "add to cart"), event("7", None, 2, "page")]
    with pytest.raises(DataError, match=r"log\.csv line 3: the item id is empty") as error:
        read(rows, "csv")
    assert error.value.hint == (
        "where events of some kinds have no item, --event 'add to cart' reads others; correct the "
        "line, or leave such rows out with --skip-bad-rows"
    )


def test_a_time_of_another_kind_may_be_none():
    rows = [event("7", "8", 0), {**event("7", "8", 0, "page"), "time": "soon"}]
    log = read(rows, "csv", event="view")
    assert log.events["timestamp"].tolist() == [START]


@pytest.mark.parametrize(
    "missing", [None, "NA", "N/A", "null", "NULL", "None", "NaN", "nan", "\\N", "-", "#N/A", "<NA>"]
)
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_rating_that_is_missing_leaves_no_event_out(missing: str | None, kind: str):
    rows = [
        {"user": "7", "item": "8", "rating": "4.5", "time": START},
        {"user": "7", "item": "9", "rating": missing, "time": START + 1},
    ]
    log = read(rows, kind, skip_bad_rows=True)
    np.testing.assert_array_equal(log.events["rating"], [4.5, np.nan])
    assert log.bad_rows is None


def test_of_rows_with_another_fault_those_with_a_missing_rating_stay():
    Path("log.csv").write_text(
        f"user,item,rating,time\n7,8,NA,{START}\n7,8,good,{START}\n7,9,4,{START}\n"
    )
    log = read_log(Path("log.csv"), ReadConfig(skip_bad_rows=True))
    assert log.events["item_id"].tolist() == [8, 9]
    assert log.bad_rows is not None
    assert log.bad_rows.first == "line 3: rating 'good' is not a number"


def visit(user: str | None, session: str, item: int, at: int) -> dict:
    return {"user": user, "session": session, "item": item, "time": START + at}


VISITS = [
    visit("7", "a", 1, 0),
    visit(None, "a", 2, 1),
    visit(None, "b", 3, 2),
    visit("9", "c", 3, 3),
]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_sessions_of_which_some_name_their_user_are_read_without_users(kind: str):
    log = read(VISITS, kind)
    assert list(log.events) == ["session_id", "item_id", "timestamp"]
    assert log.events["session_id"].tolist() == ["a", "a", "b", "c"]
    assert log.format.doubts == (NO_USER,)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_users_stay_where_events_without_one_are_dropped(kind: str):
    log = read(VISITS, kind, drop_id="user=")
    assert log.events["user_id"].tolist() == [7, 9]
    assert (log.dropped_ids, log.format.doubts) == (2, ())


def test_a_session_id_of_several_users_is_parted_before_they_are_left_out():
    log = read([*VISITS, visit("9", "a", 5, 9)], "csv")
    assert log.events["session_id"].tolist() == ["7/a", "/a", "b", "c", "9/a"]


def test_a_part_whose_events_all_have_users_is_joined_to_one_whose_have_not():
    Path("log").mkdir()
    for name, rows in (("a", VISITS[:1]), ("b", VISITS[1:])):
        pd.DataFrame(rows).to_csv(f"log/{name}.csv", index=False)
    log = read_log(Path("log"))
    assert log.events["session_id"].tolist() == ["a", "a", "b", "c"]
    assert log.format.doubts == (NO_USER,)


def test_a_log_without_sessions_needs_its_users():
    Path("log.csv").write_text(f"user,item,time\n7,8,{START}\n,8,{START}\n")
    with pytest.raises(DataError, match="line 3: the user id is empty"):
        read_log(Path("log.csv"))
