"""`sbr update`: a trained run learns the newer events of a log."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.items import load_items, save_items
from sbrcli.artefacts.tensor_file import read_tensor
from sbrcli.artefacts.workspace import Workspace
from sbrcli.dataset.storage import load_split
from sbrcli.models.training.checkpoint import CHECKPOINT_FILE
from sbrcli.models.training.events import EpochEnded
from sbrcli.report.commands import update_command
from tests.chains import DAY, write_chain_log
from tests.cli.stopping_child import PAIRS_PER_CALL
from tests.warm import WarmProcess

SMALL = ("--hsz", 4, "--batch-size", 4, "--bptt", 4, "--epochs", 2, "--precision", "float32")
RUNS, DATASETS = Path("sbr-work/runs"), Path("sbr-work/datasets")
NEWER = [(700, 1), (700, 900), (700, 2), (700, 900), (3, 5), (3, 901)]
"""Users and items of the last events, a minute apart: user 3 has earlier ones, 900 and 901 not."""


def chain_lines() -> list[str]:
    log = write_chain_log(Path("chain.dat"), users=60, first_day=7000)
    return log.read_text().splitlines(keepends=True)


def newer_lines() -> list[str]:
    begin = 7150 * DAY
    return [f"{user}::{item}::5::{begin + 60 * at}\n" for at, (user, item) in enumerate(NEWER)]


def prepare(sbr, *options: object, train: tuple[object, ...] = ()) -> None:
    """Train run `old` on dataset `first`, and write the log as it has grown since: grown.dat."""
    lines = chain_lines()
    Path("first.dat").write_text("".join(lines))
    Path("grown.dat").write_text("".join(lines + newer_lines()))
    Path("newer.dat").write_text("".join(newer_lines()))
    words = options or ("--session", "user", "--test-days", 0, "--valid-days", 0)
    said = sbr("preprocess", "first.dat", *words, "--min-item-support", 2, "--name", "first")
    assert said.code == 0, said.stderr
    assert sbr("train", *SMALL, *train, "--name", "old").code == 0


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_update_adds_what_is_newer_and_again_changes_nothing(sbr):
    prepare(sbr)
    before = files_of(RUNS / "old")
    said = sbr("update", "grown.dat", "--json")
    assert said.code == 0, said.stderr
    found = json.loads(said.stdout)
    name = "old-until-19890730T000400"
    assert (found["run"], found["parent"], found["already_there"]) == (name, "old", False)
    # 900 has two events and is taken in; 901 has one and is rare, so user 3 adds item 5 alone.
    assert found["added"] == {"events": 5, "sessions": 1, "items": 1}
    assert found["continued"] == 1
    assert found["seen"] == len(chain_lines())
    assert found["left_out"]["rare_items"] == {"events": 1, "sessions": 0, "items": 1}
    assert [row["epoch"] for row in found["epochs"]] == [1, 2]
    assert files_of(RUNS / "old") == before

    ids = load_items(RUNS / name / "items.safetensors").ids
    old = load_items(RUNS / "old/items.safetensors").ids
    assert ids == [*old, "900"]
    manifest = json.loads((RUNS / name / "manifest.json").read_text())
    assert manifest["parent"]["run"] == "old"
    assert manifest["update"]["added"] == found["added"]
    assert manifest["learned_from"]["last_time"] == "1989-07-30T00:04:00+00:00"
    assert not list((RUNS / name).glob("start*"))

    everything = files_of(Path("sbr-work"))
    for words in ((), ("--run", "old"), ("--run", "old", "--name", name)):
        again = sbr("update", "grown.dat", *words)
        assert again.code == 0
        assert files_of(Path("sbr-work")) == everything
    assert again.stderr.splitlines()[-1] == (
        f"run {name} already exists, updated with the same events and options"
    )
    nothing = sbr("update", "first.dat")
    assert nothing.stderr.splitlines()[-1] == (
        f"run {name} stays as it is: no event of the log that can be learned from is later than "
        "its last one"
    )
    other = sbr("update", "grown.dat", "--run", "old", "--epochs", 1)
    assert (other.code, other.stdout) == (5, "")
    assert other.stderr.splitlines()[-2:] == [
        f"error: run {name} already exists, trained with other options or on other data",
        f"hint: sbr runs rm {name} deletes it, --name gives this one another name",
    ]
    manifest = RUNS / name / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"status": "training"}))
    unfinished = sbr("update", "grown.dat", "--run", "old", "--epochs", 1)
    assert unfinished.stderr.splitlines()[-2:] == [
        f"error: run {name} was started and has not finished",
        f"hint: the sbr update that started it continues it, sbr runs rm {name} deletes it, "
        "--name gives this one another name",
    ]


def test_a_maximum_per_user_holds_for_the_new_events(sbr):
    words = ("--session", "user", "--test-days", 0, "--valid-days", 0, "--max-user-events", 3)
    prepare(sbr, *words)
    manifest = json.loads((DATASETS / "first/manifest.json").read_text())
    older = sum(1 + user % 9 for user in range(60))  # users have 4 to 12 events
    assert manifest["dropped"]["older_events"]["events"] == older
    said = sbr("update", "grown.dat", "--name", "new", "--json", "--epochs", 1)
    found = json.loads(said.stdout)
    # Of user 700, the newest are 900, 2 and 900; of user 3, 5 and 901, which is rare.
    assert found["added"] == {"events": 4, "sessions": 1, "items": 1}
    assert found["continued"] == 1
    assert found["left_out"]["older_events"] == {"events": 1, "sessions": 0, "items": 0}
    sessions = load_split(DATASETS / "new", "train")
    assert sorted(np.diff(sessions.offsets).tolist())[-1] == 4  # of user 3: three and 5


def test_a_terminal_shows_what_was_added_and_the_epochs(sbr):
    prepare(sbr)
    said = sbr("update", "grown.dat", "--name", "new", "--epochs", 1)
    assert said.stdout.splitlines()[:5] == [
        "of the log\tnumber",
        "new events\t5",
        "new sessions\t1",
        "sessions that go on\t1",
        "new items\t1",
    ]
    assert said.stdout.splitlines()[5:8] == [
        f"events skipped\t{len(chain_lines())}",
        "left out: short sessions\t0",
        "left out: rare items\t1",
    ]
    assert (
        "run new adds to run old: 5 events, 1 new sessions and 1 that go on, 1 new items\n"
    ) in said.stderr
    shown = sbr(
        "update", "grown.dat", "--run", "old", "--name", "new", "--epochs", 1, terminal=True
    )
    assert "Run new, an update of run old" in shown.stdout
    assert "Trained on dataset new" in shown.stdout


def test_what_does_not_belong_together_is_refused(sbr, monkeypatch):
    prepare(sbr)
    interrupt(sbr, monkeypatch, "update", "grown.dat", "--name", "new")
    (RUNS / "new/checkpoint/state.safetensors").unlink()
    (RUNS / "new/start.safetensors").write_bytes(b"other")
    said = sbr("train", "--resume")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr.splitlines()[-2:] == [
        "error: sbr-work/runs/new/start.safetensors is not what the update was begun from",
        "hint: remove the run, sbr runs rm runs/new, and update again",
    ]
    items = load_items(RUNS / "old/items.safetensors")
    save_items(RUNS / "old/items.safetensors", items.ids[::-1], items.train_count)
    manifest = json.loads((RUNS / "old/manifest.json").read_text())
    del manifest["files"]
    (RUNS / "old/manifest.json").write_text(json.dumps(manifest))
    said = sbr("update", "grown.dat", "--run", "old")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr.splitlines() == [
        "error: dataset first has other items than run old was trained on",
        "hint: train the run again with --overwrite",
    ]


def test_a_parent_that_is_replaced_meanwhile_is_refused(sbr, monkeypatch):
    prepare(sbr)
    monkeypatch.setattr("sbrcli.workflow.update.checksum_of", lambda _: "of other weights")
    said = sbr("update", "grown.dat")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr.splitlines()[-2:] == [
        "error: run old has changed since the update was begun",
        "hint: run the same command again",
    ]
    assert [path.name for path in RUNS.iterdir()] == ["old"]


def interrupt(sbr, monkeypatch, *words: object) -> None:
    """Press Ctrl-C at the end of the first epoch."""

    def press(_progress: object, event: object) -> None:
        if isinstance(event, EpochEnded):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("sbrcli.cli.training_progress.TrainingProgress.show", press)
        said = sbr(*words)
    assert (said.code, said.stdout) == (130, "")
    assert said.stderr.splitlines()[-1] == (
        "hint: the same command continues it: sbr update grown.dat …"
    )


def test_the_new_events_alone_make_the_same_run_as_the_whole_log(sbr):
    prepare(sbr)
    for log in ("grown", "newer"):
        assert sbr("update", f"{log}.dat", "--run", "old", "--name", log).code == 0
    same = [(RUNS / name / "weights.safetensors").read_bytes() for name in ("grown", "newer")]
    assert same[0] == same[1]


def test_an_updated_run_recommends_its_new_item_and_is_evaluated_on_a_later_log(sbr):
    prepare(sbr)
    assert sbr("update", "grown.dat", "--name", "new").code == 0
    said = sbr("recommend", "--items", "900", "-k", 3)
    assert said.code == 0
    assert said.stderr == "run new on dataset new\n", "its parent's dataset is no other choice"
    later = [f"7::{item}::5::{7160 * DAY + 60 * item}\n" for item in (1, 2, 3)]
    Path("later.dat").write_text("".join(later))
    assert sbr("evaluate", "--log", "later.dat", "--baselines", "popularity").code == 0
    said = sbr("evaluate")
    assert (said.code, said.stdout) == (5, "")
    assert "dataset new has no test split" in said.stderr
    Path("grown.dat").write_text(Path("grown.dat").read_text() + "".join(later))
    work = Workspace(Path("sbr-work"))
    command = update_command(work.open("run", "new"), work.open("dataset", "new"))
    assert command == (
        "sbr update grown.dat --run old --epochs 2 --learning-rate 0.1 --replay 1 --name new"
    )
    found = json.loads(sbr("update", "grown.dat", "--json").stdout)
    assert (found["parent"], found["run"]) == ("new", "new-until-19890809T000300")
    assert found["added"] == {"events": 3, "sessions": 0, "items": 0}
    assert len(load_split(DATASETS / found["dataset"], "train").item_indices) == (
        len(chain_lines()) + 5 + 3
    )


def test_a_session_that_goes_on_keeps_its_earlier_events(sbr):
    prepare(sbr)
    assert sbr("update", "newer.dat", "--name", "new").code == 0
    sessions = load_split(DATASETS / "new", "train")
    ids = load_items(RUNS / "new/items.safetensors").ids
    lengths = np.diff(sessions.offsets)
    assert lengths.sum() == len(chain_lines()) + 5
    events = [line.split("::") for line in chain_lines()]
    walked = [item for user, item, *_ in events if user == "3"]
    ends = {tuple(ids[i] for i in sessions.item_indices[a:b])
            for a, b in zip(sessions.offsets[:-1], sessions.offsets[1:], strict=True)}  # fmt: skip
    assert (*walked, "5") in ends
    assert ("1", "900", "2", "900") in ends


def test_the_optimizer_goes_on_with_what_it_remembers(sbr):
    prepare(sbr)
    slot = "slot/output/table/accumulator"
    old = read_tensor(RUNS / "old" / CHECKPOINT_FILE, slot)
    assert sbr("update", "grown.dat", "--name", "new", "--replay", 0).code == 0
    new = read_tensor(RUNS / "new" / CHECKPOINT_FILE, slot)
    assert (len(old), len(new)) == (40, 41)
    assert (new[:40] >= old).all()
    shutil.rmtree(RUNS / "old/checkpoint")
    said = sbr("update", "grown.dat", "--run", "old", "--name", "without")
    assert said.code == 0
    assert (
        "warning: run old has no checkpoint with the optimizer's state, which starts again\n"
        in said.stderr
    )


def test_sessions_by_gaps_go_on_where_the_log_is_given_whole(sbr):
    gaps = ("--session", "gap:86400", "--test-days", 0, "--valid-days", 0)
    prepare(sbr, *gaps)
    lines = chain_lines()
    user, item, _, at = max((line.split("::") for line in lines), key=lambda one: int(one[3]))
    more = f"{user}::{item}::5::{int(at) + 60}\n"
    Path("grown.dat").write_text("".join([*lines, more, *newer_lines()]))
    found = json.loads(sbr("update", "grown.dat", "--name", "new", "--json").stdout)
    # User 3's item 5 stands alone in its session: the other is rare.
    assert found["added"] == {"events": 5, "sessions": 1, "items": 1}
    assert (found["continued"], found["left_out"]["short_sessions"]["events"]) == (1, 1)
    train = load_split(DATASETS / "new", "train")
    assert len(train.item_indices) == len(lines) + 5
    assert train.num_sessions == load_split(DATASETS / "first", "train").num_sessions + 1


def test_what_a_hybrid_and_tuning_chose_goes_over_to_the_update(sbr):
    prepare(sbr, "--session", "user", "--test-days", 0, "--valid-days", 20, train=("--refit",))
    assert sbr("train", *SMALL, "--name", "judged").code == 0
    assert sbr("evaluate", "--run", "judged", "--split", "valid", "--hybrid").code == 0
    (RUNS / "judged/baselines.json").write_text('{"options": {"vsknn": "neighbours=7"}}')
    assert sbr("update", "grown.dat", "--run", "judged", "--name", "new").code == 0
    stored = [json.loads((RUNS / run / "hybrid.json").read_text()) for run in ("judged", "new")]
    assert stored[0]["partner"] == stored[1]["partner"]
    assert stored[1]["taken_from"] == "judged"
    assert (RUNS / "new/baselines.json").read_bytes() == (
        RUNS / "judged/baselines.json"
    ).read_bytes()
    assert sbr("recommend", "--run", "new", "--items", "900,2", "--hybrid").code == 0


def test_what_neither_the_run_nor_the_log_has_is_warned_of(sbr):
    prepare(sbr, "--session", "user", "--test-days", 10, "--valid-days", 20)
    said = sbr("update", "newer.dat")
    assert said.code == 0
    last = Workspace(Path("sbr-work")).open("dataset", "first").splits["test"]
    assert last is not None
    assert (
        f"warning: run old has not learned from test of dataset first, up to {last.last_time}, and "
        "the log begins after it: give the log whole to add it too\n"
    ) in said.stderr
    assert (
        "has not learned from"
        not in sbr("update", "grown.dat", "--run", "old", "--name", "b").stderr
    )


def test_without_its_dataset_a_run_cannot_be_updated(sbr):
    prepare(sbr)
    shutil.rmtree(DATASETS / "first")
    said = sbr("update", "grown.dat")
    assert (said.code, said.stdout) == (5, "")
    error, hint = said.stderr.splitlines()
    assert error == (
        "error: run old cannot be updated without the dataset that it was trained on: no dataset "
        "named first in sbr-work"
    )
    assert hint == (
        "hint: prepare the dataset as it was, or train a run on a dataset of the whole log"
    )


def test_a_run_without_times_cannot_be_updated(sbr):
    Path("log.csv").write_text(
        "user,item\n" + "".join(f"{u},{i % 4}\n" for u in range(9) for i in range(u, u + 6))
    )
    words = ("--no-time", "--session", "user", "--split", "last")
    assert sbr("preprocess", "log.csv", *words, "--min-item-support", 1).code == 0
    assert sbr("train", *SMALL, "--name", "old").code == 0
    said = sbr("update", "log.csv")
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr.splitlines() == [
        "error: run old was trained on a log without times, so no event of it is newer",
        "hint: train a run on a dataset of the whole log instead",
    ]


def test_a_name_that_is_taken_is_refused(sbr):
    prepare(sbr)
    said = sbr("update", "grown.dat", "--name", "first")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr.splitlines()[-2:] == [
        "error: dataset first already exists, with other events",
        "hint: --name gives the update another name",
    ]
    said = sbr("update", "grown.dat", "--name", "old")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr.splitlines()[-2:] == [
        "error: run old already exists, and is no update of run old",
        "hint: --name gives the update another name",
    ]
    assert [path.name for path in DATASETS.iterdir()] == ["first"]


@pytest.mark.parametrize("words", [("update", "grown.dat", "--name", "new"), ("train", "--resume")])
def test_an_update_that_is_interrupted_ends_as_if_nothing_had_been(sbr, monkeypatch, words):
    prepare(sbr)
    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", PAIRS_PER_CALL)
    assert sbr("update", "grown.dat", "--name", "whole").code == 0
    interrupt(sbr, monkeypatch, "update", "grown.dat", "--run", "old", "--name", "new")
    if words[0] == "update":
        words = (*words, "--run", "old")
    else:
        shutil.rmtree(RUNS / "old")  # which is needed no more
    assert sbr(*words).code == 0
    same = [(RUNS / name / "weights.safetensors").read_bytes() for name in ("whole", "new")]
    assert same[0] == same[1]


def test_a_killed_update_is_continued_by_the_same_command(sbr, monkeypatch):
    prepare(sbr)
    monkeypatch.setattr("sbrcli.models.training.fit.PAIRS_PER_CALL", PAIRS_PER_CALL)
    assert sbr("update", "grown.dat", "--name", "whole").code == 0
    command = ("update", "grown.dat", "--run", "old", "--name", "new")
    words = (*command, "--checkpoint-minutes", "1e-9")
    process = WarmProcess("tests.cli.stopping_child", "StepsDone", "2", *map(str, words))
    deadline = time.monotonic() + 90
    while not Path("stopped").exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert json.loads((RUNS / "new/manifest.json").read_text())["status"] == "training"
    said = sbr(*command)
    assert said.code == 0
    assert "resumed at epoch 2/2" in said.stderr
    same = [(RUNS / name / "weights.safetensors").read_bytes() for name in ("whole", "new")]
    assert same[0] == same[1]
