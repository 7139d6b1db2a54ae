"""Ids that are not written as they are meant: every sentence in full."""

import pyarrow as pa
import pytest

from sbrcli.log.quality.id_forms import find_odd_forms


def told(*ids: str) -> list[str]:
    return list(find_odd_forms("item", pa.array(list(ids), pa.string())))


def test_plain_ids_are_not_told():
    assert told("501", "502") == []
    assert told("a", "A", "aB12", "Ab12", "ABBA", "Abba") == []
    assert told("O'Hara", "'t Hof", "2e+1", "x1") == []
    assert told("Beyoncé", "Heroes") == []
    assert told("1-23", "12-3", "1.23", "a-1-2", "a-12", "b 7 8", "b 78") == []


@pytest.mark.parametrize("quoted", ["`71`", "“71”", "\u201871\u2019", "«71»", '="71"'])
def test_ids_in_quotes(quoted):
    assert told(quoted) == [
        f"1 item id of 1 stand in quotes, as {quoted} does, which are a part of the id. Take them "
        "off."
    ]


def test_ids_in_single_quotes_are_read_without_them_by_an_option():
    assert told("'71'", "'72'") == [
        "2 item ids of 2 stand in quotes, as '71' does, which are a part of the id. --quote \"'\" "
        "takes them off."
    ]


def test_an_id_in_quotes_that_is_there_without_them_is_reported_and_others_are_not():
    assert len(told("'71'", "71", "72", "73")) == 1
    assert told("'Heroes'", "Low", "Lodger", "Scary Monsters") == []


def test_a_byte_order_mark_within_a_log_stays_in_the_id_behind_it():
    assert told("\ufeff71", "71", "72") == [
        "1 item id holds an invisible letter, as '\\ufeff71' does: it differs from the id without "
        "it. It is a byte order mark, as joined files have one each. Take it out: "
        r"sed 's/\xef\xbb\xbf//g' LOG > NEW"
    ]


def test_other_letters_that_nobody_sees():
    assert told("71\u200b", "72\u200b") == [
        "2 item ids hold an invisible letter, as '71\\u200b' does: it differs from the id without "
        "it. Take it out."
    ]


def test_a_joiner_within_a_word_is_spelling():
    assert told("\u0645\u06cc\u200c\u062e\u0648\u0627", "\U0001f469\u200d\U0001f4bb") == []
    assert len(told("\u0645\u06cc\u200c", "72")) == len(told("7\u200d1", "72")) == 1


def test_a_no_break_space_is_a_space():
    assert told("71\u00a0", "72") == [
        "Item ids begin or end with a space, as '71\u00a0' does. It is a part of the id, which "
        "--items and titles do not have. Take such spaces out."
    ]


def test_numbers_that_all_have_decimals():
    assert told("501.0", "502.0") == [
        "Item ids are written with decimals, as programs write numbers of a column with gaps: "
        "501.0. They stay as they are. Write them as whole numbers."
    ]


def test_numbers_that_excel_has_rounded():
    assert told("7.10000E+13", "7.2E+13") == [
        "Item ids are written rounded, as Excel does, so that several ids may have become one: "
        "7.10000E+13. They stay as they are. Write them as whole numbers."
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("501", "501,0"),
        ("abba", "ABBA"),
        ("0a3f71b0-1111", "0A3F71B0-1111"),
        ("\u00e9tude", "e\u0301tude"),
        ("501", "\uff15\uff10\uff11"),
    ],
)
def test_an_id_in_two_forms(one, other):
    assert told(one, other) == [
        f"1 item id is written in two ways, as '{one}' and '{other}', and counted as two. Write "
        "each id in one way."
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Foo Bar", "Foo%20Bar"),
        ("A&B", "A&amp;B"),
        ("501", "'501"),
        ("x.y/p/5", "https://x.y/p/5/"),
        ("http://x.y/p/5", "https://www.x.y/p/5"),
        ("SKU501", "SKU-501"),
        ("sku_501", "sku-501"),
        ("Iron Man", "Iron  Man"),
        ("iron man", "Iron Man"),
        ("ann@x.y", "Ann@x.y"),
        ("501", "#501"),
        (f"{71:032x}", f"{0:08x}-0000-0000-0000-{71:012x}"),
    ],
)
def test_an_id_and_itself_in_the_writing_of_another_program(one, other):
    assert told(one, other, "x7") == [
        f"1 item id is written in two ways, as '{one}' and '{other}', and counted as two. Write "
        "each id in one way."
    ]


def test_numbers_with_and_without_letters_before_them():
    assert told("71", "u71", "72", "u72", "u73") == [
        "2 item ids are written in two ways, as '71' and 'u71', and counted as two. Write each id "
        "in one way."
    ]
    assert told("2", "C2", "M", "DOT", "85123A", "22423") == []
    assert told("1", "2", "a1", "b2", "c3", "d4", "e5") == []


def test_the_apostrophe_of_excel():
    assert told("'501", "'502") == [
        "Item ids begin with the apostrophe by which Excel marks text, as '501 does. It is a part "
        "of the id, which --items and titles do not have. Take such apostrophes out."
    ]
