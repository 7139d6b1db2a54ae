"""Lists of items in one cell: found, and opened by --list-sep."""

import random
import uuid

import pandas as pd
import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.columns.list_signs import ListCells, find_list_cells
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.quality.id_counts import IdCounts
from sbrcli.log.quality.misreadings import find_misreadings
from sbrcli.log.reading import read_log


def found(*items: str) -> ListCells | None:
    return cells_of(pd.Series(pd.Categorical(items)))


def cells_of(items: pd.Series) -> ListCells | None:
    counted = IdCounts.of(items)
    return None if counted.texts is None else find_list_cells(counted.texts, counted.counts)


def write_log(tmp_path, *rows: str):
    path = tmp_path / "log.tsv"
    path.write_text("user\titem\ttime\n" + "".join(row + "\n" for row in rows))
    return path


def read(path, separator: str, **options):
    return read_log(path, ReadConfig(list_sep=separator, **options))


@pytest.mark.parametrize(
    "separator", [",", "|", ";", " ", "\t", "\x02", "-", "_", "/", ":", ">", "@", "*", "\n"]
)
def test_numbers_now_more_and_now_fewer_are_lists(separator):
    cells = ("501 502 504", "503 501", "505 501", "502 501", "504 503", "505", "502 505")
    cells = [cell.replace(" ", separator) for cell in cells]
    assert found(*cells) == ListCells(6, min(c for c in cells if len(c) > 3), separator)


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["[501, 502]", "[503]"], ","),
        (["[501]", "[502]", "[503]"], ","),
        (["[501 502]", "[503 504]"], " "),
        (['["501","502"]', '["503"]'], ","),
        (["{501,502}", "{503}", "{501}"], ","),
        (["501 502", "503 504"], " "),
        (["N1-1 N2-0", "N3-0 N4-1"], " "),
        (["milk,bread", "bread,beer", "milk", "beer"], ","),
        (["B00A1XYZ99 B00A1XYZ98", "B00B1XYZ97"], " "),
        ([f"{uuid.UUID(int=at)}|{uuid.UUID(int=at + 9)}" for at in range(9)] + ["x"], "|"),
    ],
)
def test_other_ways_to_write_lists(cells, separator):
    cells_found = found(*cells)
    assert cells_found is not None
    assert cells_found.separator == separator


@pytest.mark.parametrize(
    "cells",
    [
        ["Toy Story (1995)", "Toy Story 2 (1999)", "2 Fast 2 Furious (2003)", "300 (2006)"],
        ["Good, the Bad and the Ugly, The (1966)", "Jetée, La (1962)", "Net, The (1995)", "Heat"],
        ["[REC] (2007)", "[REC]² (2009)", "(500) Days of Summer", "Alien"],
        ["https://shop.example/p/12?a=1&b=2", "https://shop.example/p/13", "/p/12", "/p/14/1"],
        ["501,red,L", "501,red,M", "502,blue,L", "502,red,L", "503,blue,S"],
        ["electronics.phone", "electronics/phone/5g", "electronics/tv", "home/tv"],
        ["N501-1", "N502-0", "N501-0"],
        ["12-34", "34-12", "12-12", "34-34"],
        ["spotify:track:1a", "spotify:track:2b", "spotify:album:1a"],
        ["12,1", "13,5", "14,0", "15,2"],
        ["{3f2504e0-4f89-11d3-9a0c-0305e82c3301}", "{3f2504e0-4f89-11d3-9a0c-0305e82c3302}"],
        ["Smith, John", "Miller, John", "Smith, Ann"],
        ["501", "502", "a"],
        ["SKU 501", "SKU 502 B", "SKU 503 A"],
    ],
)
def test_ids_that_hold_spaces_commas_and_dashes_are_no_lists(cells):
    assert found(*cells) is None


def test_uuids_by_the_thousand_are_no_lists():
    rng = random.Random(1)
    assert found(*[str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(3_000)]) is None
    assert cells_of(pd.Series([501, 502])) is None


