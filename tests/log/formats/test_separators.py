"""What stands between the fields of a row."""

from pathlib import Path
from typing import Any

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import ConfigError
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log

_TABLE = "user_id,item_id,timestamp\n7,a,1614585600\n7,b,1614585640\n8,a,1614585900\n"


def _items(folder: Path, text: str, **options: Any) -> tuple[list[str], str]:
    path = folder / "log.txt"
    path.write_text(text, encoding="utf-8", newline="")
    log = read_log(path, ReadConfig(**options))
    return list(log.events["item_id"]), describe_reading(log)


@pytest.mark.parametrize("separator", ["\x01", "||", "^", "~", "，", "；", "|", ";"])  # noqa: RUF001
def test_the_separator_is_found_in_the_header(tmp_path: Path, separator: str):
    assert _items(tmp_path, _TABLE.replace(",", separator))[0] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("word", "separator"),
    [
        (r"\x01", "\x01"),
        (r"\001", "\x01"),
        ("^A", "\x01"),
        (r"\t", "\t"),
        ("pipe", "|"),
        ("colon", ":"),
        (r"\u00a6", "¦"),
        ("|~|", "|~|"),
    ],
)
def test_a_separator_may_be_given_in_words_and_escapes(tmp_path: Path, word: str, separator: str):
    assert _items(tmp_path, _TABLE.replace(",", separator), sep=word)[0] == ["a", "b", "a"]


def test_a_separator_that_ends_a_line_is_refused():
    for word in (r"\x0a", r"\x00", '"'):
        with pytest.raises(ConfigError) as caught:
            ReadConfig(sep=word)
        assert str(caught.value) == (
            "sep must be one character or more, without quotes, line ends and zero bytes. "
            f"Received: {word!r}"
        )


def test_a_field_with_more_bars_than_there_are_commas_does_not_make_the_bar_a_separator(
    tmp_path: Path,
):
    rows = "u7,a,1614585600,3|12|7|9\nu7,b,1614585640,3|12|7|9\nu8,a,1614585900,3|12|7|9\n"
    items, words = _items(tmp_path, rows, columns="user=1,item=2,time=3")
    assert items == ["a", "b", "a"]
    assert "comma separated" in words


def test_a_separator_that_splits_all_rows_alike_goes_before_one_that_does_not(tmp_path: Path):
    rows = "7;a;1614585600;x,y,z,w\n7;b;1614585640;x\n8;a;1614585900;x,y\n"
    assert _items(tmp_path, rows, columns="user=1,item=2,time=3")[0] == ["a", "b", "a"]


def test_runs_of_spaces_are_one_separator(tmp_path: Path):
    rows = [row.split(",") for row in _TABLE.split()]
    text = "".join(f"{user:>8}   {item:<9}{time:>11}  \n" for user, item, time in rows)
    items, words = _items(tmp_path, text)
    assert items == ["a", "b", "a"]
    assert "runs of spaces separated" in words
    items, words = _items(tmp_path, text + "  7  a\n", skip_bad_rows=True)
    assert items == ["a", "b", "a"]
    assert "1, the first: line 5: 3 fields expected, 2 found" in words
    assert _items(tmp_path, text, sep="spaces")[0] == ["a", "b", "a"]


def test_a_line_of_spaces_alone_is_no_row_where_spaces_separate(tmp_path: Path):
    text = "user_id  item_id   timestamp\n7  a  1614585600\n  \t \n7  b\u00a0c  1614585640\n"
    assert _items(tmp_path, text)[0] == ["a", "b\u00a0c"]
    items, words = _items(tmp_path, text + "7  a\n", skip_bad_rows=True)
    assert items == ["a", "b\u00a0c"]
    assert "1, the first: line 5: 3 fields expected, 2 found" in words


def test_two_spaces_may_hold_an_empty_field(tmp_path: Path):
    text = "user_id note item_id timestamp\n7  a 1614585600\n7 x b 1614585640\n"
    assert _items(tmp_path, text)[0] == ["a", "b"]
