"""Work directories that cannot be written: full, or to be read only."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accidents.processes import shell
from tests.chains import make_workspace, write_chain_log

TRAIN = "train --hsz 64 --batch-size 4 --bptt 4 --epochs 1 --quiet"
TRIED = "preprocess log --session user --test-days 10 --valid-days 20 --quiet"


def files(shelf: str) -> list[Path]:
    """List what lies in the work directory, but for its locks."""
    return sorted(p for p in Path("sbr-work", shelf).rglob("*") if p.is_file())


def refuse_locks() -> None:
    """Let the work directory take no lock, as where it is to be read only; also for root."""
    locks = Path("sbr-work", ".locks")
    for lock in locks.iterdir() if locks.exists() else ():
        lock.unlink()
    locks.rmdir() if locks.exists() else None
    locks.write_text("")


@pytest.mark.parametrize("blocks", [1, 2])
def test_a_disk_that_fills_up_while_a_dataset_is_written_leaves_nothing(tmp_path, blocks):
    write_chain_log(tmp_path / "log", users=300, first_day=18_000)
    said = shell(f"ulimit -f {blocks}; sbr {TRIED}", is_warm=True)
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: cannot write in the work directory sbr-work: File too large\n"
        "hint: free some space or name another with --workdir\n"
    )
    assert files("datasets") == files(".staging") == []
    assert shell(f"sbr {TRIED}", is_warm=True).code == 0


def test_a_disk_that_fills_up_while_a_run_is_written_leaves_nothing(tmp_path):
    make_workspace(tmp_path / "sbr-work")
    said = shell(f"ulimit -f 8; sbr {TRAIN} --name run", is_warm=True)
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: cannot write sbr-work/runs/run/weights.safetensors: File too large\n"
        "hint: free some space or name another place with --workdir\n"
    )
    assert files("runs") == files(".staging") == []


@pytest.mark.parametrize("words", [TRIED, TRAIN])
def test_a_place_to_read_only_is_an_error_of_one_line(tmp_path, words):
    make_workspace(tmp_path / "sbr-work")
    write_chain_log(tmp_path / "log", users=30, first_day=18_000)
    refuse_locks()
    said = shell(f"sbr {words} --name other", is_warm=True)
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: cannot write in the work directory sbr-work: File exists\n"
        "hint: free some space or name another with --workdir\n"
    )
    assert [p.name for p in Path("sbr-work", "datasets").iterdir()] == ["user"]
    assert files("runs") == []


def test_figures_that_cannot_be_kept_are_printed_with_a_warning(trained, sbr):
    refuse_locks()
    said = sbr("evaluate", "--json", "--quiet")
    assert (said.code, json.loads(said.stdout)["run"]) == (0, "run")
    assert said.stderr == (
        "warning: the metrics are not stored: cannot write in the work directory "
        "sbr-work: File exists\n"
    )
    assert not (trained / "evaluation.json").exists()


def test_figures_of_a_run_that_was_replaced_meanwhile_are_not_kept_in_the_new_one(
    trained, sbr, monkeypatch
):
    from sbrcli.workflow import evaluate as runs

    summarise = runs.summarise

    def replace_run(*words, **options):
        path = trained / "manifest.json"
        document = json.loads(path.read_text()) | {"completed_at": "2999"}
        path.write_text(json.dumps(document))
        return summarise(*words, **options)

    monkeypatch.setattr(runs, "summarise", replace_run)
    said = sbr("evaluate", "--json", "--quiet")
    assert said.code == 0
    assert said.stderr == (
        "warning: the metrics are not stored: run run has been replaced meanwhile\n"
    )
    assert not (trained / "evaluation.json").exists()


def test_a_damaged_evaluation_is_refused_before_the_work(trained, sbr):
    (trained / "evaluation.json").write_text("{")
    said = sbr("evaluate")
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        "error: sbr-work/runs/run/evaluation.json is damaged: Expecting property name enclosed in "
        "double quotes: line 1 column 2 (char 1)\nhint: delete it; sbr evaluate writes it again\n"
    )


NO_SPACE_IN_RUN = (
    "error: cannot write sbr-work/runs/run/{name}: File too large\n"
    "hint: free some space or name another place with --workdir\n"
)


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        ("tune-baselines", NO_SPACE_IN_RUN.format(name="baselines.json")),
        ("evaluate --hybrid", NO_SPACE_IN_RUN.format(name="hybrid.safetensors")),
        (
            "evaluate --per-event rows.parquet",
            "error: cannot write rows.parquet: File too large\nhint: name another file\n",
        ),
    ],
)
def test_a_disk_that_fills_up_while_a_file_is_added_to_a_run_leaves_no_part_of_it(
    trained, words, stderr
):
    before = files("runs")
    said = shell(f"ulimit -f 1; sbr {words} --quiet", is_warm=True)
    assert (said.code, said.stdout, said.stderr) == (5, "", stderr)
    assert files("runs") == before
    assert not [path.name for path in Path().iterdir() if "rows" in path.name]


def test_a_disk_that_fills_up_while_figures_are_kept_leaves_them_printed_and_the_run_whole(trained):
    before = files("runs")
    said = shell("ulimit -f 1; sbr evaluate --json --quiet", is_warm=True)
    assert (said.code, json.loads(said.stdout)["run"]) == (0, "run")
    assert said.stderr == (
        "warning: the metrics are not stored: cannot write "
        "sbr-work/runs/run/evaluation.json: File too large\n"
    )
    assert files("runs") == before


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """Give a folder on a disk of its own, of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = shell(f"mount -t tmpfs -o size=64k tmpfs {folder}")
    if mounted.code:
        pytest.skip("no disk can be mounted here")
    yield folder
    shell(f"umount {folder}")


