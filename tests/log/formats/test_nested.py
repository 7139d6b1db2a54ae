"""Values below the top of a row: objects and lists in JSON, structs and lists in Parquet."""

import json
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import ConfigError, DataError
from sbrcli.log.columns.ids import read_ids
from sbrcli.log.formats.nested import flatten, flatten_object, paths_of_objects, paths_of_schema
from sbrcli.log.formats.nested_names import last_name
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log

SESSIONS = [
    {"session": 1, "events": [{"aid": 5, "ts": 1600000000}, {"aid": 6, "ts": 1600000009}]},
    {"session": 2, "events": []},
    {"session": 3, "events": [{"aid": 5, "ts": 1600000001}]},
]
TYPES = "ids are text or whole numbers, times are timestamps or numbers since 1970"
FIX_IT = "correct the line, or leave such rows out with --skip-bad-rows"


def json_lines(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def triples(path: Path, **options) -> list[tuple]:
    events = read_log(path, ReadConfig(**options)).events
    owner = "session_id" if "session_id" in events else "user_id"
    return list(zip(events[owner], events["item_id"], events["timestamp"], strict=True))


def complaint(path: Path, **options) -> tuple[str, str | None]:
    with pytest.raises(DataError) as raised:
        read_log(path, ReadConfig(**options))
    return str(raised.value), raised.value.hint


def test_a_session_a_line_with_its_events_in_a_list(tmp_path):
    path = json_lines(tmp_path, *SESSIONS)
    assert triples(path) == [(1, 5, 1600000000), (1, 6, 1600000009), (3, 5, 1600000001)]
    assert describe_reading(read_log(path)) == (
        "read as JSON lines: session=session, item=events.aid, time=events.ts in seconds; "
        "lists opened: 3 rows became 3 events, 1 of the rows hold no item"
    )


def test_the_same_in_parquet(tmp_path):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist(SESSIONS), path, row_group_size=2)
    assert triples(path) == [(1, 5, 1600000000), (1, 6, 1600000009), (3, 5, 1600000001)]


def test_dotted_names_are_taken_with_and_without_brackets(tmp_path):
    rows = [{"who": {"n": "a"}, "cart": [{"x": 5}, {"x": 6}], "at": 1600000000}]
    path = json_lines(tmp_path, *rows)
    for item in ("cart.x", "cart[].x", "$.cart[*].x"):
        found = triples(path, columns=f"user=who.n,item={item},time=at")
        assert found == [("a", 5, 1600000000), ("a", 6, 1600000000)]


@pytest.mark.parametrize(
    "row",
    [
        {"user_id": 7, "properties": {"product_id": 5}, "timestamp": 1600000000},
        {"user": {"id": 7}, "item": {"id": 5}, "time": 1600000000},
        {"user": {"id": 7}, "products": [{"id": 5}], "time": 1600000000},
        {"_source": {"user_id": 7, "item_id": 5, "@timestamp": 1}, "time": 1600000000},
        {"user_id": 7, "item_ids": [5], "timestamps": [1600000000]},
        {"user_id": 7, "item_id-list": [5], "timestamp-list": [1600000000]},
        {"data": {"events": [{"user_id": 7, "item_id": 5, "time": 1600000000}]}},
        {"users": [{"user_id": 7, "visits": [{"hits": [{"sku": 5}], "ts": 1600000000}]}]},
        {"user_id": {"$numberLong": "7"}, "item": {"N": "5"}, "ts": {"$date": 1600000000}},
        {"uid": {"long": 7}, "item_id": {"int": 5}, "ts": {"$date": {"$numberLong": "1600000000"}}},
    ],
)
def test_names_below_the_top_are_known(tmp_path, row):
    assert triples(json_lines(tmp_path, row, row)) == [(7, 5, 1600000000)] * 2


def test_names_at_the_top_go_first(tmp_path):
    row = {"user": 7, "meta": {"item_id": 1, "event": "x"}, "movie": 5, "time": 1600000000}
    path = json_lines(tmp_path, row)
    assert triples(path) == [(7, 5, 1600000000)]
    assert read_log(path, counts_kinds=True).event_kinds is None


