"""Events of ids that stand for nobody, left out by --drop-id."""

from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log

ROWS = "user,item,time\n-,5,1600000000\n7,-,1600000001\n7,6,1600000002\nguest,5,1600000003\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.csv"
    path.write_text(ROWS)
    return path


def test_events_of_dropped_ids_are_left_out_and_counted(log):
    read = read_log(log, ReadConfig(drop_id="user=-,guest,item=-"))
    assert read.dropped_ids == 3
    assert read.events["user_id"].tolist() == [7]  # whole numbers again
    assert describe_reading(read) == (
        "read as a table (comma separated, header): user=user, item=item, time=time in seconds; "
        "left out: events of ids that --drop-id names: 3"
    )


def test_an_empty_id_is_dropped_also_where_it_is_missing(tmp_path):
    path = tmp_path / "log.jsonl"
    row = '{"user": %s, "item": 5, "time": 1600000000}\n'
    path.write_text(row % '"7"' + row % '""' + row % "null")
    assert read_log(path, ReadConfig(drop_id="user=")).dropped_ids == 2


def test_a_role_that_the_log_lacks_is_an_error(log):
    with pytest.raises(DataError) as raised:
        read_log(log, ReadConfig(drop_id="session=0"))
    assert str(raised.value) == (f"{log}: no column for the session, which --drop-id needs")
    assert raised.value.hint == (
        "--columns session=NAME says which it is; else leave --drop-id session= out"
    )


def test_a_log_of_which_nothing_is_left_is_an_error(log):
    with pytest.raises(DataError) as raised:
        read_log(log, ReadConfig(drop_id="item=5,6,-"))
    assert str(raised.value) == f"{log}: each of 4 events has an id that --drop-id leaves out"
    assert raised.value.hint == "leave fewer ids out"
