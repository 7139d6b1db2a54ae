"""Sessions as text."""

import pytest

from sbrcli.errors import DataError
from sbrcli.log.session_lines import parse_session, read_sessions


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("3186,1270", ["3186", "1270"]),
        (" 3186 , 1270\r\n", ["3186", "1270"]),
        ("3186,,1270,", ["3186", "1270"]),
        ("", []),
        (" , ", []),
        ("one two,é", ["one two", "é"]),
        ('["a,b", "c"]', ["a,b", "c"]),
        ("[3186, 1270]", ["3186", "1270"]),
        ('[" a "]', [" a "]),
        ("[]", []),
        ("[rec]1,2", ["[rec]1", "2"]),
        ("[1.5]", ["[1.5]"]),
        ("[true]", ["[true]"]),
        ("[" * 100_000, ["[" * 100_000]),
    ],
)
def test_a_session_is_ids_with_commas_or_a_json_array(text, ids):
    assert parse_session(text) == ids


def test_each_line_of_a_file_is_a_session_and_an_empty_one_too(tmp_path):
    path = tmp_path / "sessions"
    path.write_bytes(b"\xef\xbb\xbf1,2\r\n\n3\n\xff")
    assert list(read_sessions(path)) == [["1", "2"], [], ["3"], ["\udcff"]]


def test_a_file_that_cannot_be_read_is_a_data_error(tmp_path):
    with pytest.raises(DataError) as error:
        list(read_sessions(tmp_path / "none"))
    assert str(error.value) == f"cannot read {tmp_path / 'none'}: No such file or directory"
