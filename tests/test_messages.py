"""Every message that a user can meet stands in full in a test; and the guard of that, by itself."""

from pathlib import Path

import pytest

from sbrcli import errors
from tests.message_guard import ERRORS, Guard
from tests.templates import Sources

ROOT = Path(__file__).parents[1]

PASSING_ON = {
    "sbrcli.cli.training_progress watch": "the header that sbrcli.cli.train writes",
    "sbrcli.dataset.arrangement arrange": "what an EmptySplitError says, with a hint",
    "sbrcli.baseline_config parse_options": "an option's own error, behind the baseline's name",
    "sbrcli.cli.app run": "any error, and what Typer says of wrong words",
    "sbrcli.cli.compare compare": "the warnings of sbrcli.evaluation.comparison",
    "sbrcli.dataset.prepare _arrange": "the line of sbrcli.log.quality.account",
    "sbrcli.dataset.prepare _warn_of_misreadings": "what sbrcli.log.quality.misreadings makes",
    "sbrcli.cli.stats _describe_log": "the lines of sbrcli.log.quality.account",
    "sbrcli.cli.demo demo": "the commands that it runs",
    "sbrcli.cli.evaluate _show": "the verdict, and the warnings of sbrcli.evaluation.metrics",
    "sbrcli.evaluation.new_logs evaluate_log": "the line of sbrcli.log.quality.account",
    "sbrcli.cli.runs _list": "what sbrcli.evaluation.listing finds damaged",
    "sbrcli.cli.runs _show": "the same",
    "sbrcli.cli.report report": "the warnings of sbrcli.evaluation.metrics",
    "sbrcli.evaluation.runs _kept": "what read_json says, with another hint",
    "sbrcli.log.columns.event_times read_times": "what an UnclearDatesError says",
    "sbrcli.log.joining read_parts": "what the error of a part says, with another hint",
    "sbrcli.log.formats.bad_rows name_wrong_row": "what a WrongRowError says",
    "sbrcli.log.formats.bad_rows _wrong_row": "what a row's complaint says",
    "sbrcli.models.gru4rec.finish _load_network": "what load_weights and load_items say",
    "sbrcli.workspace read_all": "what check_name says of a folder's name",
    "sbrcli.cli.training_progress _tell_epoch": "what epoch_line writes",
    "sbrcli.log.files.spool renamed": "any error about a copy, with the name of the log",
}
"""Functions that tell what others have made, and what that is."""

MAKING = (
    "sbrcli.dataset.overlaps find_overlaps",
    "sbrcli.dataset.request _differs_in",
    "sbrcli.evaluation.comparison _warnings",
    "sbrcli.evaluation.comparison _warnings_of_ranks",
    "sbrcli.evaluation.listing _find_damage",
    "sbrcli.evaluation.metrics find_wide_cuts",
    "sbrcli.evaluation.verdict",
    "sbrcli.log.columns.matching listed",
    "sbrcli.log.columns.date_columns _mixed",
    "sbrcli.log.columns.date_columns _order_of",
    "sbrcli.log.quality.doctor",
    "sbrcli.log.columns.epochs recognise_epoch",
    "sbrcli.log.formats.json_rows _complaint",
    "sbrcli.log.formats.json_rows _type_complaint",
    "sbrcli.log.formats.json_rows _value_complaint",
    "sbrcli.log.quality.misreadings",
    "sbrcli.log.formats.no_tables",
    "sbrcli.log.quality.odd_times",
    "sbrcli.log.formats.rows _time_complaint",
    "sbrcli.log.formats.rows _no_number",
    "sbrcli.log.formats.rows field_complaint",
    "sbrcli.log.formats.rows joined_complaint",
)

UNSEEN = {
    "a part of a timestamp is missing": "the row is named by what is in its place",
    "a timestamp is missing": "the row is named by what is in its place",
    "one of its times is not a number": "the same",
    "the digits of a time are no date": "the same",
    "the column \0 has gaps": "the line is named that lacks a value",
    "a number is hexadecimal": "the row is named that holds it",
    "a key stands twice": "makes a line no JSON object, which is said",
    "\0 is not JSON": "the same",
    "a field holds the unit separator \\x1f": "the row is named that holds it",
    "\0, whose columns are numbered as it has no header: two columns are named \0; found \0": "no "
    "two columns have the same number",
    "a metric is missing": "it is told that the file is not what sbr evaluate writes",
    "a plot is drawn in \0, which is no colour of the page": "a mistake of the programmer",
    "the top lists of \0 were not counted": "a mistake of the programmer",
}
"""Texts of errors that are caught, or never raised but by a bug."""


def test_every_message_stands_in_full_in_a_test():
    guard = Guard(Sources(ROOT / "sbrcli"), Sources(ROOT / "tests"), PASSING_ON, MAKING, UNSEEN)
    assert guard.complaints() == []


SAID = """
def refuse(path, what):
    return DataError(f"{path} is damaged: {what}", hint="copy it again")

def read(path, size):
    if size == 0:
        raise refuse(path, "it is empty")
    raise refuse(path, f"it has {size} bytes")
"""
COMPARED = """
def test_empty():
    assert str(error) == f"{path} is damaged: it is empty"
    assert error.hint == "copy it again"

def test_long(said):
    assert said.stderr == "error: x is damaged: it has 3 bytes\\nhint: copy it again\\n"
"""
EMPTY, LONG = "'… is damaged: it is empty'", "'… is damaged: it has … bytes'"


@pytest.mark.parametrize(
    ("said", "compared", "missing"),
    [
        (SAID, COMPARED, []),
        (SAID.replace("is empty", "is void"), COMPARED, ["'… is damaged: it is void'"]),
        (
            SAID.replace("damaged", "torn"),
            COMPARED,
            [EMPTY.replace("damaged", "torn"), LONG.replace("damaged", "torn")],
        ),
        (
            SAID.replace("copy it", "load it"),
            COMPARED,
            [f"{EMPTY} and its hint", f"{LONG} and its hint", "the hint 'load it again'"],
        ),
        (SAID, COMPARED.replace("== f", "in f"), [EMPTY]),
        (SAID, COMPARED.replace('== "error:', 'in "error:'), [LONG]),
        (SAID, COMPARED.replace('hint == "copy', 'hint != "c'), [f"{EMPTY} and its hint"]),
        (SAID, COMPARED.replace("3 bytes", "3"), [LONG]),
        (SAID + "raise DataError('this is new')", COMPARED, ["'this is new'"]),
        (SAID + "raise DataError(words)", COMPARED, ["'…'"]),
        (SAID + "output.warn(f'{words} is odd')", COMPARED, ["'… is odd'"]),
    ],
)
def test_what_no_test_compares_in_full_is_found(tmp_path, said, compared, missing):
    for folder, text in (("package", said), ("tests", compared)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text(text)
    found = Guard(Sources(tmp_path / "package"), Sources(tmp_path / "tests")).complaints()
    assert {line.split("no test compares ")[1] for line in found} == set(missing)


def test_the_guard_knows_every_kind_of_error():
    assert {name for name in vars(errors) if name.endswith("Error")} | {"_fail"} == ERRORS
