"""Folders on disk: whole or absent, and which is the latest."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sbrcli import __version__
from sbrcli.artefacts.artefact import check_name
from sbrcli.artefacts.manifests import MANIFEST, read_json, write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError, ConfigError
from tests.builders import dataset_manifest, run_manifest
from tests.reporters import RecordingReporter


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / "work")


def put(workspace: Workspace, kind: str, name: str, **more: object) -> None:
    with workspace.staged(kind, name) as folder:
        make = run_manifest if kind == "run" else dataset_manifest
        write_json(folder / MANIFEST, make(**more))


def test_the_latest_dataset_is_the_one_made_last(workspace):
    put(workspace, "dataset", "b")
    put(workspace, "dataset", "a")
    assert workspace.open("dataset").name == "a"
    assert workspace.open("dataset", "b").name == "b"


def test_the_latest_run_is_the_latest_complete_one(workspace):
    put(workspace, "run", "done", status="complete")
    put(workspace, "run", "begun", status="training")
    assert workspace.open("run").name == "done"
    with pytest.raises(ArtefactError, match=r"run begun is in epoch 1 \(interrupted\)"):
        workspace.open("run", "begun")


def test_a_run_that_was_resumed_counts_from_its_end(workspace):
    put(workspace, "run", "resumed", status="complete", completed_at="2999-01-01T00:00:00+00:00")
    put(
        workspace, "run", "later-begun", status="complete", completed_at="2998-01-01T00:00:00+00:00"
    )
    assert workspace.open("run").name == "resumed"


def test_a_missing_folder_is_named_with_those_there_are(workspace):
    with pytest.raises(ArtefactError) as caught:
        workspace.open("dataset")
    assert str(caught.value) == f"no dataset in {workspace.root}"
    assert caught.value.hint == "make one with: sbr preprocess LOG"
    put(workspace, "dataset", "a")
    with pytest.raises(ArtefactError) as caught:
        workspace.open("dataset", "b")
    assert str(caught.value) == f"no dataset named b in {workspace.root}"
    assert caught.value.hint == "there are: a"


def test_a_body_that_raises_leaves_nothing_behind_and_the_old_one_whole(workspace):
    put(workspace, "dataset", "a", marker="old")
    with pytest.raises(ZeroDivisionError), workspace.staged("dataset", "a") as folder:
        (folder / "half").write_text("written")
        raise ZeroDivisionError
    assert workspace.open("dataset", "a").document["marker"] == "old"
    assert list((workspace.root / ".staging").iterdir()) == []


def test_a_replaced_folder_is_kept_until_its_successor_is_whole(workspace):
    put(workspace, "run", "a", status="complete", marker="old")
    kept = workspace.root / ".replaced" / "run-a"
    for _ in range(2):  # begun anew twice: what is kept is still the complete one
        with workspace.staged("run", "a", keep_replaced=True) as folder:
            write_json(folder / MANIFEST, run_manifest(status="training"))
        assert json.loads((kept / MANIFEST).read_text())["marker"] == "old"
    workspace.discard_replaced("run", "a")
    assert not kept.exists()


@pytest.mark.parametrize(
    ("kind", "reads", "hint"),
    [
        ("dataset", 2, "make it again with: sbr preprocess LOG, or use the sbr that wrote it"),
        ("run", 1, "make it again with: sbr train, or use the sbr that wrote it"),
    ],
)
def test_a_folder_of_another_format_version_is_refused(workspace, kind, reads, hint):
    put(workspace, kind, "a", format_version=99)
    with pytest.raises(ArtefactError) as caught:
        workspace.open(kind, "a")
    assert str(caught.value) == (
        f"{kind} a has format version 99; sbr {__version__} reads version {reads}"
    )
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("kind", "content", "what"),
    [
        ("dataset", "", "Expecting value: line 1 column 1 (char 0)"),
        ("dataset", "[]", "it is not the manifest of a dataset"),
        ("dataset", '{"kind": "run"}', "it is not the manifest of a dataset"),
        ("run", '{"kind": "dataset"}', "it is not the manifest of a run"),
        ("run", None, "it is missing"),
    ],
)
def test_a_damaged_manifest_is_refused(workspace, kind, content, what):
    put(workspace, kind, "a")
    path = workspace.path_of(kind, "a") / MANIFEST
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(ArtefactError) as caught:
        workspace.open(kind, "a")
    assert str(caught.value) == f"{path} is damaged: {what}"
    assert caught.value.hint == "make the folder again; --overwrite replaces it"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("[" * 100_000, "it is nested too deeply"),
        ('{"kind": "run", "loss": NaN}', "it holds the number NaN"),
        ('{"kind": "run", "loss": 1e400}', "it holds the number 1e400"),
        (
            "1" + "0" * 5_000,
            "Exceeds the limit (4300 digits) for integer string conversion: value has 5001 digits; "
            "use sys.set_int_max_str_digits() to increase the limit",
        ),
        (" " * ((1 << 26) + 1), "it has more than 64 MiB"),
        ("\udcff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ],
    ids=["nested", "NaN", "infinite", "long number", "large", "no text"],
)
def test_json_that_sbr_cannot_have_written_is_damage(tmp_path, content, what):
    path = tmp_path / "file.json"
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(ArtefactError) as caught:
        read_json(path)
    assert str(caught.value) == f"{path} is damaged: {what}"
    assert caught.value.hint == "make the folder again; --overwrite replaces it"


@pytest.mark.parametrize(
    ("kind", "entries", "what"),
    [
        ("dataset", {"source": None}, "source must be an object. Received: null"),
        ("dataset", {"source": {"name": 1}}, "source.name must be a string. Received: 1"),
        ("dataset", {"source": {}}, "source.name is missing"),
        ("dataset", {"config": []}, "config must be an object. Received: []"),
        ("dataset", {"splits": 1}, "splits must be an object. Received: 1"),
        ("dataset", {"splits": {"train": {"events": 1}}}, "splits.train.sessions is missing"),
        ("dataset", {"fingerprint": 1}, "fingerprint must be a string. Received: 1"),
        ("dataset", {"files": {"a": 1}}, "files.a must be a string. Received: 1"),
        ("run", {"config": None}, "config must be an object. Received: null"),
        ("run", {"dataset": []}, "dataset must be an object. Received: []"),
        ("run", {"dataset": {"name": "a"}}, "dataset.fingerprint is missing"),
        ("run", {"network": [1] * 20}, "network must be an object. Received: [1, 1, 1, 1, 1, 1, 1, "
         "1, 1, 1, 1, 1, 1, …"),
        ("run", {"parameters": 0}, "parameters must be a whole number above 0. Received: 0"),
        ("run", {"parameters": 2.5}, "parameters must be a whole number above 0. Received: 2.5"),
        ("run", {"parameters": 1 << 70}, "parameters must be a whole number above 0. Received: "
         "1180591620717411303424"),
        ("run", {"epochs": {}}, "epochs must be an array. Received: {}"),
        ("run", {"epochs": [1]}, "epochs[0] must be an object. Received: 1"),
        ("run", {"epochs": [{"epoch": 1}, {}]}, "epochs[1].epoch is missing"),
        ("run", {"epochs": [{"epoch": 1, "loss": "x"}]},
         'epochs[0].loss must be a number. Received: "x"'),
        ("run", {"best_epoch": True}, "best_epoch must be a whole number above 0. Received: true"),
        ("run", {"refit": {}}, "refit.epochs is missing"),
        ("run", {"phase": "third"}, 'phase must be one of fit, refit. Received: "third"'),
        ("run", {"learned_from": {"config": {}, "last_time": 5}},
         "learned_from.last_time must be a time in ISO 8601. Received: 5"),
        ("run", {"learned_from": {"config": {}, "last_time": "noon"}},
         'learned_from.last_time must be a time in ISO 8601. Received: "noon"'),
    ],
)  # fmt: skip
def test_a_damaged_entry_is_named_by_its_path(workspace, kind, entries, what):
    put(workspace, kind, "a", status="complete", **entries)
    with pytest.raises(ArtefactError) as caught:
        workspace.open(kind, "a")
    assert str(caught.value) == f"{workspace.path_of(kind, 'a') / MANIFEST} is damaged: {what}"
    assert caught.value.hint == "make the folder again; --overwrite replaces it"


def test_entries_of_a_later_version_are_ignored_and_kept(workspace):
    put(workspace, "run", "a", status="complete", shards=[1], parent=None)
    run = workspace.open("run", "a")
    assert run.document["shards"] == [1]
    assert (run.parent, run.refit, run.epochs) == (None, None, None)


def test_figures_of_an_epoch_that_another_version_has_written_are_no_damage(workspace):
    for row in ({"epoch": 1}, {"epoch": 1, "loss": 2.5, "map@20": [0.5], "device": "gpu"}):
        put(workspace, "run", "a", status="complete", epochs=[row], refit={"epochs": [row]})
        assert workspace.open("run", "a").document["epochs"] == [row]


def test_half_a_surrogate_pair_is_written_as_an_escape_and_read_again(tmp_path):
    write_json(tmp_path / "file.json", {"title": "\ud800"})
    assert read_json(tmp_path / "file.json") == {"title": "\ud800"}


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "a\\b", "a\nb", "-a", "x" * 121])
@pytest.mark.parametrize("kind", ["dataset", "run"])
def test_a_name_that_is_no_folder_name_is_refused(kind, name):
    with pytest.raises(ConfigError) as caught:
        check_name(kind, name)
    assert str(caught.value) == (
        f"a {kind}'s name must be 1 to 120 printable characters, without / \\ : * ? \" < > | and "
        f"not begin with a dot or a dash. Received: {name!r}"
    )


def test_a_folder_with_a_name_that_none_can_have_is_to_be_renamed(workspace):
    put(workspace, "run", "a", status="complete")
    shelf = workspace.path_of("run", "a").parent
    (shelf / "a").rename(shelf / "-a")
    with pytest.raises(ArtefactError) as caught:
        workspace.open("run")
    assert str(caught.value) == (
        f"{shelf / '-a'}: a run's name must be 1 to 120 printable characters, without / \\ : * ? "
        "\" < > | and not begin with a dot or a dash. Received: '-a'"
    )
    assert caught.value.hint == "rename the folder"


def test_a_work_directory_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError) as caught:
        put(Workspace(tmp_path / "file"), "dataset", "a")
    assert str(caught.value) == (
        f"cannot write in the work directory {tmp_path / 'file'}: Not a directory"
    )
    assert caught.value.hint == "free some space or name another with --workdir"


def test_a_lock_that_cannot_be_opened_is_a_clear_error(workspace):
    (workspace.root / ".locks" / "run-a").mkdir(parents=True)
    with (
        pytest.raises(ArtefactError, match=r"cannot write in the work directory .*: Is a direc"),
        workspace.locked("run", "a"),
    ):
        pass


def test_stray_folders_are_skipped(workspace):
    put(workspace, "run", "a", status="complete")
    for stray in (".ipynb_checkpoints", "notes"):
        (workspace.root / "runs" / stray).mkdir()
    assert workspace.names("run") == ["a"]
    assert workspace.open("run").name == "a"


def test_two_processes_never_write_the_same_folder(workspace):
    program = (
        "import sys; from pathlib import Path; from sbrcli.artefacts.workspace import Workspace\n"
        "with Workspace(Path(sys.argv[1])).locked('run', 'a'): print('locked')"
    )
    command = [sys.executable, "-c", program, str(workspace.root)]
    with workspace.locked("run", "a"):
        other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "another sbr is writing run a" in other.stderr
    after = subprocess.run(command, capture_output=True, text=True, check=True)
    assert after.stdout == "locked\n"


def mark(workspace: Workspace, kind: str = "dataset") -> str:
    return workspace.open(kind, "a").document["marker"]


def test_the_latest_passes_over_a_damaged_one_with_a_warning(workspace):
    reporter = RecordingReporter()
    workspace = Workspace(workspace.root, reporter)
    put(workspace, "run", "whole", status="complete")
    put(workspace, "run", "broken", status="complete")
    put(workspace, "run", "newer", status="complete", format_version=2)
    broken = workspace.path_of("run", "broken") / MANIFEST
    broken.write_text("{")
    assert workspace.open("run").name == "whole"
    assert reporter.warnings == [
        f"{broken} is damaged: Expecting property name enclosed in double quotes: line 1 column 2 "
        "(char 1); using whole, the latest of the other runs",
        f"run newer has format version 2; sbr {__version__} reads version 1; "
        "using whole, the latest of the other runs",
    ]


def test_the_latest_is_an_error_where_all_are_damaged(workspace):
    put(workspace, "run", "broken", status="complete")
    (workspace.path_of("run", "broken") / MANIFEST).write_text("[]")
    with pytest.raises(ArtefactError, match=r"broken/manifest\.json is damaged: it is not the man"):
        workspace.open("run")


def test_of_all_folders_a_damaged_one_is_skipped_with_a_warning(workspace):
    reporter = RecordingReporter()
    workspace = Workspace(workspace.root, reporter)
    assert workspace.open_all("run") == []
    put(workspace, "run", "broken")
    (workspace.path_of("run", "broken") / MANIFEST).write_text("[]")
    with pytest.raises(ArtefactError, match=r"broken/manifest\.json is damaged: it is not the man"):
        workspace.open_all("run")
    put(workspace, "run", "whole", status="complete")
    put(workspace, "run", "begun", status="training")
    workspace.path_of("run", "begun").rename(workspace.root / "runs" / "-begun")
    assert [folder.name for folder in workspace.open_all("run")] == ["whole"]
    renamed, broken = reporter.warnings
    assert renamed.startswith(
        f"{workspace.root / 'runs' / '-begun'}: a run's name must be 1 to 120"
    )
    assert renamed.endswith("Received: '-begun'; skipping it")
    assert broken == (
        f"{workspace.root / 'runs' / 'broken' / MANIFEST} is damaged: it is not the manifest of a "
        "run; skipping it"
    )


def test_an_interruption_between_the_two_renames_puts_the_old_folder_back(workspace, monkeypatch):
    put(workspace, "dataset", "a", marker="old")
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if path.parent.name == ".staging":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(workspace, "dataset", "a", marker="new")
    assert mark(workspace) == "old"
    assert list((workspace.root / ".staging").iterdir()) == []


def test_a_kill_between_the_two_renames_leaves_a_folder_that_the_next_sbr_puts_back(workspace):
    put(workspace, "dataset", "a", marker="old")
    replaced = workspace.root / ".replaced" / "dataset-a"
    replaced.parent.mkdir(exist_ok=True)
    workspace.path_of("dataset", "a").rename(replaced)
    with workspace.locked("dataset", "b"):
        assert workspace.names("dataset") == ["a"]
    assert mark(workspace) == "old"
    assert not replaced.exists()


def test_a_replaced_folder_stays_where_another_process_is_writing_its_successor(workspace):
    put(workspace, "dataset", "a", marker="old")
    replaced = workspace.root / ".replaced" / "dataset-a"
    replaced.parent.mkdir(exist_ok=True)
    with workspace.locked("dataset", "a"):
        workspace.path_of("dataset", "a").rename(replaced)
        assert workspace.find("dataset", "a") is None
    assert mark(workspace) == "old"


def test_a_deleted_successor_brings_the_replaced_run_back(workspace):
    put(workspace, "run", "a", status="complete", marker="old")
    with workspace.staged("run", "a", keep_replaced=True) as folder:
        write_json(folder / MANIFEST, run_manifest(status="training"))
    shutil.rmtree(workspace.path_of("run", "a"))
    assert mark(workspace, "run") == "old"


def test_what_a_killed_process_staged_is_deleted_by_the_next_of_that_name(workspace):
    torn = workspace.root / ".staging" / "dataset-a" / "half.parquet"
    torn.parent.mkdir(parents=True)
    torn.write_text("half")
    put(workspace, "dataset", "a")
    assert not (workspace.path_of("dataset", "a") / "half.parquet").exists()
    assert list((workspace.root / ".staging").iterdir()) == []


def test_every_file_is_on_the_disk_before_its_folder_has_its_name(workspace, monkeypatch):
    synced: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    with workspace.staged("dataset", "a") as folder:
        (folder / "train.parquet").write_text("rows")
        write_json(folder / MANIFEST, dataset_manifest())
        synced.clear()
    staged = workspace.root / ".staging" / "dataset-a"
    assert set(synced[:2]) == {str(staged / "train.parquet"), str(staged / MANIFEST)}
    assert synced[2:] == [str(staged), str(workspace.root / "datasets")]


def test_a_lock_is_waited_for_as_long_as_requested(workspace):
    with (
        workspace.locked("run", "a"),
        pytest.raises(ArtefactError, match="another sbr is writing run a"),
        workspace.locked("run", "a", wait_seconds=0.1),
    ):
        pass
