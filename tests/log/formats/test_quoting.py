"""Which quotes of a text quote its fields."""

from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import ConfigError, DataError
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.quoting import quoted_rows, split_escaped, split_quoted
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log


def _read(folder: Path, text: str, **options: bool) -> list[str]:
    path = folder / "log.txt"
    path.write_text(text, encoding="utf-8", newline="")
    return list(read_log(path, ReadConfig(**options)).events["item_id"])  # type: ignore[arg-type]


def test_a_field_is_quoted_if_its_closing_quote_stands_before_a_separator():
    assert split_quoted('1,"a, ""b""",2', ",") == ["1", 'a, "b"', "2"]
    assert split_quoted('1,12" mix,"c"', ",") == ["1", '12" mix', "c"]
    assert split_quoted('1,"Heroes" live,2', ",") is None
    assert split_quoted('1,"Heroes', ",") is None


def test_a_row_spans_lines_only_where_that_gives_it_all_its_fields():
    lines = ['1,"a\n', 'b",3\n', '4,"c,6\n', "7,8,9\n"]
    table = LogFormat(name="a table", separator=",", is_quoted=True, columns=(None, None, None))
    assert list(quoted_rows(lines, table)) == [
        (2, '1,"a\nb",3', ["1", "a\nb", "3"]),
        (1, '4,"c,6', None),
        (1, "7,8,9", ["7", "8", "9"]),
    ]


def test_titles_that_begin_with_a_quote_take_no_rows_with_them(tmp_path: Path):
    rows = '1\ta\tSong\t1\n1\tb\t"Song\t2\n1\tc\tSong\t3\n1\td\t"Heroes" live\t4\n'
    assert _read(tmp_path, "user\titem\ttitle\ttime\n" + rows) == ["a", "b", "c", "d"]


def test_the_first_rows_of_a_log_without_header_show_what_quotes_are(tmp_path: Path):
    rows = '1\ta\t"Live" at home\t1\n1\tb\t"Song\t2\n2\tc\t12" mix\t3\n1\td\t"Song" two\t4\n'
    options = {"columns": "user=1,item=2,time=4"}
    assert _read(tmp_path, rows, **options) == ["a", "b", "c", "d"]  # type: ignore[arg-type]


def test_quoted_and_bare_names_between_tabs_are_two_ids(tmp_path: Path):
    rows = '1\tHeroes\t1\n1\t"Heroes"\t2\n'
    assert _read(tmp_path, "user\titem\ttime\n" + rows) == ["Heroes", '"Heroes"']


def test_a_column_that_is_quoted_throughout_is_quoted_text(tmp_path: Path):
    rows = '1\t"a"\t1\n1\t"b"\t2\n'
    assert _read(tmp_path, "user\titem\ttime\n" + rows) == ["a", "b"]


def test_quotes_between_commas_quote_as_csv_has_it(tmp_path: Path):
    assert _read(tmp_path, 'user,item,time\n1,"a",1\n1,a,2\n') == ["a", "a"]


def test_an_unclosed_quote_costs_its_own_row_alone(tmp_path: Path):
    text = 'user,item,title,time\n1,a,"x, y",1\n1,b,"x,2\n1,c,"x, z",3\n1,d,w,4\n'
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(DataError, match="line 3: a quote is opened and not closed"):
        read_log(path)
    log = read_log(path, ReadConfig(skip_bad_rows=True))
    assert list(log.events["item_id"]) == ["a", "c", "d"]
    assert log.bad_rows is not None and log.bad_rows.count == 1


def test_rows_that_span_lines_are_counted(tmp_path: Path):
    path = tmp_path / "log.csv"
    path.write_text('user,item,title,time\n1,a,"x\ny",1\n1,b,z,2\n')
    log = read_log(path)
    assert list(log.events["item_id"]) == ["a", "b"]
    assert describe_reading(log) == (
        "read as a table (comma separated, header): user=user, item=item, time=time in seconds; "
        "rows that span lines, as a quoted field does: 1"
    )


def test_line_ends_of_any_kind_are_looked_through(tmp_path: Path):
    text = 'user\titem\ttime\r1\t"Heroes\t1\r1\tb\t2\r'
    assert _read(tmp_path, text) == ['"Heroes', "b"]


def test_rows_that_span_lines_are_counted_in_all_parts(tmp_path: Path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text('user,item,title,time\n1,a,"x\ny",1\n')
    assert read_log(tmp_path).format.num_spanning == 2


def test_nothing_is_quoted_where_the_user_says_so(tmp_path: Path):
    text = 'user,item,time\n1,"a",1\n1,"b,2\n1,a,3\n'
    items = _read(tmp_path, text, quote="none")  # type: ignore[arg-type]
    assert items == ['"a"', '"b', "a"]


def test_single_quotes_quote_where_the_user_says_so(tmp_path: Path):
    text = "'user','title','item','time'\n1,'one, two','it''s',1\n1,\"x,b,2\n1,don't,'a\nb',3\n"
    options = {"quote": "'"}
    assert _read(tmp_path, text, **options) == ["it's", "b", "a\nb"]  # type: ignore[arg-type]
    with pytest.raises(DataError, match="line 2: a quote is opened and not closed"):
        _read(tmp_path, "user,item,time\n1,'a,1\n", **options)  # type: ignore[arg-type]


def test_an_escape_takes_the_meaning_of_a_quote_a_separator_and_itself(tmp_path: Path):
    rows = [r'1,"say \"hi\", now",a\,b,1', r"1,x\\,c\"d,2", "1,x,e,3"]
    text = "user,title,item,time\n" + "\n".join(rows) + "\n"
    items = ["a,b", 'c"d', "e"]
    assert _read(tmp_path, text, escape="\\") == items  # type: ignore[arg-type]
    slow = {"escape": "\\", "skip_bad_rows": True}  # reads row by row, as the last is wrong
    assert _read(tmp_path, text + "1,x,1\n", **slow) == items  # type: ignore[arg-type]
    assert split_escaped(r'"a""b",\"c', ",", '"', "\\") == ['a"b', '"c']
    assert split_escaped('"a" b,c', ",", '"', "\\") is None
    assert split_escaped('"a,c', ",", '"', "\\") is None


def test_quotes_and_escapes_that_cannot_be_are_refused(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        ReadConfig(quote="`")
    assert str(caught.value) == "quote must be none, \" or '. Received: '`'"
    with pytest.raises(ConfigError) as caught:
        ReadConfig(escape="ab")
    assert str(caught.value) == "escape must be one ASCII character. Received: 'ab'"
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, "user::item::time\n1::2::3\n", quote="'")  # type: ignore[arg-type]
    assert str(caught.value) == "quote and escape need a separator of one byte. Received: '::'"
