"""The reporter: every one that sbr has meets the protocol, and the silent one drops everything."""

import pytest

from sbrcli.cli.output import Output
from sbrcli.reporter import SILENT, Reporter
from tests.reporters import RecordingReporter


def report_everything(reporter: Reporter) -> None:
    reporter.note("a note")
    reporter.warn("a warning")
    reporter.event({"epoch": 1})
    with reporter.progress(2, "events", "evaluate") as advance:
        advance(2, loss="0.5")


def test_the_silent_reporter_prints_nothing(capsys):
    report_everything(SILENT)
    assert capsys.readouterr() == ("", "")


def test_the_command_line_prints_notes_and_warnings_to_stderr(capsys):
    report_everything(Output())
    assert capsys.readouterr() == ("", "a note\nwarning: a warning\n")


def test_quiet_drops_notes_and_keeps_warnings(capsys):
    report_everything(Output(quiet=True))
    assert capsys.readouterr() == ("", "warning: a warning\n")


def test_a_recording_reporter_keeps_all_of_it():
    reporter = RecordingReporter()
    report_everything(reporter)
    assert reporter.notes == ["a note"]
    assert reporter.warnings == ["a warning"]
    assert reporter.events == [{"epoch": 1}]
    assert reporter.done == [("evaluate", 2, 2)]


def test_progress_that_raises_is_not_swallowed():
    with pytest.raises(ZeroDivisionError), SILENT.progress(1, "events", "evaluate"):
        raise ZeroDivisionError
