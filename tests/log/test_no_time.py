"""Logs without a time are read in the order of the file, where that is asked for."""

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import ConfigError, DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.quality.description import describe_log_as_read
from sbrcli.log.reading import read_log


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def read(text: str, name: str = "log", **options):
    Path(name).write_text(text)
    return read_log(Path(name), ReadConfig(no_time=True, **options))


def test_events_are_numbered_in_the_order_of_the_file():
    log = read("user,item\n2,7\n1,8\n2,9\n")
    assert log.events[USER_ID].tolist() == [2, 1, 2]
    assert log.events[TIMESTAMP].tolist() == [0, 1, 2]
    assert log.format.time_unit == "order"
    assert describe_log_as_read(log)[0] == (
        "read as a table (comma separated, header): user=user, item=item, in the order of the "
        "file, without a time; first event: user 2, item 7"
    )


def test_rows_of_two_ids_are_users_and_items():
    log = read("71 501\n71 502\n72 501\n")
    assert log.events[[USER_ID, ITEM_ID]].to_numpy().tolist() == [[71, 501], [71, 502], [72, 501]]


def test_a_time_that_is_there_is_left_alone():
    log = read("user,item,date,time\n1,7,soon,late\n1,8,soon,late\n")
    assert log.events[TIMESTAMP].tolist() == [0, 1]


def test_json_and_parquet_are_numbered_too():
    rows = [{"user": 1, "item": item, "time": "none"} for item in (7, 8)]
    log = read("".join(json.dumps(row) + "\n" for row in rows))
    assert log.events[TIMESTAMP].tolist() == [0, 1]
    pq.write_table(pa.Table.from_pylist(rows), "log")
    log = read_log(Path("log"), ReadConfig(no_time=True))
    assert log.events[TIMESTAMP].tolist() == [0, 1]


def test_parts_run_on():
    for part in ("a", "b"):
        Path(part).write_text("user,item\n1,7\n1,8\n")
    log = read_log([Path("a"), Path("b")], ReadConfig(no_time=True))
    assert log.events[TIMESTAMP].tolist() == [0, 1, 2, 3]


def test_rows_left_out_leave_no_gap():
    log = read("user,item\n1,7\n1\n1,8\n", skip_bad_rows=True)
    assert log.events[TIMESTAMP].tolist() == [0, 1]


def test_a_header_among_the_rows_is_no_event():
    text = "user,item\n1,7\nuser,item\n1,8\n"
    with pytest.raises(DataError) as caught:
        read(text)
    assert str(caught.value) == "log line 3: the header again"
    assert read(text, skip_bad_rows=True).events[ITEM_ID].tolist() == [7, 8]


def test_the_netflix_prize_is_refused_with_the_command_that_flattens_it():
    with pytest.raises(DataError) as caught:
        read("501:\n71,4,2021-03-01\n72,5,2021-03-02\n502:\n71,3,2021-03-03\n")
    assert str(caught.value) == (
        "log: blocks of rows, each below a line with its item, such as 501:"
    )
    assert caught.value.hint == (
        "write the item into each row: awk "
        """'/:\\r?$/ {sub(/:.*/, ""); item = $0; next} {print item "," $0}' log > log.csv; """
        "then read log.csv with --columns item=1,user=2,rating=3,time=4"
    )
    _run(caught.value.hint)
    log = read_log(Path("log.csv"), ReadConfig(columns="item=1,user=2,rating=3,time=4"))
    assert log.events[[USER_ID, ITEM_ID]].to_numpy().tolist() == [[71, 501], [72, 501], [71, 502]]


@pytest.mark.parametrize(("separator", "option"), [(" ", ""), (",", "-F, ")])
def test_a_session_a_line_is_refused_with_the_command_that_makes_rows(separator, option):
    rows = ("5 6 7", "6 5", "8 6 7 5")
    with pytest.raises(DataError) as caught:
        read("".join(row.replace(" ", separator) + "\n" for row in rows))
    assert str(caught.value) == "log: not a layout that sbr knows; its first line has 5, 6, 7"
    assert caught.value.hint == (
        "if each line holds the items of a session, give each a line of its own: awk "
        f"""{option}'{{for (i = 1; i <= NF; i++) print NR "{separator}" $i}}' log > log.txt; """
        "then read log.txt with --no-time --no-header --columns session=1,item=2"
    )
    _run(caught.value.hint)
    options = ReadConfig(no_time=True, header=False, columns="session=1,item=2")
    log = read_log(Path("log.txt"), options)
    assert log.events[SESSION_ID].tolist() == [1, 1, 1, 2, 2, 3, 3, 3, 3]
    assert log.events[ITEM_ID].tolist() == [5, 6, 7, 6, 5, 8, 6, 7, 5]


def test_the_command_that_makes_rows_names_the_file_with_its_folder():
    Path("a b").mkdir()
    Path("a b/log").write_text("5 6 7\n6 5\n")
    with pytest.raises(DataError) as caught:
        read_log(Path("a b/log"), ReadConfig())
    assert caught.value.hint is not None
    assert " 'a b/log' > log.txt" in caught.value.hint


def test_lines_of_which_most_hold_one_field_are_no_sessions():
    with pytest.raises(DataError) as caught:
        read("root:x:0:/bin/sh\ndaemon:x:1:/bin/false\ngnats:x:2:Bug Reports:/bin/false\n")
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("say what stands between the fields, as in --sep '#'; ")


def _run(hint: str) -> None:
    if shutil.which("awk") is None:
        pytest.skip("no awk")
    command = hint[hint.index("awk ") : hint.index("; then")]
    subprocess.run(["sh", "-c", command], check=True)


def test_the_order_goes_with_no_column_of_the_time():
    with pytest.raises(ConfigError):
        ReadConfig(no_time=True, columns="user=1,item=2,time=3")
