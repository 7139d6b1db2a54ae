"""A log in several files: what is read, in which order, and what is refused."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, RATING, TIMESTAMP, USER_ID
from sbrcli.log.files.parts import find_parts
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import hash_file, read_log

HEADER = "user,item,time\n"
APART = "name the files that hold the events, or take the others out of the folder"
NO_LOG = "name the file in it that holds the events"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def put_parquet(name: str, **columns: object) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def complaint(logs: Path | list[Path], **options: object) -> tuple[str, str | None]:
    with pytest.raises(DataError) as caught:
        read_log(logs, ReadConfig(**options))  # pyright: ignore
    return str(caught.value), caught.value.hint


def test_several_logs_are_one_in_the_order_given():
    first, second = put("b.csv", HEADER + "1,10,5\n"), put("a.csv", HEADER + "2,20,4\n3,30,6\n")
    log = read_log([first, second])
    assert log.events[USER_ID].tolist() == [1, 2, 3]
    assert describe_reading(log) == (
        "read as a table in 2 parts (comma separated, header): user=user, item=item, "
        "time=time in seconds"
    )


def test_the_columns_of_parts_are_matched_by_name():
    first, second = put("a.csv", HEADER + "1,10,5\n"), put("b.csv", "time,item,user\n6,20,2\n")
    events = read_log([first, second]).events
    assert events[[USER_ID, ITEM_ID, TIMESTAMP]].to_numpy().tolist() == [[1, 10, 5], [2, 20, 6]]


def test_ids_that_are_numbers_in_one_part_and_texts_in_another_are_texts_in_both():
    parts = [put("a.csv", HEADER + "7,1,5\n12,1,5\n"), put("b.csv", HEADER + "x,2,6\n7,2,6\n")]
    events = read_log(parts).events
    assert events[USER_ID].tolist() == ["7", "12", "x", "7"]
    assert events[ITEM_ID].tolist() == [1, 1, 2, 2]


def test_a_rating_that_a_part_has_not_is_unknown_there():
    parts = [put("a.csv", "user,item,time,rating\n1,2,3,4\n"), put("b.csv", HEADER + "1,2,3\n")]
    assert read_log(parts).events[RATING].fillna(-1).tolist() == [4, -1]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", ""])
def test_a_folder_of_text_parts_is_read_in_the_order_of_their_names(suffix: str):
    put(f"log/part-1.{suffix}", HEADER + "2,20,6\n")
    put(f"log/part-0.{suffix}", HEADER + "1,10,5\n")
    put("log/_SUCCESS", "")
    put("log/.part-0.crc", "x")
    put("log/README.md", "about")
    put(f"log/part-2.{suffix}", HEADER)
    assert read_log(Path("log")).events[USER_ID].tolist() == [1, 2]


def test_a_folder_of_json_lines_is_read():
    put("log/a.json", '{"user": 1, "item": 2, "time": 3}\n')
    put("log/b.json", '{"user": "x", "item": 2, "time": 4}\n')
    assert read_log(Path("log")).events[USER_ID].tolist() == ["1", "x"]


def test_parquet_is_known_by_its_content_and_not_by_its_name():
    for name, user in (("a.parquet", 1), ("b.pq", 2), ("c.parq", 3), ("d", 4)):
        put_parquet(f"log/{name}", user=[user], item=[1], time=[1])
    assert read_log(Path("log")).events[USER_ID].tolist() == [1, 2, 3, 4]


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_linked_folders_and_files_are_read_once():
    put("elsewhere/a.csv", HEADER + "1,10,5\n")
    put("log/b.csv", HEADER + "2,20,6\n")
    Path("log/linked").symlink_to(Path("elsewhere").resolve())
    Path("log/round").symlink_to(Path("log").resolve())
    Path("log/latest.csv").symlink_to(Path("log/b.csv").resolve())
    assert read_log(Path("log")).events[USER_ID].tolist() == [2, 1]


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_a_link_to_nothing_is_refused():
    put("log/b.csv", HEADER + "2,20,6\n")
    Path("log/a.csv").symlink_to("gone.csv")
    assert complaint(Path("log")) == (
        "log/a.csv is a broken link",
        "repair the link or delete it",
    )


def test_files_of_another_kind_are_refused_by_name():
    put_parquet("log/a.parquet", user=[1], item=[1], time=[1])
    put("log/b.csv", HEADER)
    assert complaint(Path("log")) == (
        "log holds files of several kinds: a.parquet is Parquet, b.csv is no Parquet",
        APART,
    )
    for name in ("c.csv", "d.csv", "e.csv"):
        put(f"log/{name}", HEADER)
    assert complaint(Path("log")) == (
        "log holds files of several kinds: a.parquet is Parquet, b.csv, c.csv, d.csv and 1 more "
        "are no Parquet",
        APART,
    )


@pytest.mark.parametrize(
    "names",
    [("a.csv", "a.csv.gz"), ("a.parquet", "a.pq"), ("a.csv", "a.csv.bak"), ("a.csv", "a.csv~")],
)
def test_a_copy_beside_its_original_is_not_read_twice(names: tuple[str, str]):
    for name in names:
        if "csv" in name:
            put(f"log/{name}", HEADER + "1,2,3\n")
        else:
            put_parquet(f"log/{name}", user=[1], item=[1], time=[1])
    assert complaint(Path("log")) == (
        f"log holds both {names[0]} and {names[1]}, which seem to be copies of each other",
        "name the files that hold the events, or take the copy out of the folder",
    )


def test_a_file_that_is_named_twice_is_refused():
    log = put("log/a.csv", HEADER + "1,2,3\n")
    hint = "name each file once, and no file beside a folder that holds it"
    assert complaint([log, log]) == ("log/a.csv is read twice", hint)
    assert complaint([Path("log"), log]) == ("log/a.csv is read twice", hint)


def test_a_folder_without_a_log_is_refused():
    put("log/README.md", "about")
    put("log/_SUCCESS", "")
    assert complaint(Path("log")) == ("log is a folder, not a file", NO_LOG)


@pytest.mark.parametrize(
    ("inside", "name", "scan"),
    [
        ("_delta_log/0.json", "a Delta table", "delta_scan"),
        ("metadata/v1.metadata.json", "an Iceberg table", "iceberg_scan"),
    ],
)
def test_a_table_whose_own_log_says_which_files_count_is_refused(inside: str, name: str, scan: str):
    put_parquet("log/a.parquet", user=[1], item=[1], time=[1])
    put(f"log/{inside}", "{}")
    assert complaint(Path("log")) == (
        f"log is {name}: its own log says which of its files count, and sbr does not read that log",
        f"write what it holds into one file: duckdb -c \"COPY (FROM {scan}('log')) TO "
        "'log.parquet'\"",
    )


def test_a_hudi_table_is_refused():
    put_parquet("log/a.parquet", user=[1], item=[1], time=[1])
    put("log/.hoodie/hoodie.properties", "")
    assert complaint(Path("log")) == (
        "log is a Hudi table: its own log says which of its files count, and sbr does not read "
        "that log",
        "write what it holds into Parquet, in Spark: "
        "spark.read.format('hudi').load('log').write.parquet('log')",
    )


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_folders_of_the_path_are_columns(kind: str):
    for day, user in (("2021-03-01", 1), ("20210302", 2)):
        name = f"log/date={day}/event=add%20to%20cart/a.{kind}"
        if kind == "parquet":
            put_parquet(name, user=[user], item=[1])
        else:
            put(name, f"user,item\n{user},1\n" if kind == "csv" else f'{{"user":{user},"item":1}}')
    put("log/date=2021-03-03/event=__HIVE_DEFAULT_PARTITION__/a.csv", "user,item\n") if (
        kind == "csv"
    ) else None
    log = read_log(Path("log"), ReadConfig(event="add to cart"))
    assert log.events[TIMESTAMP].tolist() == [1614556800, 1614643200]
    assert log.event_kinds == {"add to cart": 2}


def test_hives_null_is_no_kind_of_event():
    for kind, user in (("view", 1), ("__HIVE_DEFAULT_PARTITION__", 2)):
        put(f"log/event={kind}/a.csv", HEADER + f"{user},1,2\n")
    log = read_log(Path("log"), ReadConfig(event="view"))
    assert (log.events[USER_ID].tolist(), log.event_kinds) == ([1], {"view": 1, "": 1})


def test_year_month_and_day_of_the_path_are_a_date():
    put("log/year=2021/month=3/day=01/hour=8/a.csv", "user,item\n1,2\n")
    assert read_log(Path("log")).events[TIMESTAMP].tolist() == [1614585600]


def test_a_column_of_the_file_goes_before_the_same_of_its_path():
    put("log/user=9/a.csv", HEADER + "1,2,3\n")
    assert read_log(Path("log")).events[USER_ID].tolist() == [1]


def test_a_kind_of_event_may_be_missing_in_one_part_but_not_in_all():
    parts = [
        put("a.csv", "user,item,time,event\n1,2,3,view\n"),
        put("b.csv", "user,item,time,event\n2,2,3,buy\n"),
    ]
    log = read_log(parts, ReadConfig(event="buy"))
    assert (log.events[USER_ID].tolist(), log.other_events) == ([2], 1)
    assert complaint(parts, event="cart") == (
        "a.csv: no event is of the kind cart; found view, buy",
        "--event takes one or more of these, with commas between them",
    )


def test_an_error_names_the_part_and_its_line():
    parts = [put("a.csv", HEADER + "1,2,3\n"), put("b.csv", HEADER + "1,2,3\n1,2,soon\n")]
    assert complaint(parts)[0] == "b.csv line 3: timestamp 'soon' is not a number"
    log = read_log(parts, ReadConfig(skip_bad_rows=True))
    assert log.bad_rows is not None
    assert (len(log.events), log.bad_rows.count) == (2, 1)
    assert log.bad_rows.first == "b.csv line 3: timestamp 'soon' is not a number"


def test_a_session_that_goes_on_in_the_next_part_is_one_and_one_of_two_users_is_two():
    header = "user,session,item,time\n"
    parts = [
        put("a.csv", header + "1,5,10,1\n1,6,10,1\n"),
        put("b.csv", header + "1,5,20,2\n2,6,10,3\n"),
    ]
    log = read_log(parts)
    assert log.events["session_id"].tolist() == ["5", "1/6", "5", "2/6"]


def test_the_ids_that_are_left_out_are_counted_over_all_parts():
    parts = [put("a.csv", HEADER + "-,1,2\n3,1,2\n"), put("b.csv", HEADER + "-,1,2\n4,1,3\n")]
    log = read_log(parts, ReadConfig(drop_id="user=-"))
    assert (log.events[USER_ID].tolist(), log.dropped_ids) == ([3, 4], 2)


def test_parts_of_other_columns_are_refused():
    parts = [put("a.csv", HEADER + "1,2,3\n"), put("b.csv", "session,item,time\n1,2,3\n")]
    assert complaint(parts) == (
        "b.csv: its columns are session=session, item=item, time=time, and those of a.csv "
        "user=user, item=item, time=time",
        "the parts of one log have the same columns; see which --columns they share",
    )


def test_parts_with_times_in_other_units_are_refused():
    parts = [
        put("a.csv", HEADER + "1,2,1614556800\n"),
        put("b.csv", HEADER + "1,2,1614556800000\n"),
    ]
    assert complaint(parts) == (
        "b.csv: its times are in milliseconds, and those of a.csv in seconds",
        "give all parts times in one unit; --time-unit says which, if it was not seen",
    )


def test_logs_without_an_event_are_refused_together():
    put("log/a.csv", HEADER)
    put("log/b.csv", HEADER)
    assert complaint(Path("log"))[0] == "log/b.csv: no event below the header"


def test_a_folder_is_hashed_by_the_names_and_contents_of_its_parts():
    put("log/a.csv", HEADER + "1,2,3\n")
    before = hash_file(Path("log"))
    put("log/b.csv", HEADER + "1,2,3\n")
    assert hash_file(Path("log")) != before


def test_the_keys_of_a_path_are_decoded():
    put("log/dt=2021-03-01/a=b%3Dc/x.csv", HEADER)
    (part,) = find_parts(Path("log"))
    assert part.keys == {"dt": "2021-03-01", "a": "b=c"}


def test_documents_and_empty_files_of_a_folder_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("user,item,time\na,5,1600000000\n")
    (tmp_path / "README.txt").write_text("about\n")
    (tmp_path / "empty.csv").write_text("")
    said = describe_reading(read_log(tmp_path))
    assert said.endswith("; left out: files that hold no events: README.txt, empty.csv")


def test_parts_whose_first_alone_has_the_header_are_refused_with_the_way_out(tmp_path):
    (tmp_path / "xaa").write_text("user,item,time\na,5,1600000000\n")
    (tmp_path / "xab").write_text("a,6,1600000001\n")
    with pytest.raises(DataError) as raised:
        read_log(tmp_path)
    names = f"{tmp_path}/xaa {tmp_path}/xab"
    assert raised.value.hint == (
        "name the files that hold the events, or take the others out of the folder; if the first "
        f"part alone has the header: cat {names} | sbr stats -"
    )
    (tmp_path / "xab").write_text("A1,B6,5.0,1400000001\n")
    with pytest.raises(DataError) as raised:
        read_log(tmp_path)
    assert str(raised.value) == (
        f"{tmp_path}/xab: it has no header, and that of {tmp_path}/xaa names its columns"
    )
    assert raised.value.hint == f"if the first part alone has the header: cat {names} | sbr stats -"


def test_files_of_the_same_bytes_are_read_with_a_warning():
    for name in ("a (1).csv", "a.csv"):
        put(f"log/{name}", HEADER + "1,2,3\n")
    put("log/b.csv", HEADER + "4,5,6\n")
    log = read_log(Path("log"))
    assert len(log.events) == 3
    assert log.format.doubts == (
        "a.csv holds the same bytes as a (1).csv: its events count twice. Take one of them out.",
    )


def test_the_parts_of_a_log_may_write_their_names_in_another_case():
    put("log/a.csv", HEADER + "1,2,3\n")
    put("log/b.csv", HEADER.upper() + "4,5,6\n")
    assert len(read_log(Path("log")).events) == 2
