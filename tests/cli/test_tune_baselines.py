"""`sbr tune-baselines`: its words, and that `sbr evaluate` listens to it."""

import json

import pytest

from sbrcli import __version__
from tests.evaluation.test_tuning import try_only, workspace  # noqa: F401  a fixture


@pytest.fixture(autouse=True)
def small_grid(monkeypatch):
    try_only(monkeypatch, {"markov": {"steps": (1, 2)}, "vsknn": {"idf": (0.0, 9.0)}})


@pytest.mark.usefixtures("workspace")
def test_what_was_tried_is_a_table_and_the_choice_is_reported(sbr):
    said = sbr("tune-baselines", "--workdir", "work")
    lines = [line.split("\t") for line in said.stdout.splitlines()]
    assert lines[0] == ["baseline", "options", "recall@20", "mrr@20", "best"]
    assert [line[:2] for line in lines[1:]] == [
        ["markov", "steps=1,decay=div"],
        ["markov", "steps=2,decay=div"],
        ["item-knn", "neighbours=100,damping=20"],
        ["vsknn", "k=100,sample=1000,weighting=linear,decay=div,idf=0"],
        ["vsknn", "k=100,sample=1000,weighting=linear,decay=div,idf=9"],
        ["stan", "k=100,sample=5000,lambda1=1.02,lambda2=5,lambda3=2.05"],
    ]
    best = [line for line in lines[1:] if line[4] == "*"]
    assert [line[0] for line in best] == ["markov", "item-knn", "vsknn", "stan"]
    assert said.stderr.splitlines() == [
        "run user-1x4 on dataset user",
        "sbr evaluate --baselines all now takes:",
        *(f"  --{line[0]} {line[1]}" for line in best),
    ]


@pytest.mark.usefixtures("workspace")
def test_a_person_sees_the_chosen_settings_and_all_with_trials(sbr):
    words = ("tune-baselines", "--workdir", "work")
    names = ("item-knn", "markov", "stan", "vsknn")
    chosen = sbr(*words, terminal=True).stdout.splitlines()
    rows = [line.rstrip() for line in chosen if line[2:].startswith(names)]
    assert sorted(row.split()[0] for row in rows) == list(names)
    assert all(row.endswith("*") for row in rows)
    tried = sbr(*words, "--trials", terminal=True).stdout
    assert sum(line.startswith("  vsknn ") for line in tried.splitlines()) == 2
    assert sbr(*words).stdout == sbr(*words, "--trials").stdout


@pytest.mark.usefixtures("workspace")
def test_a_person_sees_no_option_broken_in_two(sbr):
    said = sbr("tune-baselines", "--workdir", "work", "--trials", terminal=True)
    cells = [word for line in said.stdout.splitlines() for word in line.split()]
    assert [cells.count(word) for word in ("weighting=linear,", "decay=div,", "idf=9")] == [2, 2, 1]


@pytest.mark.usefixtures("workspace")
def test_the_choice_goes_before_the_defaults_and_the_user_before_the_choice(sbr, tmp_path):
    kept = tmp_path / "work/runs/user-1x4/baselines.json"
    kept.write_text(json.dumps({"options": {"markov": "steps=7,decay=same"}}))
    words = ("evaluate", "--workdir", "work", "--baselines", "markov", "--json")
    assert options(sbr(*words)) == "steps=7,decay=same"
    assert options(sbr(*words, "--markov", "steps=2")) == "steps=2,decay=same"


@pytest.mark.usefixtures("workspace")
def test_a_damaged_choice_is_an_artefact_error(sbr, tmp_path):
    (tmp_path / "work/runs/user-1x4/baselines.json").write_text('{"options": 3}')
    said = sbr("evaluate", "--workdir", "work", "--baselines", "markov")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: work/runs/user-1x4/baselines.json is damaged: it holds no options\n"
        "hint: sbr tune-baselines writes it again\n"
    )


@pytest.mark.usefixtures("workspace")
def test_a_choice_with_an_option_of_a_later_version_says_what_is_unknown(sbr, tmp_path):
    kept = tmp_path / "work/runs/user-1x4/baselines.json"
    later = {"options": {"markov": "steps=7,horizon=9"}, "rounds": 2}
    kept.write_text(json.dumps(later))
    said = sbr("evaluate", "--workdir", "work", "--baselines", "markov")
    assert (said.stdout, said.code) == ("", 5)
    assert said.stderr == (
        "error: work/runs/user-1x4/baselines.json has options that sbr "
        f"{__version__} cannot use: markov takes steps=…, decay=…, with commas between. "
        "Received: horizon=9\n"
        "hint: choose them again with: sbr tune-baselines --run user-1x4\n"
    )
    # Who compares with no baseline has no need of it.
    assert sbr("evaluate", "--workdir", "work").code == 0


@pytest.mark.usefixtures("workspace")
def test_later_entries_and_later_baselines_of_a_choice_are_skipped(sbr, tmp_path):
    kept = tmp_path / "work/runs/user-1x4/baselines.json"
    later = {"markov": "steps=7,decay=same", "transformer": "heads=2"}
    kept.write_text(json.dumps({"options": later, "rounds": 2, "trials": None}))
    said = sbr("evaluate", "--workdir", "work", "--baselines", "markov", "--json")
    assert options(said) == "steps=7,decay=same"


def options(said) -> str:
    board = json.loads(said.stdout)["leaderboard"]
    return next(row["options"] for row in board if row["model"] == "markov")