def test_the_kind_beside_a_nested_item_is_read(tmp_path):
    events = [{"aid": 5, "ts": 1600000000, "action": "view"}]
    events += [{"aid": 6, "ts": 1600000000, "action": "buy"}]
    path = json_lines(tmp_path, {"session": 1, "events": events})
    assert triples(path, event="buy") == [(1, 6, 1600000000)]


def test_kinds_may_be_numbers(tmp_path):
    row = {"user": 7, "item": 5, "time": 1600000000, "event": 1}
    path = json_lines(tmp_path, row, {**row, "event": 2})
    assert read_log(path, counts_kinds=True).event_kinds == {"1": 1, "2": 1}


def test_a_key_with_a_dot_is_itself(tmp_path):
    path = json_lines(tmp_path, {"user": 7, "a.b": 5, "[]": {"[]": 1}, "time": 1600000000})
    assert triples(path, columns="item=a.b") == [(7, 5, 1600000000)]


def test_lists_of_unlike_lengths_name_the_line(tmp_path):
    row = {"user": 7, "items": [5, 6], "times": [1600000000, 1600000001]}
    path = json_lines(tmp_path, row, {**row, "times": [1600000000]})
    wrong = "a list of 2 in item_id beside one of 1 in timestamp"
    assert complaint(path, columns="time=times") == (f"{path} line 2: {wrong}", FIX_IT)
    kept = triples(path, columns="time=times", skip_bad_rows=True)
    assert kept == [(7, 5, 1600000000), (7, 6, 1600000001)]
    pq.write_table(pa.Table.from_pylist([row, {**row, "times": [1600000000]}]), path)
    assert complaint(path, columns="time=times") == (f"{path}: {wrong}", TYPES)


def test_kinds_in_a_list_of_their_own_length_are_not_read(tmp_path):
    row = {"user": 7, "items": [5, 6], "time": 1600000000, "kinds": ["a"]}
    path = json_lines(tmp_path, row)
    assert len(triples(path, columns="event=kinds")) == 2
    pq.write_table(pa.Table.from_pylist([row]), path)
    assert len(triples(path, columns="event=kinds")) == 2


def test_what_stands_where_a_list_or_an_object_is_names_the_line(tmp_path):
    path = json_lines(tmp_path, SESSIONS[0])
    path.write_text(path.read_text() * 30 + '{"session": 4, "events": [7]}\n')
    said = "7 stands where an object is in the first lines"
    assert complaint(path) == (f"{path} line 31: {said}", FIX_IT)
    path.write_text(path.read_text().replace("[7]", "7"))
    said = "7 stands where a list is in the first lines"
    assert complaint(path) == (f"{path} line 31: {said}", FIX_IT)
    assert len(triples(path, skip_bad_rows=True)) == 60


def test_an_event_without_its_item_names_the_line(tmp_path):
    row = {"user": 7, "page": {"sku": "a"}, "time": 1600000000}
    path = json_lines(tmp_path, row, {**row, "page": None}, {**row, "page": {}})
    assert complaint(path) == (f"{path} line 2: the item id is missing", FIX_IT)
    assert triples(path, skip_bad_rows=True) == [(7, "a", 1600000000)]


def test_a_log_whose_lists_are_all_empty_holds_no_event(tmp_path):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.Table.from_pylist(SESSIONS).slice(1, 1), path)
    wrong = f"{path}: each of its lists is empty"
    assert complaint(path) == (wrong, "a list has one item or more")


def test_a_gap_within_a_list_names_the_row_of_parquet(tmp_path):
    path = tmp_path / "log.parquet"
    gap = {"session": 4, "events": [{"aid": 5, "ts": None}]}
    pq.write_table(pa.Table.from_pylist([*SESSIONS, gap]), path)
    assert complaint(path) == (
        f"{path} row 4: a value is missing among session, events.aid, events.ts",
        "correct the row, or leave such rows out with --skip-bad-rows",
    )
    assert len(triples(path, skip_bad_rows=True)) == 3