def test_categories_without_events_do_not_count():
    cells = pd.Series(pd.Categorical(["501", "502"], categories=["501", "501 502", "502"]))
    assert cells_of(cells) is None


def warnings(*items: str) -> list[str]:
    times = list(range(1_600_000_000, 1_600_000_000 + len(items)))
    events = pd.DataFrame({"user_id": 1, "item_id": pd.Categorical(items), "timestamp": times})
    return list(find_misreadings(events))


def test_lists_are_warned_of_with_counts_and_the_option_to_type():
    assert warnings("501 502", "503", "501 503") == [
        "2 of 3 events have what looks like a list of items for an item, as '501 502': it was "
        "read as one. --list-sep space makes an event of each."
    ]
    assert warnings(*["501|502|503|504|505|506|507|508|509|510|511"], "501", "502") == [
        "1 of 3 events have what looks like a list of items for an item, as "
        "'501|502|503|504|505|506|507|508|509|5...': it was read as one. --list-sep '|' makes an "
        "event of each."
    ]


def test_lists_of_objects_are_warned_of():
    assert warnings('[{"id": 5}]', '[{"id": 5}, {"id": 6}]') == [
        '2 of 2 events have a list of objects for an item, as \'[{"id": 5}, {"id": 6}]\': it '
        "was read as one. Write each of them as a row of its own."
    ]


@pytest.mark.parametrize(
    ("separator", "cells"),
    [
        (" ", ["501 502", "503", "501  501"]),
        ("space", ["[501 502]", "[ 503 ]", "[501\n 501]".replace("\n", " ")]),
        (",", ["501,502", "503,", "501, 501"]),
        ("|", ["501|502", "|503|", "501|501"]),
        (",", ["[501, 502]", "[503]", "(501, 501)"]),
        (",", ["['501', '502']", "['503']", "['501', '501']"]),
        (",", ["{501,502}", "{503}", "{501,501}"]),
    ],
)
def test_each_item_is_an_event_of_its_rows_user_and_time_in_order(tmp_path, separator, cells):
    log = write_log(tmp_path, *(f"7{at}\t{c}\t160000000{at}" for at, c in enumerate(cells)))
    opened = read(log, separator)
    assert opened.events["item_id"].tolist() == [501, 502, 503, 501, 501]
    assert opened.events["user_id"].tolist() == [70, 70, 71, 72, 72]
    assert (opened.events["timestamp"] - 1_600_000_000).tolist() == [0, 0, 1, 2, 2]
    assert describe_reading(opened) == (
        "read as a table (tab separated, header): user=user, item=item, time=time in seconds; "
        "lists opened: 3 rows became 5 events"
    )


def test_json_arrays_keep_separators_within_their_ids(tmp_path):
    log = write_log(tmp_path, "7\t'a,b'\t1600000000").with_suffix(".csv")
    log.write_text('user;item;time\n7;["a,b", "c"];1600000000\n7;[];1600000001\n')
    opened = read(log, ",", sep=";")
    assert opened.events["item_id"].tolist() == ["a,b", "c"]
    assert describe_reading(opened).endswith(
        "; lists opened: 2 rows became 2 events, 1 of the rows hold no item"
    )


def test_of_items_marked_as_clicked_or_not_those_clicked_are_read(tmp_path):
    log = write_log(tmp_path, "7\tN1-1 N2-0 N3-0\t1600000000", "8\tN1-0 N5-1\t1600000000")
    opened = read(log, " ")
    assert opened.events["item_id"].tolist() == ["N1", "N5"]
    assert opened.events["user_id"].tolist() == [7, 8]
    assert describe_reading(opened).endswith(
        "; lists opened: 2 rows became 2 events; items marked -1 are read, 3 marked -0 are left out"
    )


def test_ids_that_all_end_in_one_way_keep_their_end(tmp_path):
    log = write_log(tmp_path, "7\tN1-1 N2-1\t1600000000", "8\tN1-1\t1600000000")
    assert read(log, " ").events["item_id"].tolist() == ["N1-1", "N2-1", "N1-1"]


