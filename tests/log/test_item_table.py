"""Tables of items' attributes, and which rows meet a condition."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.config.recommendation import Condition
from sbrcli.errors import ConfigError, DataError
from sbrcli.log.item_table import ItemTable, read_item_table

TEXT = (
    "name,item_id,stock,price,kind,new,day\n"
    '"One, first",007,1,9.5,book,true,2024-01-05\n'
    "Two,8,0,,book,false,2024-02-05\n"
    "Three,9,3,20,,true,\n"
)


@pytest.fixture
def table(tmp_path: Path) -> ItemTable:
    (tmp_path / "items.csv").write_text(TEXT)
    return read_item_table(tmp_path / "items.csv")


def test_ids_stay_as_they_are_written(table):
    assert table.id_column == "item_id"
    assert table.rows_of(["9", "7", "007"]).tolist() == [2, -1, 0]


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("stock=1", [True, False, False]),
        ("stock!=1", [False, True, True]),
        ("stock>0.5", [True, False, True]),
        ("price<=9.50", [True, False, False]),
        ("price>=0", [True, False, True]),
        ("kind=book", [True, True, False]),
        ("kind!=toy", [True, True, False]),
        ("name=One, first", [True, False, False]),
        ("new=1", [True, False, True]),
        ("new != yes", [False, True, False]),
        ("day<2024-02-01", [True, False, False]),
    ],
)
def test_a_condition_is_met_by_the_rows_with_such_a_value(table, condition, met):
    assert table.meeting(Condition.parse(condition)).tolist() == met


def test_a_row_without_a_value_is_of_no_group(table):
    groups = table.groups("kind").tolist()
    assert groups[0] == groups[1] >= 0 > groups[2]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("colour=red", "items.csv has no column colour"),
        (
            "kind<book",
            "items.csv: its column kind holds text, which is compared with = and != alone. "
            "Received: kind<book",
        ),
        (
            "price=cheap",
            "items.csv: its column price is of the type double, and 'cheap' is not. "
            "Received: price=cheap",
        ),
    ],
)
def test_a_condition_that_cannot_be_checked_is_an_error(table, condition, message):
    with pytest.raises(ConfigError) as error:
        table.meeting(Condition.parse(condition))
    assert str(error.value).endswith(message)


def test_the_hint_lists_the_columns_that_there_are(table):
    with pytest.raises(ConfigError) as error:
        table.groups("colour")
    assert error.value.hint == "it has: name, item_id, stock, price, kind, new, day"


def test_parquet_has_ids_as_numbers_or_text_and_values_of_any_type(tmp_path):
    columns = {
        "sku": pa.array([1, 2]),
        "kind": pa.array(["a", "b"]).dictionary_encode(),
        "at": pa.array([datetime(2024, 1, day, tzinfo=UTC) for day in (1, 3)]),
    }
    pq.write_table(pa.table(columns), tmp_path / "items.parquet")
    table = read_item_table(tmp_path / "items.parquet")
    assert table.rows_of(["2", "3"]).tolist() == [1, -1]
    assert table.meeting(Condition.parse("kind=b")).tolist() == [False, True]
    assert table.meeting(Condition.parse("at<2024-01-02")).tolist() == [True, False]


def test_other_separators_and_a_first_column_of_ids(tmp_path):
    (tmp_path / "items.txt").write_bytes(b"\xef\xbb\xbfnumber;colour\r\n5;red\r\n6;blue\r\n")
    table = read_item_table(tmp_path / "items.txt")
    assert (table.id_column, table.rows_of(["6"]).tolist()) == ("number", [1])
    assert table.meeting(Condition.parse("colour=blue")).tolist() == [False, True]


TABLES = "name a CSV file with a header in UTF-8, or a Parquet file"


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"item,a\n1,2\n1,2,3\n", ": CSV parse error: Expected 2 columns, got 3: 1,2,3", TABLES),
        (b"\n", ": the file has no header", "its first line names the columns"),
        (b"item,stock\n", ": no item below the header", "each line below it has one"),
        (b"PAR1 and no more", "Parquet", TABLES),
    ],
)
def test_a_table_that_cannot_be_read_is_a_data_error(tmp_path, content, message, hint):
    (tmp_path / "items.csv").write_bytes(content)
    with pytest.raises(DataError) as error:
        read_item_table(tmp_path / "items.csv")
    assert message in str(error.value)
    assert error.value.hint == hint


def test_ids_of_parquet_that_are_no_ids_are_a_data_error(tmp_path):
    pq.write_table(pa.table({"item": [1.5]}), tmp_path / "items.parquet")
    with pytest.raises(DataError, match="its column item holds no ids but double") as error:
        read_item_table(tmp_path / "items.parquet")
    assert error.value.hint == "write the ids as text or as whole numbers"
