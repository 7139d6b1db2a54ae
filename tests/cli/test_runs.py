"""`sbr runs`: what there is, one of it in full, and what is deleted."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sbrcli.artefacts.checksums import FILES, checksums_of
from sbrcli.artefacts.manifests import MANIFEST, write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.workflow.tuning.study_folder import StudyFolder
from tests.builders import dataset_manifest, run_manifest

WORK = Path("sbr-work")
CREATED = "2026-01-02T03:04:05.000000+00:00"


def write_dataset(name: str, **more: object) -> None:
    with Workspace(WORK).staged("dataset", name) as folder:
        (folder / "items.parquet").write_bytes(b"items")
        (folder / "train.parquet").write_bytes(b"train")
        counts = {"events": 10, "sessions": 4, "items": 3, "first_time": CREATED}
        manifest = dataset_manifest() | {
            "created_at": CREATED,
            "source": {"name": "clicks.csv", "rows": 30},
            "config": {"session": "user", "test_days": 30.0},
            "splits": {"train": counts, "valid": None, "test": {**counts, "events": 5}},
            "dropped": {"rare_items": {"events": 1200, "sessions": 0, "items": 2}},
        }
        write_json(folder / MANIFEST, manifest | more)


def write_run(name: str, *, evaluated: bool = False, **more: object) -> Path:
    with Workspace(WORK).staged("run", name) as folder:
        for file in ("weights.safetensors", "items.safetensors"):
            (folder / file).write_bytes(b"12345")
        row = {"loss": 2.5, "seconds": 1.5, "recall@20": 0.5, "mrr@20": 0.25}
        manifest = run_manifest() | {
            "status": "complete",
            "created_at": CREATED,
            "dataset": {"name": "user", "fingerprint": "f"},
            "config": {"hsz": [8, 4], "epochs": 2, "monitor": "mrr@20"},
            "epochs": [{"epoch": 1, **row, "mrr@20": 0.125}, {"epoch": 2, **row}],
            "best_epoch": 2,
            FILES: checksums_of(folder.glob("*.safetensors")),
        }
        write_json(folder / MANIFEST, manifest | more)
        if evaluated:
            metrics = {"recall@20": 0.4, "mrr@20": 0.2, "ndcg@20": 0.3}
            write_json(folder / "evaluation.json", {"test": {"metrics": metrics}})
    return Workspace(WORK).path_of("run", name)


def begin_run(name: str, epochs_done: int) -> None:
    path = write_run(name, status="training", epochs=None, best_epoch=1)
    manifest = json.loads((path / MANIFEST).read_text())
    del manifest["epochs"], manifest["best_epoch"]
    write_json(path / MANIFEST, manifest)
    rows = [f"{n},2.0,1.0,100.0,0.5,0.{n},0.3\n" for n in range(1, epochs_done + 1)]
    header = "epoch,loss,seconds,events_per_second,recall@20,mrr@20,ndcg@20\n"
    (path / "history.csv").write_text(header + "".join(rows))


def test_runs_and_datasets_are_listed_with_state_size_and_figures(sbr):
    write_dataset("user")
    path = write_run("user-1x4", evaluated=True)
    begin_run("begun", 1)
    said = sbr("runs", "--json")
    assert (said.code, said.stderr) == (0, "")
    document = json.loads(said.stdout)
    begun, done = document["runs"]
    assert done == {
        "run": "user-1x4",
        "model": "gru4rec",
        "dataset": "user",
        "status": "complete",
        "epoch": 2,
        "epochs": 2,
        "bytes": sum(file.stat().st_size for file in path.iterdir()),
        "created_at": CREATED,
        "completed_at": None,
        "valid_mrr": 0.25,
        "valid_recall": 0.5,
        "test_mrr": 0.2,
        "test_recall": 0.4,
        "problem": None,
    }
    assert (begun["status"], begun["epoch"], begun["epochs"]) == ("interrupted", 2, 2)
    assert (begun["valid_mrr"], begun["test_mrr"]) == (0.1, None)
    (dataset,) = document["datasets"]
    assert (dataset["status"], dataset["log"], dataset["session"]) == (
        *("complete", "clicks.csv", "user"),
    )
    assert (dataset["events"], dataset["sessions"], dataset["items"]) == (15, 8, 3)
    with Workspace(WORK).locked("run", "begun"):
        assert json.loads(sbr("runs", "--json").stdout)["runs"][0]["status"] == "training"


def test_a_pipe_gets_two_tables_of_plain_values(sbr):
    write_dataset("user")
    write_run("user-1x4")
    runs, datasets = sbr("runs").stdout.split("\n\n")
    header, row = runs.splitlines()
    assert header == (
        "run\tdataset\tstatus\tepoch\tepochs\tbytes\tcreated_at\t"
        "valid_mrr\tvalid_recall\ttest_mrr\ttest_recall"
    )
    assert row.split("\t")[:3] == ["user-1x4", "user", "complete"]
    assert row.endswith("\t0.25\t0.5\t\t")
    assert datasets.splitlines()[0] == (
        "dataset\tstatus\tbytes\tcreated_at\tlog\tsession\tevents\tsessions\titems"
    )


def test_a_person_sees_tables_within_80_columns(sbr):
    write_dataset("user")
    write_run("user-1x4", evaluated=True)
    lines = sbr("runs", terminal=True).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(
        line.split()[:3] == ["user-1x4", "complete", "2026-01-02"]
        and line.rstrip().endswith(".2500 .5000   .2000 .4000")
        for line in lines
    )
    begin_run("other", 0)
    said = sbr("runs", terminal=True).stdout
    assert "interrupte" in said
    assert max(map(len, said.splitlines())) <= 80


def test_where_there_is_nothing_this_is_reported(sbr):
    said = sbr("runs", "--json")
    assert json.loads(said.stdout) == {"runs": [], "datasets": [], "studies": []}
    assert (said.code, said.stderr) == (
        *(0, "nothing in sbr-work so far; sbr preprocess LOG makes a dataset\n"),
    )


def test_damaged_ones_are_listed_and_named(sbr):
    (write_run("a") / MANIFEST).write_text("{")
    (write_run("b") / "weights.safetensors").unlink()
    write_dataset("user")
    (WORK / "datasets/user/train.parquet").unlink()
    said = sbr("runs", "--json")
    assert said.code == 0
    document = json.loads(said.stdout)
    assert [row["status"] for row in document["runs"]] == ["damaged", "damaged"]
    assert document["datasets"][0]["status"] == "damaged"
    first, *others = said.stderr.splitlines()
    assert first.startswith("warning: sbr-work/runs/a/manifest.json is damaged: ")
    assert others == [
        "warning: sbr-work/runs/b/weights.safetensors is missing",
        "warning: sbr-work/datasets/user/train.parquet is missing",
    ]


def write_study(name: str, summary: dict | None = None) -> StudyFolder:
    folder = StudyFolder(WORK, name)
    folder.begin({"dataset": {"name": "user", "fingerprint": "f"}, "model": "gru4rec"})
    if summary is not None:
        folder.write_summary(summary)
    return folder


def test_studies_are_listed(sbr):
    folder = write_study("user", {"trials": 7, "complete": 5, "best_mrr": 0.125})
    write_study("earlier")
    (WORK / "studies" / "broken").mkdir()
    (WORK / "studies" / "broken" / "study.json").write_text("{}")
    said = sbr("runs", "--json")
    broken, earlier, user = json.loads(said.stdout)["studies"]
    created = user.pop("created_at")
    assert user == {
        "study": "user",
        "model": "gru4rec",
        "dataset": "user",
        "status": "stopped",
        "trials": 7,
        "complete": 5,
        "best_mrr": 0.125,
        "bytes": sum(file.stat().st_size for file in folder.path.iterdir() if file.is_file()),
        "problem": None,
    }
    assert created.startswith("20")
    assert (earlier["trials"], earlier["best_mrr"]) == (None, None)
    problem = "study sbr-work/studies/broken is damaged: study.json is of another version, or of "
    problem += "no study"
    assert (broken["status"], broken["problem"]) == ("damaged", problem)
    assert said.stderr == f"warning: {problem}\n"
    with folder.working():
        assert json.loads(sbr("runs", "--json").stdout)["studies"][2]["status"] == "running"
    *_, table = sbr("runs").stdout.split("\n\n")
    assert table.splitlines()[3].split("\t")[:7] == [
        *("user", "gru4rec", "user", "stopped", "7", "5", "0.125"),
    ]
    lines = sbr("runs", terminal=True).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "Studies, with mrr@20 of the best trial" in lines
    assert any(
        line.split()[:3] == ["user", "gru4rec", "stopped"] and line.split()[-2:] == ["7", ".1250"]
        for line in lines
    )


def test_rm_removes_a_study_that_no_process_works_on(sbr):
    folder = write_study("user")
    with folder.working():
        said = sbr("runs", "rm", "user", "--yes")
    assert (said.code, said.stderr) == (
        5,
        "error: another sbr is writing study user; nothing is removed\nhint: wait until it ends\n",
    )
    said = sbr("runs", "rm", "user", "--yes", "--json")
    (removed,) = json.loads(said.stdout)["removed"]
    assert (removed["kind"], removed["name"]) == ("study", "user")
    assert list((WORK / "studies").iterdir()) == []
    said = sbr("runs", "rm", "studies/user", "--yes")
    assert (said.code, said.stderr) == (
        5,
        "error: no study named user in sbr-work\nhint: sbr tune makes one\n",
    )
    write_study("other")
    assert sbr("runs", "rm", "studies/user", "--yes").stderr.endswith("hint: there are: other\n")


def test_a_name_of_three_kinds_must_say_which_and_the_command_for_all_is_named(sbr):
    write_run("x")
    write_dataset("x")
    write_study("x")
    said = sbr("runs", "rm", "x", "--yes")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: there are a run, a dataset and a study named x\n"
        "hint: write runs/x, datasets/x or studies/x; to remove all: "
        "sbr runs rm runs/x datasets/x studies/x\n"
    )
    assert sbr("runs", "show", "runs/x").code == 0
    said = sbr("runs", "show", "studies/x")
    assert (said.code, said.stderr) == (
        2,
        "error: x is a study, which only sbr tune shows\n"
        "hint: the same sbr tune command with --trials 1 shows its trials, and adds none\n",
    )
    assert sbr("runs", "rm", "runs/x", "datasets/x", "studies/x", "--yes").code == 0
    assert not any(list((WORK / shelf).iterdir()) for shelf in ("runs", "datasets", "studies"))


def test_show_writes_times_to_the_second(sbr):
    write_run("a", created_at="2026-01-02T03:04:05.123456+00:00", completed_at=CREATED)
    facts = sbr("runs", "show", "a").stdout.split("\n\n")[0]
    assert "made\t2026-01-02T03:04:05+00:00\n" in facts
    assert "completed\t2026-01-02T03:04:05+00:00\n" in facts


def test_show_tells_all_of_a_run(sbr):
    write_run("user-1x4", evaluated=True)
    document = json.loads(sbr("runs", "show", "user-1x4", "--json").stdout)
    assert (document["kind"], document["name"]) == ("run", "user-1x4")
    assert document["manifest"]["config"]["hsz"] == [8, 4]
    assert document["evaluations"]["test"]["metrics"]["mrr@20"] == 0.2
    facts, options, epochs, evaluated = sbr("runs", "show", "user-1x4").stdout.split("\n\n")
    assert "state\tcomplete\n" in facts
    assert "best epoch\t2" in facts
    assert "hsz\t8,4\n" in options
    assert epochs.splitlines()[2] == "2\t2.5\t0.5\t0.25\t1.5"
    assert evaluated.splitlines() == ["on\trecall@20\tmrr@20\tndcg@20", "test\t0.4\t0.2\t0.3"]


def test_show_tells_all_of_a_dataset(sbr):
    write_dataset("user")
    facts, options, splits = sbr("runs", "show", "user").stdout.split("\n\n")
    assert "log\tclicks.csv\nrows\t30\n" in facts
    assert "dropped: rare items\t1,200 events, 2 items" in facts
    assert "test-days\t30.0" in options
    assert [line.split("\t")[:3] for line in splits.splitlines()[1:]] == [
        ["train", "10", "4"],
        ["test", "5", "4"],
    ]


def test_show_finds_a_bit_that_has_flipped(sbr):
    (write_run("a") / "weights.safetensors").write_bytes(b"12346")
    assert json.loads(sbr("runs", "--json").stdout)["runs"][0]["status"] == "complete"
    said = sbr("runs", "show", "a", "--json")
    assert json.loads(said.stdout)["summary"]["status"] == "damaged"
    assert said.stderr == (
        "warning: sbr-work/runs/a/weights.safetensors is damaged: "
        "its checksum is not the one stored when it was written\n"
    )


def test_show_says_which_file_may_not_be_read(sbr, monkeypatch):
    path = write_run("a")

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("sbrcli.workflow.runs.find_checksum_mismatch", refuse)
    assert sbr("runs", "show", "a").stderr == (
        f"warning: {path}/items.safetensors is damaged: it cannot be read: Permission denied\n"
    )


def test_rm_deletes_runs_and_datasets(sbr):
    write_dataset("user")
    write_run("a")
    write_run("b")
    said = sbr("runs", "rm", "a", "datasets/user", "a", "--yes", "--json")
    assert said.code == 0
    removed = json.loads(said.stdout)["removed"]
    assert [(row["kind"], row["name"]) for row in removed] == [("run", "a"), ("dataset", "user")]
    sizes = [f"{row['bytes'] / 1e3:.1f} kB" for row in removed]
    assert said.stderr.splitlines() == [
        f"removed run a, {sizes[0]}" if removed[0]["bytes"] >= 1000 else
        f"removed run a, {removed[0]['bytes']} B",
        f"removed dataset user, {sizes[1]}" if removed[1]["bytes"] >= 1000 else
        f"removed dataset user, {removed[1]['bytes']} B",
        "trained on it, and can no longer be evaluated or resumed: b",
    ]  # fmt: skip
    assert [path.name for path in (WORK / "runs").iterdir()] == ["b"]
    assert list((WORK / "datasets").iterdir()) == []
    assert list((WORK / ".staging").iterdir()) == []


def test_rm_asks_on_a_terminal_and_deletes_nothing_without_a_yes(sbr, monkeypatch):
    write_run("a")
    for answer in ("\n", "n\n", ""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(answer))
        said = sbr("runs", "rm", "a", terminal=True)
        assert (said.code, said.stdout) == (0, "")
        assert "delete? [y/N] " in said.stderr
        last = said.stderr.replace("[y/N] n", "[y/N] \nn").splitlines()[-1]
        assert last == "nothing is removed"
        assert (WORK / "runs/a").is_dir()
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    write_dataset("user")
    asked = sbr("runs", "rm", "datasets/user", terminal=True).stderr.splitlines()[0]
    assert asked.startswith("dataset user, ")
    assert asked.endswith("; trained on it: a")
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert sbr("runs", "rm", "a", terminal=True).code == 0
    assert not (WORK / "runs/a").exists()


def test_rm_needs_yes_where_nobody_can_be_asked(sbr):
    write_run("a")
    said = sbr("runs", "rm", "a")
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == (
        "error: rm asks for confirmation, and there is no terminal to ask on\n"
        "hint: sbr runs rm --yes runs/a\n"
    )


def test_rm_refuses_what_another_process_writes_and_deletes_nothing_else_either(sbr):
    write_run("a")
    write_run("b")
    with Workspace(WORK).locked("run", "b"):
        said = sbr("runs", "rm", "a", "b", "--yes")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: another sbr is writing run b; nothing is removed\nhint: wait until it ends\n"
    )
    assert (WORK / "runs/a").is_dir()


def test_rm_of_an_unfinished_run_puts_back_what_it_was_to_replace(sbr):
    write_run("a")
    with Workspace(WORK).staged("run", "a", keep_replaced=True) as folder:
        write_json(folder / MANIFEST, run_manifest() | {"status": "training"})
    said = sbr("runs", "rm", "a", "--yes")
    assert said.stderr.splitlines()[-1] == "restored the run a, which it was replacing"
    assert json.loads((WORK / "runs/a" / MANIFEST).read_text())["status"] == "complete"
    sbr("runs", "rm", "a", "--yes")
    assert (
        sbr("runs", "--quiet", "--json").stdout == '{"runs": [], "datasets": [], "studies": []}\n'
    )


def test_a_name_of_both_kinds_must_say_which(sbr):
    write_run("x")
    write_dataset("x")
    said = sbr("runs", "show", "x")
    assert (said.code, said.stderr) == (
        2,
        "error: there are a run and a dataset named x\nhint: write runs/x or datasets/x; to remove "
        "all: sbr runs rm runs/x datasets/x\n",
    )
    assert json.loads(sbr("runs", "show", "runs/x", "--json").stdout)["kind"] == "run"


def test_a_name_that_there_is_not_is_an_error(sbr):
    assert sbr("runs", "show", "x").stderr == (
        "error: no run or dataset named x in sbr-work\nhint: sbr runs lists what there is\n"
    )
    write_run("a")
    write_dataset("user")
    said = sbr("runs", "rm", "a", "x", "--yes")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: no run or dataset named x in sbr-work\nhint: there are: runs/a, datasets/user\n"
    )
    assert (WORK / "runs/a").is_dir()
    assert sbr("runs", "show", "runs/x").stderr == (
        "error: no run named x in sbr-work\nhint: there are: a\n"
    )


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["list", "a"], "list takes no name", "sbr runs show a"),
        (["show"], "show takes one name", "sbr runs lists the names there are"),
        (["rm"], "rm takes at least one name", "sbr runs lists the names there are"),
        (["--yes"], "--yes is for rm only", "leave it out"),
    ],
)
def test_words_that_do_not_fit_are_usage_errors(sbr, words, error, hint):
    said = sbr("runs", *words)
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr == f"error: {error}\nhint: {hint}\n"


def test_a_work_directory_that_may_not_be_changed_is_an_error(sbr, monkeypatch):
    write_run("a")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Workspace, "retract", refuse)
    said = sbr("runs", "rm", "a", "--yes")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: cannot remove run a: Permission denied\n"
        "hint: see whether you may write in the work directory\n"
    )


def test_listing_loads_neither_tensorflow_nor_pandas():
    code = (
        "import sys; from sbrcli.cli.app import run; run(['runs']); "
        "print({'tensorflow', 'pandas', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")
