"""One progress runs through all stages of work in parts, and never goes back."""

import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Sequence
from itertools import accumulate, groupby
from pathlib import Path

import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.workflow.prepare_in_parts import stage_shares
from sbrcli.workflow.stages import Stages, divide_among, in_stages
from tests.reporters import RecordingReporter
from tests.workflow.test_prepare_in_parts import make_table, prepare, write_log

STAGES = ["read", "sort", "filter", "write"]


class Shown:
    """Where a progress stands after each report, and in which stage."""

    def __init__(self) -> None:
        self.at = 0
        self.places: list[int] = []

    def __call__(self, done: int, /, **_figures: object) -> None:
        assert done >= 0
        self.at += done
        self.places.append(self.at)


def test_each_stage_has_its_share_of_the_whole():
    shown = Shown()
    stages = Stages(shown, 1000, {"read": 3, "sort": 1})
    with stages.stage("read", 30) as advance:
        advance(10)
        assert shown.at == 250
        advance(20)
    assert shown.at == 750
    with stages.stage("sort", 2) as advance:
        advance(1)
        assert shown.at == 875
    assert shown.at == 1000


def test_a_stage_with_more_steps_than_estimated_stays_within_its_share():
    shown = Shown()
    stages = Stages(shown, 1000, {"read": 1, "sort": 1})
    with stages.stage("read", 10) as advance:
        for _ in range(30):
            advance(1)
    assert shown.places[-1] == shown.places[10] == 500


def test_a_stage_of_unknown_length_approaches_its_end_and_reaches_it_with_its_body():
    shown = Shown()
    stages = Stages(shown, 1000, {"filter": 1})
    with stages.stage("filter", 10, is_open=True) as advance:
        advance(5)
        assert shown.at == 400
        advance(5)
        assert shown.at == 800
        advance(10)
        assert shown.at == 900
        advance(10**6)
        assert shown.at < 1000.5
    assert shown.at == 1000


def test_a_stage_without_steps_and_a_log_without_events_divide_by_nothing():
    shown = Shown()
    stages = Stages(shown, 0, {"read": 1})
    with stages.stage("read", 0) as advance:
        advance(1)
    assert shown.at == 0


def test_a_stage_that_fails_is_not_complete():
    said = RecordingReporter()
    with (
        pytest.raises(ZeroDivisionError),
        in_stages(said, "prepare", 100, {"read": 1, "sort": 1}) as stages,
        stages.stage("read", 10) as advance,
    ):
        advance(4)
        raise ZeroDivisionError
    assert sum(units for units, _ in said.steps) == 20


def test_reading_takes_a_larger_share_where_several_processes_do_the_rest():
    assert divide_among({"read": 0.4, "sort": 0.6}, 2) == {"read": 0.4, "sort": 0.3}


def test_text_takes_longer_to_read_than_typed_columns(tmp_path):
    text, typed = (write_log(tmp_path, make_table(), kind) for kind in ("csv", "parquet"))
    of_text, of_typed = stage_shares([text], 1), stage_shares([typed], 1)
    assert list(of_text) == list(of_typed) == STAGES
    assert of_text["read"] > 2 * of_typed["read"]


def require_one_progress(
    said: RecordingReporter, work: str = "prepare", stages: Sequence[str] = STAGES
) -> None:
    """Check that the only progress runs through the stages in order, to its end."""
    [(description, total, done)] = said.done
    places = list(accumulate(units for units, _ in said.steps))
    assert (description, done) == (work, total)
    assert places == sorted(places)
    assert [name for name, _ in groupby(figures["stage"] for _, figures in said.steps)] == stages
    assert len(set(places)) > 10


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_preparing_in_parts_shows_one_progress(tmp_path, kind, processes):
    log, workspace = write_log(tmp_path, make_table(), kind), Workspace(tmp_path / "work")
    engine = EngineConfig(parts=5, processes=processes)
    _, said = prepare(log, workspace, "parts", PrepareConfig(session="user"), engine)
    require_one_progress(said)


def words_for(folder: Path) -> list[str]:
    """Return a command that prepares a small log in parts."""
    log = write_log(folder, make_table())
    program = (
        "import sys; from sbrcli.engines.memory import Room; from sbrcli.cli.app import main; "
        "Room.holds_all = property(lambda _: False); sys.exit(main())"
    )
    return [
        *(sys.executable, "-c", program, "preprocess", str(log), "--session", "gap:90000"),
        *("--workdir", str(folder / "work"), "--overwrite"),
    ]


def test_a_pipe_gets_no_bar_and_quiet_nothing(tmp_path):
    words = words_for(tmp_path)
    piped = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "in parts" in piped.stderr
    assert not re.search(r"[\r\x1b]|\d%", piped.stderr)
    quiet = subprocess.run([*words, "--quiet"], capture_output=True, text=True, check=True)
    assert quiet.stderr == ""


def test_a_terminal_sees_one_bar_with_notes_above_it(tmp_path):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with subprocess.Popen(
        words_for(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 4096):
                seen += chunk
        except OSError:  # how Linux tells the end of a terminal
            pass
    os.close(ours)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", seen.decode())
    drawn = [line for line in text.replace("\n", "\r").split("\r") if "%|" in line]
    assert drawn
    assert all(line.startswith("prepare: ") for line in drawn)
    percents = [int(line.split("%")[0].removeprefix("prepare: ")) for line in drawn]
    assert percents == sorted(percents)
    assert "<" in drawn[-1]  # elapsed<remaining
    assert all(line.rstrip().endswith("]") for line in drawn)
    assert any(line.startswith("read as a table") for line in re.split("[\r\n]", text))