@pytest.mark.parametrize(
    "times",
    ["1600000000 1600000009", "[1600000000 1600000009]", "2020-09-13T12:26:40 2020-09-13T12:26:49"],
)
def test_a_list_of_times_goes_with_that_of_items(tmp_path, times):
    log = write_log(tmp_path, f"7\t501 502\t{times}", f"8\t503\t{times.split()[0].strip('[')}")
    opened = read(log, " ").events
    assert opened["timestamp"].tolist() == [1_600_000_000, 1_600_000_009, 1_600_000_000]


def test_dates_with_spaces_are_no_list(tmp_path):
    log = write_log(tmp_path, "7\t501 502\t2020-09-13 12:26:40")
    assert read(log, " ").events["timestamp"].tolist() == [1_600_000_000] * 2


def test_kinds_beside_the_items_go_with_them(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user,item,time,event\n7,501|502,1600000000,view|buy\n7,503,1600000001,view\n")
    opened = read(path, "|", event="view")
    assert opened.events["item_id"].tolist() == [501, 503]
    assert opened.event_kinds == {"view": 2, "buy": 1}


def test_lists_of_unlike_lengths_name_the_line(tmp_path):
    rows = ("7\t501 502\t1600000000 1600000009", "8\t503 504 505\t1600000000 1600000001")
    log = write_log(tmp_path, *rows)
    with pytest.raises(DataError) as raised:
        read(log, " ")
    assert str(raised.value) == f"{log} line 3: a list of 3 items beside one of 2 times"
    assert raised.value.hint == "correct the line, or leave such rows out with --skip-bad-rows"
    assert read(log, " ", skip_bad_rows=True).events["item_id"].tolist() == [501, 502]


def test_a_wrong_time_beside_lists_names_the_line(tmp_path):
    log = write_log(tmp_path, "7\t501 502\t1600000000", "8\t503\tsoon", "8\t\t1600000000")
    with pytest.raises(DataError, match="line 3: timestamp 'soon' is not a number"):
        read(log, " ")
    assert read(log, " ", skip_bad_rows=True).events["item_id"].tolist() == [501, 502]


def test_a_list_of_objects_names_the_line(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text('user;item;time\n7;[{"id": 5}];1600000000\n')
    with pytest.raises(DataError) as raised:
        read(path, ",", sep=";")
    assert str(raised.value) == f'{path} line 2: a list of objects, not of ids: [{{"id": 5}}]'


def test_a_log_of_empty_lists_holds_no_event(tmp_path):
    log = write_log(tmp_path, "7\t[]\t1600000000")
    with pytest.raises(DataError) as raised:
        read(log, ",")
    assert str(raised.value) == f"{log}: each of its lists is empty"
    assert raised.value.hint == "a list has one item or more"


def test_lists_within_json_and_parquet_texts_are_opened(tmp_path):
    path = tmp_path / "log.jsonl"
    row = '{"user": "7", "item": "%s", "time": 1600000000}\n'
    path.write_text(row % "501 502" + row % "")
    assert read(path, " ").events["item_id"].tolist() == [501, 502]
    table = pd.DataFrame({"user": [7], "item": ["501 502"], "time": [1_600_000_000]})
    table.to_parquet(tmp_path / "log.parquet")
    assert read(tmp_path / "log.parquet", " ").events["item_id"].tolist() == [501, 502]


def test_lists_of_several_parts_are_counted_together(tmp_path):
    one = write_log(tmp_path, "7\t501 502\t1600000000")
    two = tmp_path / "two.tsv"
    two.write_bytes(one.read_bytes())
    joined = read_log([one, two], ReadConfig(list_sep=" "))
    assert describe_reading(joined).endswith("; lists opened: 2 rows became 4 events")


def test_numbers_as_items_are_no_lists(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"user": 7, "item": 5, "time": 1600000000}\n')
    assert read(path, " ").lists is None