def test_a_small_disk_holds_a_whole_dataset_or_none_and_a_run_that_fits(small_disk):
    write_chain_log(Path("log"), users=60, first_day=18_000)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(60 << 10))
    words = f"--workdir {small_disk} {TRIED}"
    said = shell(f"sbr {words}", is_warm=True)
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr == (
        f"error: cannot write in the work directory {small_disk}: No space left on device\n"
        "hint: free some space or name another with --workdir\n"
    )
    assert list(small_disk.rglob("*.parquet")) == []
    filler.unlink()
    assert shell(f"sbr {words}", is_warm=True).code == 0

    filler.write_bytes(bytes(20 << 10))
    said = shell(f"sbr --workdir {small_disk} {TRAIN} --name run", is_warm=True)
    assert (said.code, said.stdout) == (4, "")
    assert said.stderr.startswith("error: run run takes ")
    assert said.stderr.endswith(
        "hint: delete runs with sbr runs rm, or name another disk with --workdir\n"
    )
    assert [path for path in (small_disk / "runs").rglob("*") if path.is_file()] == []
    filler.unlink()
    # Another disk than the working folder's and the temporary files'.
    small = TRAIN.replace("--hsz 64", "--hsz 4") + " --name run"
    assert shell(f"sbr --workdir {small_disk} {small}", is_warm=True).code == 0
    assert shell(f"sbr --workdir {small_disk} evaluate --quiet", is_warm=True).code == 0
    assert (small_disk / "runs" / "run" / "evaluation.json").exists()


@pytest.mark.parametrize("words", ["stats", "compare", "recommend --items 1", "runs"])
def test_a_work_directory_that_is_a_link_to_itself_is_an_error_of_one_line(sbr, words):
    Path("loop").symlink_to("loop")
    said = sbr(*words.split(), "--workdir", "loop")
    assert (said.code, said.stdout) == (5, "")
    said_of = "loop/datasets" if words == "stats" else "loop/runs"
    assert said.stderr == (
        f"error: {said_of}: it cannot be read: Too many levels of symbolic links\n"
        "hint: repair or remove it, or name another place with --workdir\n"
    )


@pytest.mark.parametrize("words", ["recommend --items 1 --run loop", "train --name loop"])
def test_a_run_that_is_a_link_to_itself_is_an_error_of_one_line(sbr, tmp_path, words):
    make_workspace(tmp_path / "sbr-work")
    Path("sbr-work/runs").mkdir(exist_ok=True)
    Path("sbr-work/runs/loop").symlink_to("loop")
    said = sbr(*words.split())
    assert (said.code, said.stdout) == (5, "")
    assert said.stderr.splitlines()[-2:] == [
        "error: sbr-work/runs/loop: it cannot be read: Too many levels of symbolic links",
        "hint: repair or remove it, or name another place with --workdir",
    ]
