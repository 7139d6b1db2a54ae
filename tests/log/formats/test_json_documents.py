"""JSON that is not one object a line."""

import json
from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log

ROWS = [{"user": at % 3, "item": at % 7, "time": 1_600_000_000 + at} for at in range(40)]
WANTED = [(row["user"], row["item"], row["time"]) for row in ROWS]
LISTS = [list(row) for row in WANTED]
FIX_IT = "correct the line, or leave such rows out with --skip-bad-rows"


def read(tmp_path: Path, text: str, **options):
    path = tmp_path / "log.json"
    path.write_text(text)
    return read_log(path, ReadConfig(**options))


def triples(log) -> list[tuple]:
    columns = (log.events[name].tolist() for name in ("user_id", "item_id", "timestamp"))
    return list(zip(*columns, strict=True))


def complaint(tmp_path: Path, text: str, **options) -> tuple[str, str | None]:
    with pytest.raises(DataError) as raised:
        read(tmp_path, text, **options)
    return str(raised.value).replace(str(tmp_path), "."), raised.value.hint


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (json.dumps(ROWS), "a JSON array"),
        (json.dumps(ROWS, indent=2), "a JSON array"),
        ("\ufeff" + json.dumps(ROWS, indent=2).replace("\n", "\r\n"), "a JSON array"),
        ("[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n", "a JSON array"),
        ("[" + "\n,".join(map(json.dumps, ROWS)) + "]", "a JSON array"),
        ("\n".join(json.dumps(row, indent=1) for row in ROWS), "JSON objects"),
        ("".join(map(json.dumps, ROWS)), "JSON objects"),
        (",\n".join(map(json.dumps, ROWS)), "JSON objects"),
        ("".join(f"\x1e{json.dumps(row)}\n" for row in ROWS), "JSON objects"),
        ("\n".join(map(repr, ROWS)), "Python dicts"),
        (repr(ROWS), "Python dicts"),
    ],
)
def test_objects_are_read_however_they_lie(tmp_path, text, name):
    log = read(tmp_path, text)
    assert triples(log) == WANTED
    assert describe_reading(log) == f"read as {name}: user=user, item=item, time=time in seconds"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(LISTS),
        json.dumps(LISTS, indent=1),
        "\n".join(map(json.dumps, LISTS)),
    ],
)
def test_arrays_in_place_of_objects_have_numbers_for_names(tmp_path, text):
    assert triples(read(tmp_path, text, columns="user=1,item=2,time=3")) == WANTED


@pytest.mark.parametrize("indent", [None, 2])
def test_a_first_array_of_names_is_the_header(tmp_path, indent):
    assert (
        triples(read(tmp_path, json.dumps([["user", "item", "time"], *LISTS], indent=indent)))
        == WANTED
    )


@pytest.mark.parametrize("indent", [None, 2])
def test_an_object_that_holds_the_events_is_a_list_to_be_opened(tmp_path, indent):
    log = read(tmp_path, json.dumps({"total": 40, "data": {"rows": ROWS}}, indent=indent))
    assert triples(log) == WANTED
    assert describe_reading(log).endswith("lists opened: 1 rows became 40 events")


def test_the_first_events_may_have_no_item(tmp_path):
    rows = [{"user": 1, "items": [], "time": 1_600_000_000}] * 100
    rows += [{**row, "items": [{"id": row["item"]}], "item": None} for row in ROWS]
    for text in ("\n".join(map(json.dumps, rows)), json.dumps(rows)):
        assert triples(read(tmp_path, text, columns="item=items.id")) == WANTED


def test_columns_as_lists_are_read(tmp_path):
    columns = {name: [row[name] for row in ROWS] for name in ROWS[0]}
    assert triples(read(tmp_path, json.dumps(columns, indent=1))) == WANTED


def test_an_array_beyond_the_longest_line_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("sbrcli.log.detect.LONGEST_LINE_BYTES", 1 << 10)
    monkeypatch.setattr("sbrcli.log.detect.SAMPLE_BYTES", 1 << 8)
    monkeypatch.setattr("sbrcli.log.formats.json_documents._CHUNK_BYTES", 7)
    assert triples(read(tmp_path, json.dumps(ROWS * 10))) == WANTED * 10