def test_the_two_ways_to_lay_objects_flat_agree():
    rows = [*SESSIONS, {"session": 4, "events": None}]
    paths = {"session_id": ("session",), "item_id": ("events", "[]", "aid")}
    assert paths_of_schema(pa.Table.from_pylist(rows).schema) == paths_of_objects(rows)
    fast = flatten(pa.Table.from_pylist(rows), paths).table.to_pylist()
    slow = [event for row in rows for event in flatten_object(dict.fromkeys(paths, row), paths)]
    assert fast == slow == [{"session_id": s, "item_id": i} for s, i in ((1, 5), (1, 6), (3, 5))]


def test_paths_of_objects_pass_over_what_is_empty_where_there_is_more():
    rows = [{"a": None, "b": [], "c": {}}, {"a": {"x": 1}, "b": [2]}]
    assert paths_of_objects(rows) == [("b", "[]"), ("c",), ("a", "x")]


def test_the_last_name_of_a_list_is_in_the_singular():
    names = [last_name((name, "[]")) for name in ("articles", "item_id_list", "ts", "gases")]
    assert names == ["article", "itemid", "ts", "gases"]


def written(path: Path, kind: str, table: pa.Table) -> Path:
    if kind == "ORC":
        orc.write_table(table, path)
    elif kind == "Arrow stream":
        with pa.ipc.new_stream(path, table.schema) as stream:
            stream.write_table(table)
    else:
        pyarrow.feather.write_feather(table, path, compression="zstd")
    return path


@pytest.mark.parametrize("kind", ["ORC", "Arrow", "Arrow stream"])
def test_files_of_typed_columns_are_read(tmp_path, kind):
    table = pa.table({"user": ["a", "b"], "item": [5, 6], "time": [1600000000, 1600000001]})
    path = written(tmp_path / "log", kind, table)
    assert triples(path) == [("a", 5, 1600000000), ("b", 6, 1600000001)]
    assert describe_reading(read_log(path)).startswith(f"read as {kind}: user=user, item=item")


@pytest.mark.parametrize("kind", ["ORC", "Arrow", "Arrow stream"])
def test_a_damaged_file_of_typed_columns_says_so(tmp_path, kind):
    table = pa.table({"user": ["a", "b"], "item": [5, 6], "time": [1600000000, 1600000001]})
    path = written(tmp_path / "log", kind, table)
    path.write_bytes(path.read_bytes()[:60])
    message, hint = complaint(path)
    assert message.startswith(f"{path}: the {kind} file is damaged: ")
    assert hint == "copy or download it again"


@pytest.mark.parametrize("kind", ["ORC", "Arrow", "Arrow stream"])
def test_sessions_as_lists_in_files_of_typed_columns(tmp_path, kind):
    path = written(tmp_path / "log", kind, pa.Table.from_pylist(SESSIONS))
    assert triples(path) == [(1, 5, 1600000000), (1, 6, 1600000009), (3, 5, 1600000001)]


def test_options_of_text_are_refused(tmp_path):
    table = pa.table({"user": ["a"], "item": [5], "time": [1600000000]})
    path = written(tmp_path / "log", "ORC", table)
    with pytest.raises(ConfigError) as raised:
        read_log(path, ReadConfig(sep=","))
    assert str(raised.value) == f"sep is for text, and {path} is ORC. Received: ,"


def test_text_that_begins_as_a_stream_is_text(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"\xff\xff\xff\xff\x00\x00\x00\x00")
    assert complaint(path)[0] == f"{path}: binary data, not text"


def test_ids_that_are_uuids_are_text():
    ids = [uuid.UUID(int=at) for at in (5, 6, 5)]
    column = pa.chunked_array([pa.array([one.bytes for one in ids], pa.uuid())])
    assert list(read_ids(column)) == [str(one) for one in ids]


def test_ids_of_floats_that_lost_digits_are_refused():
    with pytest.raises(ValueError, match="its ids are fractions"):
        read_ids(pa.chunked_array([pa.array([2.0**24], pa.float32())]))
