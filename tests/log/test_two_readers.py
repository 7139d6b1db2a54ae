"""The fast reader and the one that judges row by row agree on every row of a text."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.detect import recognise_format
from sbrcli.log.events import ITEM_ID, TIMESTAMP, USER_ID
from sbrcli.log.formats.rows import CheckedRow, check_rows
from sbrcli.log.reading import read_log

IDS = [
    "1",
    "07",
    "1.0",
    "a",
    "é",
    "a b",
    " a",
    "a ",
    "-",
    "NA",
    "NULL",
    "true",
    "\uff11",
    "x'y",
    "",
]
TIMES = [
    *("978300760", "978300761", "978300762.5", "978300763.0"),
    *("9783e5", " 978300760", "978300760 ", "+978300760", "-978300760", "000978300760"),
    *(
        "nan",
        "NaN",
        "inf",
        "-inf",
        "Infinity",
        "1e400",
        "0x10",
        "978_300_760",
        "\uff19\uff17\uff18300760",
    ),
    *("", "NA", "null", "true", "978300760,5", "978.300.760", "1e5", ".5", "5.", "--5", "\u0663"),
]
SEPARATORS = [",", "\t", ";", "|", "::"]


@st.composite
def logs(draw: st.DrawFn) -> tuple[str, ReadConfig]:
    """Draw a text of rows, good and bad, and how it is to be read."""
    separator = draw(st.sampled_from(SEPARATORS))
    times = [time for time in TIMES if separator not in time]
    good = st.tuples(st.sampled_from(IDS[:4]), st.sampled_from(IDS[:4]), st.sampled_from(times[:4]))
    odd = st.tuples(st.sampled_from(IDS), st.sampled_from(IDS), st.sampled_from(times))
    torn = st.lists(st.sampled_from(["1", "2", "978300760", ""]), min_size=1, max_size=5)
    row = st.one_of(good, good, good, odd, torn.map(tuple))
    rows = [separator.join(fields) for fields in draw(st.lists(row, max_size=6))]
    blank = draw(st.sampled_from([None, "", " "]))
    if blank is not None:
        rows.insert(draw(st.integers(0, len(rows))), blank)
    rows = [separator.join(("1", "2", "978300760")), *rows]
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join(rows) + draw(st.sampled_from(["", end]))
    columns = "user=1,item=2,time=3"
    return text, ReadConfig(columns=columns, sep=separator, header=False, time_unit="s")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("two") / "log"


def judge(log: Path, config: ReadConfig) -> list[CheckedRow]:
    """Return what the slow reader says of each row."""
    return list(check_rows(log, recognise_format(log, config)))


def read(log: Path, config: ReadConfig) -> list[tuple[str, str, float]]:
    """Return the events as (user, item, time)."""
    events = read_log(log, config).events
    users, items = (events[name].astype(str).tolist() for name in (USER_ID, ITEM_ID))
    return list(zip(users, items, events[TIMESTAMP].tolist(), strict=True))


def meant(rows: list[CheckedRow], config: ReadConfig) -> list[tuple[str, str, float]]:
    """Return the events that the right rows are, by splitting them."""
    split = (row.text.rstrip("\r\n").split(config.separator) for row in rows if not row.complaint)
    return [(user, item, float(time)) for user, item, time in split]


@given(made=logs())
def test_the_fast_reader_reads_a_log_where_the_slow_one_finds_each_row_right(log: Path, made):
    text, config = made
    log.write_bytes(text.encode())
    rows = judge(log, config)
    wrong = [row for row in rows if row.complaint]
    try:
        found = read(log, config)
    except DataError as error:
        assert wrong, f"{error}, but each row is judged to be right"
        assert wrong[0].complaint is not None
        assert str(error) == f"{log} line {wrong[0].line}: {wrong[0].complaint[0]}"
    else:
        assert not wrong, f"it is read, but judged: {wrong[0]}"
        assert found == meant(rows, config)


@given(made=logs())
def test_what_is_left_out_is_what_is_wrong_and_nothing_else(log: Path, made):
    text, config = made
    log.write_bytes(text.encode())
    rows = judge(log, config)
    skipping = replace(config, skip_bad_rows=True)
    assert read(log, skipping) == meant(rows, config)
    bad_rows = read_log(log, skipping).bad_rows
    assert (bad_rows.count if bad_rows else 0) == sum(row.complaint is not None for row in rows)


@pytest.mark.parametrize("time", ["0x10", "0X10", "-0x10"])
def test_a_hexadecimal_number_is_no_time_also_where_ids_are_hexadecimal(log: Path, time: str):
    config = ReadConfig(columns="user=1,item=2,time=3", sep=",", header=False, time_unit="s")
    log.write_text("0xab,0x2,978300760\n0xab,0x3,978300761\n")
    assert read(log, config) == [("0xab", "0x2", 978300760.0), ("0xab", "0x3", 978300761.0)]
    log.write_text(f"0xab,0x2,978300760\n0xab,0x3,{time}\n")
    with pytest.raises(DataError) as raised:
        read(log, config)
    assert str(raised.value) == f"{log} line 2: timestamp '{time}' is not a number"
