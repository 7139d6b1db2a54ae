"""A wrong row of a long log is named without judging every row."""

from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.files import blocks
from sbrcli.log.formats import bad_rows
from sbrcli.log.formats.rows import check_rows
from sbrcli.log.reading import read_log


@pytest.fixture(autouse=True)
def small_blocks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 64)


@pytest.fixture
def judged(monkeypatch) -> list[int]:
    """Return how many rows were judged, one entry a row."""
    lines: list[int] = []

    def counting(path, log_format):
        for row in check_rows(path, log_format):
            lines.append(row.line)
            yield row

    monkeypatch.setattr(bad_rows, "check_rows", counting)
    return lines


def complaint(text: str, **options) -> str:
    Path("log").write_bytes(text.encode())
    with pytest.raises(DataError) as caught:
        read_log(Path("log"), ReadConfig(**options))
    return str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("at", [0, 3, 100, 199])
def test_the_row_is_named_by_its_line_in_the_log(judged, at, end):
    rows = [f"u{n},i{n},{1_700_000_000 + n}" for n in range(200)]
    rows[at] = "u,i,soon"
    text = end.join(["user,item,time", *rows, ""])
    assert complaint(text) == f"log line {at + 2}: timestamp 'soon' is not a number"
    assert len(judged) < 10
    said = complaint(text.replace("u,i,soon", "u,i"))
    assert said == f"log line {at + 2}: 3 fields expected, 2 found"


def test_without_header_lines_are_counted_from_the_first(judged):
    rows = [f"{n}::7::5::978300760\n" for n in range(100)]
    assert complaint("".join(rows) + "1::2::3\n") == "log line 101: 4 fields expected, 3 found"
    assert len(judged) < 10


def test_a_row_that_no_block_shows_is_opened_in_the_whole_log(judged):
    early = [f"{n},7,{1_700_000_000 + n}\n" for n in range(100)]
    late = [f"{n},7,1700000{n:03d}000000000\n" for n in range(100)]  # ns, of another year in s
    text = "user,item,time\n" + "".join(early) + "".join(late)
    said = complaint(text + "1,2\n")
    assert said == "log line 202: 3 fields expected, 2 found"


def test_quoted_fields_that_span_lines_are_judged_as_one(judged):
    rows = "".join(f'"u\n{n}",7,{1_700_000_000 + n}\n' for n in range(50))
    said = complaint("user,item,time\n" + rows + "1,2,soon\n")
    assert said == "log line 102: timestamp 'soon' is not a number"
    assert len(judged) == 51