def test_a_wrong_object_is_named_by_its_number(tmp_path):
    text = json.dumps([*ROWS, {"user": 1, "item": None, "time": 1}], indent=2)
    assert complaint(tmp_path, text) == ("./log.json object 41: the item id is missing", FIX_IT)
    log = read(tmp_path, text, skip_bad_rows=True)
    assert triples(log) == WANTED
    assert log.bad_rows is not None
    assert log.bad_rows.first == "object 41: the item id is missing"


def test_a_wrong_python_line_is_named_by_its_number(tmp_path):
    text = "\n".join(map(repr, ROWS)) + "\n{'user': open('x')}\n"
    message = "./log.json line 41: it is not a JSON object, or one that names a key twice"
    assert complaint(tmp_path, text) == (message, FIX_IT)


def test_a_wrong_python_line_among_the_first_is_named_too(tmp_path):
    text = "\n".join([repr(ROWS[0]), "{'user': 'b', 'item", *map(repr, ROWS)])
    message = "./log.json line 2: it is not a JSON object, or one that names a key twice"
    assert complaint(tmp_path, text) == (message, FIX_IT)


def test_an_array_that_is_cut_is_damaged(tmp_path):
    text = "[\n" + ",\n".join(map(json.dumps, ROWS)) + ",\n"
    hint = "copy or download it again"
    assert complaint(tmp_path, text) == ("./log.json: it ends within a JSON array", hint)
    assert complaint(tmp_path, text[:-10]) == (
        "./log.json line 41: what begins there is not JSON: Expecting ',' delimiter",
        "correct it, or write one object per line",
    )


def test_a_value_that_is_nested_too_deeply_is_not_json(tmp_path):
    text = json.dumps(ROWS)[:-1] + ', {"a": ' + "[" * 100_000
    message = "./log.json line 1: what begins there is not JSON: it is nested too deeply"
    hint = "correct it, or write one object per line"
    assert complaint(tmp_path, text) == (message, hint)


@pytest.mark.parametrize("text", ["[]", "[[], []]", "{]", "{}, {}", "[{}]"])
def test_what_holds_no_event_is_reported(tmp_path, text):
    assert complaint(tmp_path, text) == (
        "./log.json line 1: it is not a JSON object",
        "write one object a line: an event, or a session with a list of its events",
    )


def test_columns_as_pandas_writes_them_are_refused_with_the_way_out(tmp_path):
    columns = {name: {str(at): row[name] for at, row in enumerate(ROWS)} for name in ROWS[0]}
    message, hint = complaint(tmp_path, json.dumps(columns))
    assert message == "./log.json: it holds columns, not events, as pandas writes them"
    assert hint == (
        f"Python: pandas.read_json('{tmp_path}/log.json').to_json('log.jsonl', orient='records', "
        "lines=True)"
    )


def test_a_split_table_of_pandas_is_refused_with_the_way_out(tmp_path):
    split = {"columns": ["user", "item", "time"], "index": [0], "data": [[1, 2, 3]]}
    message, hint = complaint(tmp_path, json.dumps(split))
    assert message == "./log.json: it holds a table of pandas, not events"
    assert hint == (
        f"Python: pandas.read_json('{tmp_path}/log.json', orient='split').to_json('log.jsonl', "
        "orient='records', lines=True)"
    )


def test_events_that_are_values_of_keys_are_refused_with_the_way_out(tmp_path):
    keyed = {f"-M{at}": row for at, row in enumerate(ROWS)}
    message, hint = complaint(tmp_path, json.dumps(keyed))
    assert message == "./log.json: its events are the values of keys such as -M0, -M1, -M2"
    assert hint == f"write one event a line: jq -c '.[]' {tmp_path}/log.json > log.jsonl"


def test_of_several_places_with_the_same_names_none_is_taken(tmp_path):
    change = {"before": ROWS[0], "after": ROWS[1]}
    text = json.dumps({"payload": change}) + "\n" + json.dumps({"payload": change})
    message, _ = complaint(tmp_path, text)
    assert message.startswith(
        "./log.json: no column for the user or session and the item and the time; found "
        "payload.before.user, payload.before.item"
    )
    columns = ",".join(f"{name}=payload.after.{name}" for name in ROWS[0])
    assert triples(read(tmp_path, text, columns=columns)) == [WANTED[1]] * 2
