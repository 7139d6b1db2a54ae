"""`sbr preprocess` of a log in parts on scratch: the same dataset, and nothing left over."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig, read_bytes
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.dataset.pieces import Pieces
from sbrcli.dataset.storage import load_split
from sbrcli.engines import memory
from sbrcli.engines.local import require_guarded
from sbrcli.engines.memory import Room
from sbrcli.errors import ArtefactError, ConfigError, DataError, EngineError, OptionError
from sbrcli.log.batches import read_log_in_batches
from sbrcli.log.detect import AS_READ
from sbrcli.workflow import prepare_in_parts
from sbrcli.workflow.prepare_in_parts import find_room
from sbrcli.workflow.preprocess import prepare_dataset
from tests.reporters import RecordingReporter

DAY = 86_400

pytestmark = pytest.mark.usefixtures("small_batches")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def make_table(**columns: Any) -> pd.DataFrame:
    """Make up a log of 3,000 events over 40 days, with ties and repeats, in the order of time."""
    rng = np.random.default_rng(5)
    users = rng.integers(0, 150, 3000)
    times = 1_600_000_000 + np.sort(rng.integers(0, 40 * 24, 3000)) * 3600
    table = {"user_id": users, "item_id": (70 ** rng.random(3000)).astype(int), "timestamp": times}
    return pd.DataFrame(table | columns)


def write_log(folder: Path, table: pd.DataFrame, kind: str = "csv") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"log.{kind}"
    if kind == "csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path, row_group_size=200)
    return path


def prepare(
    log: Path,
    workspace: Workspace,
    name: str,
    config: PrepareConfig,
    engine: EngineConfig,
    reading: ReadConfig = AS_READ,
    **options: Any,
) -> tuple[dict[str, Any], RecordingReporter]:
    """Prepare a dataset; return what its manifest says of its content, and what was reported."""
    reporter = RecordingReporter()
    options |= {"reading": reading, "name": name, "engine": engine, "reporter": reporter}
    made = prepare_dataset(log, config, workspace, **options)
    manifest = json.loads((Path(made.dataset) / "manifest.json").read_text())
    assert not (workspace.root / ".scratch").exists()
    left_out = ("created_at", "files")
    return {key: manifest[key] for key in manifest if key not in left_out}, reporter


def require_equal(
    log: Path, workspace: Workspace, config: PrepareConfig, reading: ReadConfig = AS_READ
) -> None:
    """Check that 1, 4 and 37 parts make the same dataset, with the same warnings."""
    whole, said = prepare(log, workspace, "whole", config, EngineConfig(), reading)
    for num_parts in (4, 37):
        engine = EngineConfig(parts=num_parts)
        made, said_too = prepare(log, workspace, f"in{num_parts}", config, engine, reading)
        assert made == whole
        texts = [text.split(" events: ")[-1] for text in said_too.warnings]
        assert set(texts) <= set(said.warnings)
    one, other = (workspace.path_of("dataset", name) for name in ("whole", "in37"))
    for split in ("train", "test"):
        ids = [
            pd.read_parquet(path / f"{split}.parquet")["session_id"].astype(str).tolist()
            for path in (one, other)
        ]
        assert ids[0] == ids[1]
        loaded = [load_split(path, split) for path in (one, other)]
        assert loaded[0].item_indices.tolist() == loaded[1].item_indices.tolist()


@pytest.mark.parametrize(
    "config",
    [
        PrepareConfig(session="user"),
        PrepareConfig(session="gap:90000", drop_repeats=True),
        PrepareConfig(session="gap:90000", split="time"),
        PrepareConfig(session="user", split="last"),
    ],
    ids=str,
)
def test_a_log_in_parts_makes_the_same_dataset(tmp_path, workspace, config):
    require_equal(write_log(tmp_path, make_table()), workspace, config)


ACROSS_USERS = [
    PrepareConfig(session="gap:7200", across_users=True),
    PrepareConfig(session="gap:40000", across_users=True, drop_repeats=True, split="last"),
    PrepareConfig(session="gap:60000", across_users=True, max_user_events=15, split="time"),
    PrepareConfig(session="gap:80000", across_users=True, drop_repeats=True, test_share=0.2),
]
"""Many sessions go on with the next user; with the longest gap, over whole parts."""


@pytest.mark.parametrize("config", ACROSS_USERS, ids=str)
@pytest.mark.parametrize("has_texts", [False, True])
def test_sessions_across_users_are_the_same_in_parts(tmp_path, workspace, config, has_texts):
    table = make_table()
    if has_texts:
        table["user_id"] = [f"{'é' if user % 2 else 'u'}{user}" for user in table["user_id"]]
        table["timestamp"] = table["timestamp"] + np.where(table.index < 2900, 0, 0.5)
    require_equal(write_log(tmp_path, table), workspace, config)


def test_two_processes_make_the_same_sessions_across_users(tmp_path, workspace):
    log, config = write_log(tmp_path, make_table()), ACROSS_USERS[3]
    whole, _ = prepare(log, workspace, "whole", config, EngineConfig())
    for num_parts in (4, 37):
        engine = EngineConfig(parts=num_parts, processes=2)
        assert prepare(log, workspace, f"in{num_parts}", config, engine)[0] == whole


def test_movielens_across_users_is_the_same_in_parts(tmp_path, workspace, ml_1m, monkeypatch):
    monkeypatch.setattr(Room, "batch_bytes", property(lambda _: 8_000_000))
    config = PrepareConfig(session="gap:3600", across_users=True)
    require_equal(ml_1m, workspace, config)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_text_ids_and_fractions_of_seconds(tmp_path, workspace, kind):
    table = make_table()
    table["user_id"] = [f"{'é' if user % 2 else 'u'}{user}" for user in table["user_id"]]
    table["item_id"] = [f"i{item}" for item in table["item_id"]]
    table["timestamp"] = table["timestamp"] + np.where(table.index < 2900, 0, 0.5)
    require_equal(write_log(tmp_path, table, kind), workspace, PrepareConfig(session="gap:90000"))


def test_ids_that_are_text_in_one_batch_alone(tmp_path, workspace):
    table = make_table().astype({"user_id": object, "item_id": object})
    table.loc[2500:2600, "user_id"] = "007"
    table.loc[2500:2600, "item_id"] = "a"
    config = PrepareConfig(session="user", min_item_support=2)
    require_equal(write_log(tmp_path, table), workspace, config)
    table.loc[2700:2720, "user_id"] = "guest"
    require_equal(
        write_log(tmp_path, table), Workspace(tmp_path / "other"), PrepareConfig(session="user")
    )


def test_named_sessions(tmp_path, workspace):
    table = make_table()
    table["session_id"] = table["user_id"] * 7 + 3
    log = write_log(tmp_path, table)
    require_equal(log, workspace, PrepareConfig(session="column"))
    require_equal(log, Workspace(tmp_path / "other"), PrepareConfig(session="user"))


def test_rows_left_out_and_a_log_without_times(tmp_path, workspace):
    log = write_log(tmp_path, make_table())
    lines = log.read_text().splitlines()
    lines[2000] = "nobody"
    log.write_text("\n".join(lines))
    config = PrepareConfig(session="user", split="last")
    require_equal(log, workspace, config, ReadConfig(skip_bad_rows=True, drop_id="item=1"))
    log.write_text("\n".join(lines[:2000]))
    reading = ReadConfig(no_time=True, columns="user=user_id,item=item_id")
    require_equal(log, Workspace(tmp_path / "other"), config, reading)


def test_two_processes_make_the_same_dataset(tmp_path, workspace):
    log, config = write_log(tmp_path, make_table()), PrepareConfig(session="gap:90000")
    whole, _ = prepare(log, workspace, "whole", config, EngineConfig())
    engine = EngineConfig(parts=5, processes=2)
    assert prepare(log, workspace, "two", config, engine)[0] == whole


def test_sessions_shared_by_users_are_prepared_at_once(tmp_path, workspace):
    table = make_table()
    table["session_id"] = table["user_id"] // 2
    log, config = write_log(tmp_path, table), PrepareConfig(session="column")
    whole, _ = prepare(log, workspace, "whole", config, EngineConfig())
    made, said = prepare(log, workspace, "parts", config, EngineConfig(parts=3))
    assert made == whole
    assert said.warnings[0] == (
        "the log is prepared in memory, at once: session ids are shared by several users"
    )


def test_events_without_a_user_and_doubtful_times_are_prepared_at_once(tmp_path, workspace):
    table = make_table().astype({"user_id": object})
    table["session_id"] = table["user_id"]
    table.loc[2900:, "user_id"] = None
    log = write_log(tmp_path, table)
    reporter, config = RecordingReporter(), PrepareConfig(session="user")
    with pytest.raises(DataError, match="the log names no users"):
        prepare_dataset(log, config, workspace, engine=EngineConfig(parts=3), reporter=reporter)
    assert reporter.warnings[0] == (
        "the log is prepared in memory, at once: some events have no user"
    )
    table = make_table()
    table.loc[:500, "timestamp"] = range(501)
    table.loc[501:, "timestamp"] *= 1000
    said = prepare(
        write_log(tmp_path, table),
        workspace,
        "times",
        PrepareConfig(session="user", test_share=0.1, valid_days=0),
        EngineConfig(parts=3),
    )[1]
    assert said.warnings[0] == (
        "the log is prepared in memory, at once: its times or lines need the whole file"
    )
    with pytest.raises(DataError, match="the log names no sessions"):
        prepare(
            write_log(tmp_path, make_table()),
            workspace,
            "no",
            PrepareConfig(session="column"),
            EngineConfig(parts=3),
        )


def test_the_beginning_of_a_log_is_checked_and_progress_reported(tmp_path, workspace):
    table = make_table().astype({"user_id": object})
    table.loc[::40, "user_id"] = "null"
    log = write_log(tmp_path, table)
    _, said = prepare(log, workspace, "parts", PrepareConfig(session="user"), EngineConfig(parts=3))
    assert any(
        text.startswith("in the first ") and "events: " in text and "the user null" in text
        for text in said.warnings
    )
    room = prepare_in_parts.find_room([log], EngineConfig(), AS_READ)
    assert said.notes[0] == (
        f"about {room.num_rows:,} events in parts need about {room.disk / 1e6:.1f} MB of disk in "
        f"{workspace.root}"
    )
    assert said.done == [("prepare", room.num_rows, room.num_rows)]


def test_a_large_user_is_told(tmp_path, workspace, monkeypatch):
    monkeypatch.setattr(Room, "rows_per_part", property(lambda _: 300))
    table = make_table()
    table.loc[::2, "user_id"] = 7
    log = write_log(tmp_path, table)
    _, said = prepare(
        log, workspace, "parts", PrepareConfig(session="gap:90000"), EngineConfig(parts=9)
    )
    (told,) = [text for text in said.warnings if text.startswith("one part has 1,5")]
    assert told.endswith(
        "events, as a user's events stay together: it needs more than --memory; "
        "--max-user-events caps users"
    )


@pytest.mark.parametrize(
    "config",
    [
        PrepareConfig(session="user", max_user_events=12),
        PrepareConfig(session="gap:90000", max_user_events=20, drop_repeats=True),
        PrepareConfig(session="user", max_user_events=15, split="time"),
    ],
    ids=str,
)
def test_the_newest_events_of_a_user_are_the_same_in_parts(tmp_path, workspace, config):
    table = make_table()
    table.loc[::5, "user_id"] = 7
    log = write_log(tmp_path, table)
    require_equal(log, workspace, config)
    manifest = json.loads((workspace.path_of("dataset", "in37") / "manifest.json").read_text())
    counts = table["user_id"].value_counts()
    older = (counts - config.max_user_events).clip(lower=0).sum()
    assert manifest["dropped"]["older_events"] == {"events": older, "sessions": 0, "items": 0}
    assert manifest["config"]["max_user_events"] == config.max_user_events
    if config.split == "date":
        left = sum(split["events"] for split in manifest["splits"].values() if split)
        assert left + sum(counts["events"] for counts in manifest["dropped"].values()) == 3000
    words = table.astype({"user_id": str})
    words["user_id"] = "u" + words["user_id"]
    text_log = tmp_path / "text" / "log.csv"
    text_log.parent.mkdir()
    words.to_csv(text_log, index=False)
    require_equal(text_log, Workspace(tmp_path / "other"), config)


def test_a_maximum_per_user_keeps_a_part_small_and_takes_file_order_without_times(
    tmp_path, workspace, monkeypatch
):
    table = make_table()
    table.loc[::8, "user_id"] = 7
    log, reading = write_log(tmp_path, table), ReadConfig(no_time=True)
    capped = PrepareConfig(session="user", max_user_events=30, split="last")
    require_equal(log, workspace, capped, reading)
    monkeypatch.setattr(Room, "rows_per_part", property(lambda _: 150))
    engine, found = EngineConfig(parts=37), []
    for config in (capped, replace(capped, max_user_events=None)):
        other = Workspace(tmp_path / f"of {config.max_user_events}")
        _, said = prepare(log, other, "made", config, engine, reading)
        found.append([text for text in said.warnings if text.startswith("one part has")])
    assert (found[0], len(found[1])) == ([], 1)


def test_a_large_session_across_users_is_told(tmp_path, workspace, monkeypatch):
    monkeypatch.setattr(Room, "rows_per_part", property(lambda _: 300))
    table = make_table()
    table["timestamp"] = 1_600_000_000 + table.index // 2
    log = write_log(tmp_path, table)
    config = PrepareConfig(session="gap:90000", across_users=True, split="last", valid_days=0)
    _, said = prepare(log, workspace, "parts", config, EngineConfig(parts=9))
    (told,) = [text for text in said.warnings if text.startswith("one part has 3,000")]
    assert told.endswith(
        "events, as a session's and a user's events stay together: it needs more than --memory; "
        "--max-user-events caps users"
    )


def test_a_disk_that_is_too_small_is_refused(tmp_path, workspace, monkeypatch):
    log = write_log(tmp_path, make_table())
    monkeypatch.setattr(prepare_in_parts, "free_bytes", lambda _: 100_000)
    with pytest.raises(ArtefactError) as raised:
        prepare(log, workspace, "parts", PrepareConfig(session="user"), EngineConfig(parts=3))
    assert str(raised.value).endswith(f"disk, and {workspace.root} has 0.1 MB")
    assert raised.value.hint == "name another place with --workdir, or give more --memory"


def test_the_number_of_parts_follows_the_memory():
    gigabyte = 10**9
    assert Room(gigabyte, 1, 3_600_000).holds_all
    assert not Room(gigabyte, 1, 3_600_000, text_bytes=10).holds_all
    assert not Room(gigabyte, 1, 5_000_000).holds_all
    assert Room(gigabyte, 1, 30_000_000).num_parts == 9
    assert Room(gigabyte, 2, 30_000_000).num_parts == 48
    assert Room(gigabyte, 1, 30_000_000, text_bytes=40).num_parts == 18
    with pytest.raises(ConfigError) as raised:
        assert Room(gigabyte // 10, 2, 30_000_000).num_parts
    assert str(raised.value) == "100.0 MB of memory are too little for 2 processes"
    assert raised.value.hint == "give --memory at least 800MB"
    assert memory.size_in_words(2.5 * gigabyte) == "2.5 GB"
    assert (memory.free_memory() or 1) > 0


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_room_of_a_log_is_that_of_its_ids(tmp_path, kind):
    table = make_table()
    numbers = write_log(tmp_path, table, kind)
    table["user_id"] = [f"{user:0200d}a" for user in table["user_id"]]
    texts = write_log(tmp_path / "texts", table, kind)
    enough = EngineConfig(memory=300_600_000)  # for 3,000 rows of numbers
    assert find_room([numbers], enough, AS_READ).text_bytes == 0
    room = find_room([texts], enough, AS_READ)
    assert (room.text_bytes > 200 * 150 / 3000, room.holds_all) == (True, False)
    assert find_room([texts], EngineConfig(memory=10**9), AS_READ).text_bytes == 0  # not read
    pieces = Pieces(tmp_path, "user_id")
    read_log_in_batches([texts], AS_READ, pieces.take, tmp_path, 10_000)
    exact = prepare_in_parts.measured(room, pieces)
    assert exact.num_rows == 3000
    assert 200 * 150 / 3000 < exact.text_bytes <= 210


def test_the_number_of_parts_is_decided_when_the_log_has_been_read(
    tmp_path, workspace, monkeypatch
):
    monkeypatch.setattr(Room, "rows_per_part", property(lambda _: 900))
    monkeypatch.setattr(prepare_in_parts, "estimate_events", lambda _: 10**9)
    monkeypatch.setattr(prepare_in_parts, "free_bytes", lambda _: None)
    log, engine = write_log(tmp_path, make_table()), EngineConfig(memory=10**9)
    prepare(log, workspace, "parts", PrepareConfig(session="user"), engine)
    train = workspace.root / "datasets" / "parts" / "train.parquet"
    assert len(list(train.iterdir())) == 4  # 3,000 events, 900 a part


def test_memory_is_written_as_a_size():
    assert read_bytes("1GB") == read_bytes("1000 mb") == 10**9
    assert read_bytes("1.5GiB") == 3 * 2**29
    assert read_bytes("64KiB") == 2**16
    with pytest.raises(OptionError) as raised:
        read_bytes("much")
    assert str(raised.value) == "memory is a size. Received: much"
    assert raised.value.hint == "write it as 800MB, 4GB or 1.5GiB"


def test_a_log_that_changes_meanwhile_is_refused(tmp_path, workspace, monkeypatch):
    from sbrcli.dataset import sorting

    join = sorting.join_part

    def lose(*words: Any) -> Any:
        found = join(*words)
        return replace(found, num_events=found.num_events - 1)

    monkeypatch.setattr(sorting, "join_part", lose)
    with pytest.raises(DataError) as raised:
        prepare(
            write_log(tmp_path, make_table()),
            workspace,
            "parts",
            PrepareConfig(session="user"),
            EngineConfig(parts=3),
        )
    assert str(raised.value) == (
        "3,000 events were read, and 2,997 are in the parts: a file changed meanwhile"
    )


CHILD = """
import os, sys, time
from pathlib import Path
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset import plan
from sbrcli.workflow.preprocess import prepare_dataset

