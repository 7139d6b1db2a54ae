"""A run or dataset without its option; several -k; what other programs' words mean; completion."""

import json
from pathlib import Path

import pytest

from sbrcli.artefacts.workspace import Workspace
from tests.chains import make_workspace
from tests.cli.small_run import NAME, RUN, SMALL
from tests.cli.test_runs import write_dataset, write_run

TWO = (
    "error: run and --run other name two different things\nhint: omit one of them\n",
    "error: user and --dataset other name two different things\nhint: omit one of them\n",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("trained")
    make_workspace(root / "sbr-work")
    return root


@pytest.fixture(autouse=True)
def at_work(trained, monkeypatch, sbr) -> None:
    monkeypatch.chdir(trained)
    if not RUN.exists():
        assert sbr("train", "user", *SMALL, *NAME).code == 0
        assert sbr("train", *SMALL, "--name", "other", "--seed", 2).code == 0


def test_a_run_is_named_without_its_option(sbr):
    for words in ([], ["--run", "run"]):
        said = sbr("evaluate", "run", *words, "-k", 2, "--json")
        assert json.loads(said.stdout)["run"] == "run"
    assert json.loads(sbr("evaluate", "-k", 2, "--json").stdout)["run"] == "other"
    said = sbr("recommend", "run", "--items", "1", "--json")
    assert said.stdout == sbr("recommend", "--run", "run", "--items", "1", "--json").stdout
    assert said.stdout != sbr("recommend", "--items", "1", "--json").stdout


def test_two_different_names_are_a_usage_error(sbr):
    for words in (
        ["evaluate", "run", "--run", "other"],
        ["tune-baselines", "run", "--run", "other"],
        ["recommend", "run", "--run", "other", "--items", "1"],
    ):
        said = sbr(*words)
        assert (said.code, said.stdout, said.stderr) == (2, "", TWO[0])
    said = sbr("train", "user", "--dataset", "other")
    assert (said.code, said.stdout, said.stderr) == (2, "", TWO[1])


def test_a_file_beside_items_is_refused_as_before(sbr):
    Path("sessions.txt").write_text("1,2\n")
    for word in ("sessions.txt", "folder/sessions.txt"):
        said = sbr("recommend", word, "--items", "1")
        assert (said.code, said.stdout) == (2, "")
        assert said.stderr == (
            "error: give the session as --items, or a FILE of sessions, not both\n"
            "hint: sbr recommend --items 3186,1270\n"
        )


def test_cuts_stand_with_commas_between_and_repeated(sbr):
    for words in (["-k", "1,3"], ["-k", 1, "-k", "3"], ["-k", "1,3,1"]):
        metrics = json.loads(sbr("evaluate", *words, "--json").stdout)["metrics"]
        assert set(metrics) == {f"{m}@{k}" for m in ("recall", "mrr", "ndcg") for k in (1, 3)}
    for word in ("1,x", "", "1,,2", "1.5"):
        said = sbr("evaluate", "-k", word)
        assert (said.code, said.stdout) == (2, "")
        assert said.stderr == (
            f"error: -k takes whole numbers with commas between. Received: {word}\n"
            "hint: sbr evaluate -k 10,20\n"
        )


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["train", "--lr", "1"], "--learning-rate"),
        (["train", "--units", "1"], "--hsz"),
        (["train", "--hidden-size", "1"], "--hsz"),
        (["train", "--num-epochs", "1"], "--epochs"),
        (["recommend", "--top", "5"], "-k"),
        (["recommend", "--topk=5"], "-k"),
        (["evaluate", "--model", "a"], "--run"),
    ],
)
def test_an_option_of_other_programs_brings_ours(sbr, words, meant):
    said = sbr(*words)
    assert (said.code, said.stdout) == (2, "")
    wrong = words[1].partition("=")[0]
    first = said.stderr.splitlines()[0]
    assert first.startswith(f"error: No such option: {wrong}")
    assert first.count("-") - wrong.count("-") == meant.count("-"), "no other option is named"
    assert meant in first


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("predict", "recommend"),
        ("list", "runs"),
        ("ls", "runs"),
        ("help", "--help"),
        ("version", "--version"),
        ("test", "evaluate"),
        ("fit", "train"),
        ("rm", "runs rm"),
    ],
)
def test_a_command_of_other_programs_brings_ours(sbr, word, meant):
    said = sbr(word, "x")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == f"error: no such command: {word}\nhint: did you mean: sbr {meant}\n"


def complete(sbr, monkeypatch, line: str) -> list[str]:
    """Return what bash would offer for the last word of a line."""
    monkeypatch.setenv("_SBR_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    return sbr().stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("sbr evaluate ", ["other", "run"]),
        ("sbr evaluate --run o", ["other"]),
        ("sbr report ", ["other", "run"]),
        ("sbr compare r", ["run"]),
        ("sbr train ", ["user"]),
        ("sbr train --dataset u", ["user"]),
        ("sbr train --finish r", ["run"]),
        ("sbr runs show ", ["other", "run", "user"]),
        ("sbr train --preset re", ["rees46", "retailrocket"]),
        ("sbr train --loss t", ["top1-max", "top1"]),
        ("sbr train --optimizer ", ["adagrad", "adam"]),
        ("sbr train --schedule c", ["constant", "cosine"]),
        ("sbr train --precision f", ["float32"]),
        ("sbr evaluate --baselines st", ["stan"]),
        ("sbr evaluate --baselines stan,markov,i", ["stan,markov,item-knn"]),
        ("sbr evaluate --run run --run o", ["other"]),
    ],
)
def test_values_are_completed(sbr, monkeypatch, line, offered):
    assert complete(sbr, monkeypatch, line) == offered


def test_completion_looks_into_the_work_directory_that_is_named(sbr, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_run("mine")
    write_dataset("made")
    Path("sbr-work").rename("w")
    assert complete(sbr, monkeypatch, "sbr evaluate ") == []
    assert complete(sbr, monkeypatch, "sbr -w w evaluate ") == ["mine"]
    assert complete(sbr, monkeypatch, "sbr train -w w ") == ["made"]
    assert Workspace(Path("w")).names("run") == ["mine"]
