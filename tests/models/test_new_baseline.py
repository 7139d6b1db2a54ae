"""A new baseline is one file and one line: `tests.models.toy_baseline` does all that others do."""

import json
from pathlib import Path

import pytest

from sbrcli.models.baselines.registry import BASELINES, all_baselines
from tests.evaluation.test_tuning import try_only, workspace  # noqa: F401  a fixture
from tests.report.workdirs import make_evaluated

WORK = ("--workdir", "work")
BOARD = ("evaluate", *WORK, "--json", "--baselines", "toy")


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, workspace) -> None:  # noqa: F811
    """The one line that a baseline takes outside its own file."""
    monkeypatch.setitem(BASELINES, "toy", "tests.models.toy_baseline")


def options_of(said) -> dict[str, str]:
    return {row["model"]: row["options"] for row in json.loads(said.stdout)["leaderboard"]}


def test_it_stands_in_the_leaderboard_with_its_options(sbr):
    assert options_of(sbr(*BOARD))["toy"] == "back=0.5"
    assert options_of(sbr(*BOARD, "--toy", "back=0.25"))["toy"] == "back=0.25"
    found = sbr("evaluate", *WORK, "--json", "--baselines", "all")
    assert set(BASELINES) < set(options_of(found))
    said = sbr(*BOARD, "--toy", "back=-1")
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr == "error: toy's back must be at least 0. Received: -1.0\n"


def test_help_lists_it(sbr):
    shown = " ".join(sbr("evaluate", "--help").stdout.replace("│", " ").split())
    assert "vsknn, stan, toy; can be repeated" in shown
    assert "a blend of the run and markov, vsknn, stan or toy" in shown
    assert "--toy OPTIONS Count of items on the other side of the last one." in shown
    assert "[default: back=0.5]" in shown


def test_it_is_tuned(sbr, monkeypatch):
    try_only(monkeypatch, {one.name: one.grid for one in all_baselines() if one.name == "toy"})
    tuned = json.loads(sbr("tune-baselines", *WORK, "--json").stdout)
    tried = [trial["options"] for trial in tuned["trials"] if trial["baseline"] == "toy"]
    assert tried == ["back=0.5", "back=0"]
    # In the chain, what came before says nothing of what comes next.
    assert tuned["options"]["toy"] == "back=0"
    assert options_of(sbr(*BOARD))["toy"] == "back=0"


def test_the_hybrid_takes_it_for_a_partner_and_keeps_it_with_the_run(sbr):
    kept = Path("work", "runs", "user-1x4", "hybrid.json")
    sbr("evaluate", *WORK, "--hybrid", "--markov", "steps=20,decay=same", "--toy", "back=0")
    document = json.loads(kept.read_text())
    assert {trial["partner"] for trial in document["trials"]} == {"markov", "vsknn", "stan", "toy"}
    assert (document["partner"], document["options"]["toy"]) == ("toy", "back=0")
    said = sbr("recommend", *WORK, "--items", 3, "--hybrid", "--json")
    assert said.code == 0
    assert len(json.loads(said.stdout)["items"]) == 20


def test_the_report_writes_its_option_into_the_command_line(sbr):
    make_evaluated(Path("sbr-work"))
    sbr("evaluate", "--baselines", "toy", "--toy", "back=2")
    assert sbr("report").code == 0
    assert "--baselines toy --toy back=2" in Path("report.html").read_text()


def test_it_is_a_run(sbr):
    said = sbr("train", *WORK, "--model", "toy", "--toy", "back=0", "--json")
    assert json.loads(said.stdout)["run"] == "user-toy-back0"
    assert sbr("recommend", *WORK, "--run", "user-toy-back0", "--items", 3).code == 0
