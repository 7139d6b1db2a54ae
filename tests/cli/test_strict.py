"""Words that would be dropped or misunderstood without a message are refused."""

from pathlib import Path

import pytest

from tests.builders import make_run, write_ratings

TWICE = "hint: keep one and omit the others\n"
UNSET = "hint: see whether the variable that it comes from is set\n"


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("stats log --sep , --sep tab", "--sep"),
        ("stats log --tz UTC --tz Asia/Seoul", "--tz"),
        ("stats log --header --no-header", "--header"),
        ("preprocess log --test-days 1 --test-days 2", "--test-days"),
        ("preprocess log --session user --session=gap:60", "--session"),
        ("train --hsz 50 --hsz 60", "--hsz"),
        ("evaluate --run a --run b", "--run"),
        ("compare -k 10 -k 20", "-k"),
        ("report --out a --out b", "--out"),
        ("recommend --items 1 --items 2", "--items"),
        ("recommend --items 1 -k 1 -k 2", "-k"),
        ("tune-baselines -w a -w b", "--workdir"),
        ("-w a --workdir b stats log", "--workdir"),
        ("-w a stats log -w b", "--workdir"),
        ("demo -w a --workdir=b", "--workdir"),
    ],
)
def test_an_option_of_one_value_that_is_given_twice_is_refused(sbr, tmp_path, words, option):
    write_ratings(tmp_path / "log", "1 5 10, 1 6 20, 2 5 15, 2 6 16")
    said = sbr(*words.split())
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (f"error: {option} is given more than once, but takes one value\n{TWICE}")
    assert {path.name for path in tmp_path.iterdir()} == {"log"}


def test_a_flag_and_a_help_may_be_given_twice(sbr, tmp_path):
    write_ratings(tmp_path / "log", "1 5 10, 1 6 20, 2 5 15, 2 6 16")
    assert sbr("-q", "stats", "log", "-q", "--quiet", "--json", "--json").code == 0
    assert sbr("stats", "--tz", "UTC", "--tz", "UTC", "--help").code == 0


def test_lists_that_are_given_twice_count_together(sbr, tmp_path):
    (tmp_path / "log").write_text(
        "user,product,page,time,event\n1,a,x,10,view\n1,b,y,20,cart\n1,a,y,30,buy\n2,c,z,40,view\n"
    )
    named = ("--columns", "item=page", "--columns", "time=time,user=user")
    said = sbr("stats", "log", *named, "--event", "view", "--event", "cart", "--json", "-q")
    assert '"events": 3, ' in said.stdout
    assert '"items": 3, ' in said.stdout


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["stats", ""], "LOG"),
        (["preprocess", ""], "LOG"),
        (["preprocess", "log", "-w", ""], "--workdir"),
        (["--workdir", "", "preprocess", "log"], "--workdir"),
        (["preprocess", "log", "--workdir="], "--workdir"),
        (["preprocess", "log", "--titles", ""], "--titles"),
        (["preprocess", "log", "--test-log", ""], "--test-log"),
        (["preprocess", "log", "--test-log", "log", "--valid-log", ""], "--valid-log"),
        (["preprocess", "log", "--name", ""], "--name"),
        (["stats", "--dataset", ""], "--dataset"),
        (["train", "--dataset", ""], "--dataset"),
        (["train", "--name", ""], "--name"),
        (["evaluate", "--run", ""], "--run"),
        (["evaluate", "--hybrid-from", ""], "--hybrid-from"),
        (["evaluate", "--per-event", ""], "--per-event"),
        (["compare", "a", ""], "RUN"),
        (["report", "--out", ""], "--out"),
        (["recommend", ""], "FILE"),
        (["recommend", "--items", "1", "--titles", ""], "--titles"),
    ],
)
def test_an_empty_word_is_no_path_and_no_name(sbr, tmp_path, words, named):
    write_ratings(tmp_path / "log", "1 5 10, 1 6 20, 2 5 15, 2 6 16")
    said = sbr(*words)
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == f"error: {named} is an empty word\n{UNSET}"
    assert {path.name for path in tmp_path.iterdir()} == {"log"}


def test_a_dot_is_the_current_folder(sbr, tmp_path):
    make_run(tmp_path, ids=("10", "20"))
    assert sbr("recommend", "--items", "10", "-w", ".").code == 0
    assert not Path("sbr-work").exists()


@pytest.mark.parametrize("words", ["serve --cors", "train --hsz", "-q stats log --sep"])
def test_an_option_without_its_value_names_its_own_command(sbr, words):
    said = sbr(*words.split())
    command, option = words.removeprefix("-q ").split()[0], words.split()[-1]
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        f"error: Option '{option}' requires an argument.\n"
        f"hint: run sbr {command} --help for usage\n"
    )
