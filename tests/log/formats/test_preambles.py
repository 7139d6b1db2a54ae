"""What stands above, beside and below a table: comments, reports, row names, lists of features."""

from pathlib import Path
from typing import Any

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.events import USER_ID
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log

_HEADER = "user_id,item_id,timestamp\n"
_ROWS = "7,a,1614585600\n7,b,1614585640\n8,a,1614585900\n"


def _read(folder: Path, text: str, **options: Any) -> tuple[list[str], str]:
    path = folder / "log.txt"
    path.write_text(text, encoding="utf-8", newline="")
    log = read_log(path, ReadConfig(**options))
    events = zip(log.events["user_id"], log.events["item_id"], log.events["timestamp"], strict=True)
    return [f"{user},{item},{time}" for user, item, time in events], describe_reading(log)


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("# exported by the shop, on a Monday, by hand\n", 2),
        ("% one\n%% two\n", 3),
        ("// one\n", 2),
        ("# ------\n# All Web Site Data\n# ------\n\n", 5),
        ("Sales report\nFrom 1 to 31 March\n\n", 4),
        ("Sales report,,\n,,\n", 3),
        ("sep=,\n", 2),
    ],
)
def test_lines_above_the_header_are_skipped_and_the_header_is_named(
    tmp_path: Path, above: str, line: int
):
    rows, words = _read(tmp_path, above + _HEADER + _ROWS)
    assert rows == _ROWS.split()
    assert f"header on line {line})" in words


@pytest.mark.parametrize(
    "header", ["#user_id,item_id,timestamp\n", "# one\n#Fields: user_id,item_id,timestamp\n"]
)
def test_a_comment_that_names_the_columns_is_the_header(tmp_path: Path, header: str):
    rows, words = _read(tmp_path, header + _ROWS)
    assert rows == _ROWS.split()
    assert "user=user_id, item=item_id" in words


def test_comments_above_a_log_without_header_are_no_rows(tmp_path: Path):
    rows, words = _read(tmp_path, "# a, b\n" + _ROWS, columns="user=1,item=2,time=3")
    assert rows == _ROWS.split()
    assert "no header" in words


def test_ids_that_begin_as_comments_do_are_ids(tmp_path: Path):
    text = "#a,1,1614585600\n#b,2,1614585601\nc,3,1614585602\n"
    rows, _ = _read(tmp_path, text, columns="user=1,item=2,time=3")
    assert rows == text.split()


def test_excels_first_line_says_the_separator(tmp_path: Path):
    for first in ("sep=;\n", '"sep=;"\r\n', "\ufeffSEP=;\r\n"):
        assert _read(tmp_path, first + (_HEADER + _ROWS).replace(",", ";"))[0] == _ROWS.split()


def test_a_row_without_a_known_header_is_not_taken_for_a_report(tmp_path: Path):
    with pytest.raises(DataError, match="not a layout that sbr knows; its first line has 9, x"):
        _read(tmp_path, "9,x,1614585600\n" + _HEADER + _ROWS)


def test_the_row_names_of_r_have_no_column(tmp_path: Path):
    for names in (("1", "2", "3"), ("3", "9", "12")):
        rows = zip(names, _ROWS.split(), strict=True)
        text = "".join(f'"{name}" {row}\n'.replace(",", " ") for name, row in rows)
        assert _read(tmp_path, _HEADER.replace(",", " ") + text)[0] == _ROWS.split()


def test_one_field_more_than_the_header_names_is_wrong_where_it_may_be_the_last(tmp_path: Path):
    text = _HEADER + "1,5,1614585600,4.5\n2,5,1614585640,3.5\n"
    with pytest.raises(DataError, match="line 2: 3 fields expected, 4 found"):
        _read(tmp_path, text)


def test_a_last_name_may_stand_for_a_list_of_fields(tmp_path: Path):
    header = "user_id,item_id,timestamp,comma_separated_list_of_features\n"
    rows = _ROWS.replace("\n", ",0.1,0.2,0.3\n")
    assert _read(tmp_path, header + rows)[0] == _ROWS.split()


def test_separators_at_the_ends_of_lines_make_no_fields(tmp_path: Path):
    ended_header, ended_rows = _HEADER.replace("\n", ",\n"), _ROWS.replace("\n", ",\n")
    for text in (ended_header + _ROWS, _HEADER + ended_rows, ended_header + ended_rows):
        assert _read(tmp_path, text)[0] == _ROWS.split()


def test_comments_and_totals_below_the_header_are_named_and_counted(tmp_path: Path):
    for line in ("# 3 rows\n", ",,3\n", "Total,3,\n", _HEADER):
        with pytest.raises(DataError, match="line 5: "):
            _read(tmp_path, _HEADER + _ROWS + line + _ROWS)
        rows, words = _read(tmp_path, _HEADER + _ROWS + line + _ROWS, skip_bad_rows=True)
        assert rows == _ROWS.split() * 2
        assert "left out: rows that cannot be events: 1, the first: line 5" in words


def test_an_id_that_is_a_sign_of_comments_is_an_id_in_a_row_of_tabs(tmp_path):
    path = tmp_path / "u.data"
    path.write_text("# a\t7\t5\t978300760\n%\t8\t5\t978300761\n%-\t9\t5\t978300762\n")
    assert read_log(path).events[USER_ID].tolist() == ["# a", "%", "%-"]
