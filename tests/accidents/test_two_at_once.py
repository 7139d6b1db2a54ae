"""Two real processes in one work directory: never both write, and all is whole afterwards."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_items, load_split
from tests.chains import write_chain_log
from tests.warm import WarmProcess

RUN = Path("sbr-work", "runs", "run")
PREPROCESS = "preprocess log --name user --session user --test-days 10 --valid-days 20 --quiet"
TRAIN = "train --hsz 4 --batch-size 4 --bptt 4 --epochs 1 --quiet --name"


class Process:
    """One `sbr` that is held where it has its first lock, until it is let go."""

    def __init__(self, label: str, words: str) -> None:
        self.label = label
        self.child = WarmProcess("tests.accidents.holding_child", label, *words.split())

    def wait_until(self, state: str) -> "Process":
        """Wait until it is `held`, or `waits` for another that is."""
        deadline = time.monotonic() + 120
        while not Path(f"{self.label}.{state}").exists():
            assert self.child.poll() is None, self.child.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def let_go(self) -> "Process":
        Path(f"{self.label}.go").touch()
        return self

    def end(self) -> tuple[int, str]:
        """Give its exit code, and what it said on stderr."""
        stderr = self.child.communicate(timeout=120)[1]
        assert self.child.returncode is not None
        return self.child.returncode, stderr


@pytest.fixture
def start() -> Iterator[type[Process] | object]:
    started: list[Process] = []

    def start_one(label: str, words: str) -> Process:
        started.append(Process(label, words))
        return started[-1]

    yield start_one
    for process in started:
        process.child.kill()
        process.child.wait()


def refusal(kind: str, name: str) -> tuple[int, str]:
    return 5, (
        f"error: another sbr is writing {kind} {name} in sbr-work\n"
        "hint: wait until it ends, or give another --name\n"
    )


def test_of_two_that_prepare_one_dataset_the_second_is_refused(trained, start):
    write_chain_log(Path("log"), users=60, first_day=18_000)
    first = start("first", f"{PREPROCESS} --overwrite").wait_until("held")
    for more in ("", " --overwrite"):
        assert start(f"second{more.strip()}", PREPROCESS + more).end() == refusal("dataset", "user")
    assert first.let_go().end() == (0, "")
    folder = Workspace(Path("sbr-work")).open("dataset", "user").path
    load_items(folder)
    for split in ("train", "valid", "test", "valid_full"):
        load_split(folder, split)
    assert list(Path("sbr-work", ".staging").iterdir()) == []


def test_of_two_that_train_one_run_the_second_is_refused(trained, start, sbr):
    words = f"{TRAIN} twice"
    first = start("first", words).wait_until("held")
    for more in ("", " --overwrite"):
        assert start(f"second{more.strip()}", words + more).end() == refusal("run", "twice")
    assert first.let_go().end() == (0, "")
    assert sbr("evaluate", "--run", "twice", "--quiet").code == 0


def test_a_dataset_made_again_while_a_training_begins_is_not_trained_on(trained, start, sbr):
    write_chain_log(Path("log"), users=90, first_day=18_000)
    training = start("train", f"{TRAIN} other").wait_until("held")
    assert sbr(*PREPROCESS.split(), "--overwrite").code == 0
    assert training.let_go().end() == (
        5,
        "error: dataset user has changed since run other was started on it\n"
        "hint: train again, on the dataset as it is now\n",
    )
    assert not RUN.with_name("other").exists()
    assert sbr(*TRAIN.split(), "other").code == 0


def test_a_training_that_has_read_its_dataset_is_not_disturbed_by_another(
    trained, sbr, monkeypatch
):
    from sbrcli.workflow import training_phases as training

    def start_late(*options: object) -> None:
        write_chain_log(Path("log"), users=90, first_day=18_000)
        assert sbr(*PREPROCESS.split(), "--overwrite").code == 0
        started(*options)

    started = training.start_tensorflow
    whole = sbr(*TRAIN.split(), "whole", "--refit", "--json")
    monkeypatch.setattr(training, "start_tensorflow", start_late)
    assert sbr(*TRAIN.split(), "disturbed", "--refit").code == 0
    assert json.loads(whole.stdout)["refit"] is not None
    for name in ("weights.safetensors", "items.safetensors"):
        kept = [RUN.with_name(run).joinpath(name).read_bytes() for run in ("whole", "disturbed")]
        assert kept[0] == kept[1], name


def test_of_two_that_evaluate_one_run_the_second_waits_and_both_are_kept(trained, start):
    first = start("first", "evaluate --quiet").wait_until("held")
    second = start("second", "evaluate --exclude-seen --quiet").let_go().wait_until("waits")
    assert not (RUN / "evaluation.json").exists()
    assert first.let_go().end() == (0, "")
    assert second.end() == (0, "")
    assert sorted(json.loads((RUN / "evaluation.json").read_text())) == [
        "test",
        "test exclude-seen",
    ]


def test_a_dataset_that_is_made_again_while_a_run_is_evaluated_gives_no_figures(
    trained, sbr, monkeypatch
):
    from sbrcli.workflow import evaluate as runs

    def summarise_late(*words: object, **options: object) -> object:
        write_chain_log(Path("log"), users=90, first_day=18_000)
        assert sbr(*PREPROCESS.split(), "--overwrite").code == 0
        return summarise(*words, **options)

    summarise = runs.summarise
    monkeypatch.setattr(runs, "summarise", summarise_late)
    said = sbr("evaluate", "--quiet")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: dataset user has changed since run run was trained on it\n"
        "hint: train the run again with --overwrite, or prepare the dataset as it was\n"
    )
    assert not (RUN / "evaluation.json").exists()
