"""Texts that hold events and are no table: what they are, and what makes a table of them."""

import gzip
import subprocess
from pathlib import Path

import pytest

from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.reading import read_log

ARFF = """@RELATION log

@ATTRIBUTE user_id NUMERIC
@ATTRIBUTE 'item id' NUMERIC
@ATTRIBUTE time NUMERIC

@DATA
71,501,1614585600
"""
PSQL = """ user_id | item_id |        time
---------+---------+---------------------
 71      | 501     | 2021-03-01 08:00:00
(1 row)
"""
MYSQL = """+---------+---------+---------------------+
| user_id | item_id | time                |
+---------+---------+---------------------+
| 71      | 501     | 2021-03-01 08:00:00 |
+---------+---------+---------------------+
1 row in set (0.00 sec)
"""
MARKDOWN = """| user_id | item_id | time |
|---|:-:|---|
| 71 | 501 | 2021-03-01 08:00:00 |
"""
TAKE_LINES_OFF = "sed '/^[-+| :=]*$/d; /|/!d; s/^ *|* *//; s/ *|* *$//; s/ *| */,/g'"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(content: bytes) -> tuple[str, str | None]:
    Path("log").write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_log(Path("log"))
    return str(caught.value), caught.value.hint


@pytest.mark.parametrize("text", [PSQL, MYSQL, MARKDOWN])
def test_a_drawn_table_is_named_and_the_command_makes_a_log_of_it(text):
    assert refusal(text.encode()) == (
        "log: a table drawn with lines, as psql, mysql and Markdown have it",
        f"export it as CSV, or take the lines off: {TAKE_LINES_OFF} log > log.csv",
    )
    subprocess.run(f"{TAKE_LINES_OFF} log > log.csv", shell=True, check=True)
    assert Path("log.csv").read_text() == "user_id,item_id,time\n71,501,2021-03-01 08:00:00\n"


@pytest.mark.parametrize("is_packed", [False, True])
def test_an_arff_file_is_named_with_its_columns(is_packed):
    content = ARFF.encode()
    command = "zcat log | sed '1,/^@data/Id'" if is_packed else "sed '1,/^@data/Id' log"
    assert refusal(gzip.compress(content) if is_packed else content) == (
        "log is an ARFF file of Weka, which names its columns above the rows: user_id, item id, "
        "time",
        f"take its header off: {command} > log.csv; then read log.csv with --no-header --columns "
        "user=NUMBER,item=NUMBER,time=NUMBER",
    )


@pytest.mark.parametrize(
    "row", ["user|item|time", "1|--|3", "a---b|c|4", "71 | 501 | -3", "+1|2|3"]
)
def test_rows_with_bars_and_hyphens_are_no_drawn_table(row):
    Path("log").write_text("user|item|time\n1|2|3\n")
    assert len(read_log(Path("log")).events) == 1
    Path("log").write_text(f"user|item|time\n{row}\n4|5|6\n")
    try:
        read_log(Path("log"))
    except DataError as error:
        assert "drawn" not in str(error)


def test_a_header_in_single_quotes_is_named_with_the_option_that_reads_it():
    assert refusal(b"'user','item','time'\n'1','2','3'\n") == (
        "log: the fields of its first line stand in single quotes: 'user', 'item', 'time'",
        """--quote "'" takes them off""",
    )
    assert len(read_log(Path("log"), ReadConfig(quote="'")).events) == 1


def test_a_quote_behind_a_backslash_is_named_with_the_option_that_reads_it():
    text = 'user,item,name,time\n1,2,"say \\"hi\\", you",3\n1,3,"tv",4\n'
    assert refusal(text.encode()) == (
        "log line 2: a quote is opened and not closed",
        r"say --escape '\' where a backslash stands before a quote within a field",
    )
    assert len(read_log(Path("log"), ReadConfig(escape="\\")).events) == 2


def test_a_yaml_file_is_named_with_the_command_that_makes_json_lines_of_it():
    Path("log.yml").write_text("- user: 71\n  item: 501\n  time: 1614585600\n")
    with pytest.raises(DataError) as caught:
        read_log(Path("log.yml"))
    assert str(caught.value) == "log.yml is a YAML file, which sbr does not read"
    assert caught.value.hint == "write it as JSON lines: yq -o=json -I=0 '.[]' log.yml > log.jsonl"


def test_a_packed_file_within_another_is_named():
    assert refusal(gzip.compress(gzip.compress(b"user,item,time\n1,2,3\n"))) == (
        "log: gzip within an archive",
        "unpack it first",
    )


def test_a_line_without_a_known_separator_asks_for_it():
    message, hint = refusal(b"user#item#time\n1#2#3\n")
    assert message == "log: not a layout that sbr knows; its first line has user#item#time"
    assert hint is not None
    assert hint.startswith("say what stands between the fields, as in --sep '#'; say which column")


def test_lines_of_a_user_and_its_items_can_be_read_either_way():
    _, hint = refusal(b"71: 501 502 503\n72: 505 502\n")
    session = '{for (i = 1; i <= NF; i++) print NR " " $i}'
    user = '{sub(/:$/, "", $1); for (i = 2; i <= NF; i++) print $1 " " $i}'
    assert hint == (
        f"if each line holds the items of a session, give each a line of its own: awk '{session}' "
        "log > log.txt; then read log.txt with --no-time --no-header --columns session=1,item=2; "
        f"if it begins with a user: awk '{user}', and --columns user=1,item=2"
    )


def test_the_ends_of_item_sets_in_spmf_are_no_items():
    _, hint = refusal(b"501 -1 502 -1 503 -1 -2\n505 -1 502 -1 -2\n501 -1 -2\n")
    assert hint is not None
    assert "if ($i !~ /^-[12]$/) print NR" in hint
