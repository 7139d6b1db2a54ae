"""Files and folders that another user does not let one read."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.builders import write_ratings
from tests.conftest import Said
from tests.warm import WarmProcess

ASK = "hint: ask its owner to allow it, or name another place with --workdir\n"


def sbr_of_a_user(words: str) -> Said:
    """Run `sbr` without root's right to read everything."""
    process = WarmProcess("sbrcli", *words.split(), is_plain_user=True)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode is not None
    return Said(stdout, stderr, process.returncode)


pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or (os.geteuid() == 0 and not sys.platform.startswith("linux")),
    reason="root reads everything, and only Linux lets it give that up",
)


@pytest.fixture
def closed():
    """Close a path to everybody; it is opened at the end, so that it can be deleted."""
    paths = []

    def close(path: str) -> None:
        paths.append(path)
        Path(path).chmod(0)

    yield close
    for path in paths:
        Path(path).chmod(0o700)


@pytest.mark.parametrize(
    ("shut", "named"),
    [
        ("sbr-work/runs/private", "sbr-work/runs/private/manifest.json"),
        ("sbr-work/runs/private/manifest.json",) * 2,
    ],
)
def test_a_run_that_may_not_be_read_is_skipped_with_a_warning(trained, closed, shut, named):
    shutil.copytree(trained, "sbr-work/runs/private")
    closed(shut)
    refused = f"{named}: no permission to read it"
    said = sbr_of_a_user("compare --quiet")
    assert (said.code, said.stdout.count("\n")) == (0, 2)
    assert said.stderr.splitlines()[0] == f"warning: {refused}; skipping it"
    for words in ("recommend --items 1 -k 1", "evaluate -q", "tune-baselines -q"):
        said = sbr_of_a_user(words)
        assert said.code == 0
        assert said.stderr.splitlines()[0] == (
            f"warning: {refused}; using run, the latest of the other runs"
        )
    said = sbr_of_a_user("recommend --items 1 --run private")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == f"error: {refused}\n{ASK}"


def test_the_latest_run_is_one_whose_files_may_all_be_read(trained, closed):
    later = Path("sbr-work/runs/later")
    shutil.copytree(trained, later)
    text = (later / "manifest.json").read_text()
    completed = text.replace('"completed_at": "20', '"completed_at": "90')
    (later / "manifest.json").write_text(completed)
    closed("sbr-work/runs/later/weights.safetensors")
    said = sbr_of_a_user("recommend --items 1 -k 1")
    assert said.code == 0
    assert said.stderr == (
        "warning: sbr-work/runs/later/weights.safetensors: no permission to read it; "
        "using run, the latest of the other runs\n"
        "run run on dataset user\n"
    )


def test_a_dataset_that_may_not_be_read_is_skipped_with_a_warning(trained, closed):
    shutil.copytree("sbr-work/datasets/user", "sbr-work/datasets/private")
    closed("sbr-work/datasets/private")
    warning = (
        "warning: sbr-work/datasets/private/manifest.json: no permission to read it; "
        "using user, the latest of the other datasets\n"
    )
    for words in ("stats -q", "train -q --dry-run"):
        said = sbr_of_a_user(words)
        assert (said.code, said.stderr) == (0, warning)


@pytest.mark.parametrize("shut", ["sbr-work", "sbr-work/runs"])
def test_a_work_directory_that_may_not_be_read_is_an_error_of_one_line(trained, closed, shut):
    closed(shut)
    refused = f"error: {shut}: no permission to read it\n{ASK}"
    for words in ("recommend --items 1", "compare"):
        said = sbr_of_a_user(words)
        assert (said.code, said.stdout, said.stderr) == (5, "", refused)


@pytest.mark.parametrize(
    ("words", "shut"),
    [
        ("stats log", "log"),
        ("stats parts", "parts"),
        ("stats parts", "parts/a.csv"),
        ("preprocess log", "log"),
        ("preprocess other --titles log", "log"),
        ("preprocess other --test-log log", "log"),
        ("preprocess other --test-log other --valid-log log", "log"),
    ],
)
def test_a_log_that_may_not_be_read_is_an_error_of_data(tmp_path, closed, words, shut):
    for name in ("log", "other"):
        write_ratings(tmp_path / name, "1 5 10, 1 6 20, 2 5 15, 2 6 16")
    Path("parts").mkdir()
    Path("parts/a.csv").write_text("user,item,time\n1,5,10\n")
    closed(shut)
    said = sbr_of_a_user(words)
    assert (said.code, said.stdout) == (3, "")
    right = "u+rx" if shut == "parts" else "u+r"
    refused = f"error: {shut}: no permission to read it\nhint: allow it: chmod {right} {shut}\n"
    assert said.stderr.endswith(refused)


def test_sessions_and_titles_that_may_not_be_read_are_errors_of_data(trained, closed):
    Path("sessions").write_text("1,2\n")
    closed("sessions")
    said = sbr_of_a_user("recommend sessions")
    assert (said.code, said.stdout) == (3, "")
    assert said.stderr.startswith("error: cannot read sessions: Permission denied\n")
    assert sbr_of_a_user("recommend --items 1 --titles sessions").code == 3