def wait(*_):
    Path("stopped").touch()
    time.sleep(600)

plan.cleanse_parts = wait
if __name__ == "__main__":
    engine = EngineConfig(parts=3, processes=2)
    config = PrepareConfig(session="user")
    prepare_dataset(Path(sys.argv[1]), config, Workspace(Path("work")), engine=engine)
"""


def test_what_a_killed_process_leaves_is_deleted_by_the_next(tmp_path, workspace, monkeypatch):
    log = write_log(tmp_path, make_table())
    monkeypatch.chdir(tmp_path)
    Path("child.py").write_text(CHILD)
    with Path("stderr").open("wb") as stderr:
        child = subprocess.Popen([sys.executable, "child.py", str(log)], stderr=stderr)
    while not Path("stopped").exists():
        assert child.poll() is None
        time.sleep(0.05)
    workers = Path(f"/proc/{child.pid}/task/{child.pid}/children")
    pids = workers.read_text().split() if workers.exists() else []
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert list((workspace.root / ".scratch").iterdir())
    config = PrepareConfig(session="gap:90000")
    prepare(log, workspace, "other", config, EngineConfig(parts=2))
    assert not (workspace.root / ".scratch").exists()
    deadline = time.monotonic() + 120
    while any(Path(f"/proc/{pid}/stat").exists() and not _is_dead(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlives its parent"
        time.sleep(0.1)
    assert Path("stderr").read_text() == ""


def test_a_program_without_a_guard_is_told_so(tmp_path, monkeypatch):
    log = write_log(tmp_path, make_table())
    monkeypatch.chdir(tmp_path)
    Path("child.py").write_text(
        CHILD.replace("plan.cleanse_parts = wait", "").replace(
            "if __name__ ==", "if 1 or __name__ =="
        )
    )
    child = subprocess.run(
        [sys.executable, "child.py", str(log)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert child.returncode == 1
    assert (
        "each of several processes imports the program, which starts its work again"
    ) in child.stderr
    error = child.stderr.strip().splitlines()[-1]
    assert error.endswith("EngineError: a process that worked on a part of the log has died")
    with monkeypatch.context() as patch:
        patch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
        with pytest.raises(EngineError) as raised:
            require_guarded(2)
        require_guarded(1)
    assert raised.value.hint == 'start it below a line: if __name__ == "__main__":'


def _is_dead(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def test_an_interruption_leaves_nothing(tmp_path, workspace, monkeypatch):
    def interrupt(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr("sbrcli.dataset.plan.cleanse_parts", interrupt)
    log = write_log(tmp_path, make_table())
    with pytest.raises(KeyboardInterrupt):
        prepare(log, workspace, "parts", PrepareConfig(session="user"), EngineConfig(parts=3))
    assert not (workspace.root / ".scratch").exists()
    assert not list((workspace.root / "datasets").glob("*"))


def test_what_a_killed_process_leaves_is_deleted_before_the_disk_is_measured(
    tmp_path, workspace, monkeypatch
):
    left = workspace.root / ".scratch" / "dataset-killed" / "piece-00000.arrow"
    log = write_log(tmp_path, make_table())
    config = PrepareConfig(session="gap:90000")
    left.parent.mkdir(parents=True)
    left.touch()
    monkeypatch.setattr(prepare_in_parts, "free_bytes", lambda _: 0 if left.exists() else 10**9)
    prepare(log, workspace, "parts", config, EngineConfig(parts=2))
    left.parent.mkdir(parents=True)
    left.touch()
    prepare(log, workspace, "memory", config, EngineConfig(parts=1))
    assert not (workspace.root / ".scratch").exists()
