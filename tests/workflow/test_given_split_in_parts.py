"""Logs that are train, valid and test already, prepared in parts: the same dataset."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.dataset.storage import load_split, split_path
from sbrcli.engines.memory import Room
from sbrcli.errors import DataError
from sbrcli.log.detect import AS_READ
from sbrcli.workflow.given_split import GivenSplit
from tests.reporters import RecordingReporter
from tests.workflow.test_prepare_in_parts import make_table, write_log
from tests.workflow.test_prepare_in_parts import prepare as prepare_log
from tests.workflow.test_stages import require_one_progress

DAY = 86_400

pytestmark = pytest.mark.usefixtures("small_batches")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def make_later(seed: int, first_user: int, **columns: Any) -> pd.DataFrame:
    """Make up 900 events of 60 users after those of `make_table`, with items that it lacks."""
    rng = np.random.default_rng(seed)
    users = rng.integers(first_user, first_user + 60, 900)
    times = 1_600_000_000 + 41 * DAY + np.sort(rng.integers(0, 10 * 24, 900)) * 3600
    table = {"user_id": users, "item_id": (90 ** rng.random(900)).astype(int), "timestamp": times}
    return pd.DataFrame(table | columns)


Logs = dict[str, pd.DataFrame]


def make_logs() -> Logs:
    """Make up train, valid and test, whose users overlap."""
    later = {"valid": make_later(1, 100), "test": make_later(2, 130)}
    later["test"]["timestamp"] += 12 * DAY
    return {"train": make_table(), **later}


def write_logs(folder: Path, logs: Logs, kind: str = "csv") -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    return {name: write_log(folder / name, table, kind) for name, table in logs.items()}


def prepare(
    logs: dict[str, Path],
    workspace: Workspace,
    name: str,
    config: PrepareConfig,
    engine: EngineConfig,
    reading: ReadConfig = AS_READ,
) -> tuple[dict[str, Any], RecordingReporter]:
    """Prepare a dataset of given splits, as `test_prepare_in_parts.prepare` does of a log."""
    given = GivenSplit(test=logs["test"], valid=logs.get("valid"))
    return prepare_log(logs["train"], workspace, name, config, engine, reading, given=given)


def content_of(folder: Path) -> dict[str, list[Any]]:
    """Return the arrays of all splits of a dataset, and the session ids."""
    found = {}
    for name in ("train", "valid", "test", "valid_full"):
        if split_path(folder, name).exists():
            read = load_split(folder, name)
            ids = pd.read_parquet(split_path(folder, name))["session_id"].astype(str)
            arrays = (read.item_indices, read.offsets, read.timestamps)
            found[name] = [ids.tolist(), read.timestamps.dtype, *(one.tolist() for one in arrays)]
    return found


def require_equal(
    logs: dict[str, Path],
    workspace: Workspace,
    config: PrepareConfig,
    reading: ReadConfig = AS_READ,
) -> RecordingReporter:
    """Check that 1, 4 and 37 parts make the same dataset, with the same notes and warnings."""
    whole, said = prepare(logs, workspace, "whole", config, EngineConfig(), reading)
    folder = workspace.path_of("dataset", "whole")
    content = content_of(folder)
    assert (folder / "train.parquet").is_file()
    for num_parts in (4, 37):
        engine = EngineConfig(parts=num_parts)
        made, said_too = prepare(logs, workspace, f"in{num_parts}", config, engine, reading)
        assert made == whole
        assert content_of(workspace.path_of("dataset", f"in{num_parts}")) == content
        assert said_too.notes[1:] == said.notes
        texts = [re.sub("in the first [0-9,]+ events: ", "", text) for text in said_too.warnings]
        assert set(texts) <= set(said.warnings)  # what is odd may come after the first batch
        assert overlaps_of(said_too) == overlaps_of(said)
    return said


def overlaps_of(said: RecordingReporter) -> list[str]:
    words = ("are in the", "have the id")
    return [text for text in said.warnings if any(word in text for word in words)]


@pytest.mark.parametrize(
    "config",
    [
        PrepareConfig(session="user"),
        PrepareConfig(session="gap:90000", drop_repeats=True, min_item_support=3),
        PrepareConfig(session="gap:40000", across_users=True, drop_repeats=True),
        PrepareConfig(session="user", max_user_events=9),
    ],
    ids=str,
)
@pytest.mark.parametrize("has_valid", [False, True])
def test_a_given_split_is_the_same_in_parts(tmp_path, workspace, config, has_valid):
    logs = make_logs()
    if not has_valid:
        del logs["valid"]
    require_equal(write_logs(tmp_path, logs), workspace, config)
    manifest = json.loads((workspace.path_of("dataset", "in4") / "manifest.json").read_text())
    assert manifest["dropped"]["test_unseen_items"]["events"] > 0
    assert (manifest["splits"]["valid"] is None) != has_valid


def test_two_processes_make_the_same_dataset(tmp_path, workspace):
    logs = write_logs(tmp_path, make_logs())
    config = PrepareConfig(session="gap:40000", across_users=True, drop_repeats=True)
    whole, _ = prepare(logs, workspace, "whole", config, EngineConfig())
    for num_parts in (4, 37):
        engine = EngineConfig(parts=num_parts, processes=2)
        made, said = prepare(logs, workspace, f"in{num_parts}", config, engine)
        assert made == whole
    require_one_progress(said)


@pytest.mark.parametrize("with_texts", ["train", "test"])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_ids_and_times_of_another_kind_in_one_log(tmp_path, workspace, with_texts, kind):
    logs = make_logs()
    table = logs[with_texts].astype({"user_id": str, "item_id": str})
    table.loc[800:, "user_id"] = "ü" + table["user_id"]
    table.loc[850:, "item_id"] = "0" + table["item_id"]
    table["timestamp"] = table["timestamp"] + 0.25
    logs[with_texts] = table
    config = PrepareConfig(session="gap:90000", min_item_support=2)
    require_equal(write_logs(tmp_path, logs, kind), workspace, config)


def test_named_sessions_with_ids_of_the_log(tmp_path, workspace):
    logs = make_logs()
    for table in logs.values():
        table["session_id"] = [f"s{user}" for user in table["user_id"]]
    for config in (PrepareConfig(session="column"), PrepareConfig(session="user")):
        place = Workspace(tmp_path / str(config.session))
        said = require_equal(write_logs(tmp_path, logs), place, config)
        texts = [text for text in said.warnings if "each is taken as two sessions" in text]
        assert len(texts) == (3 if config.session == "column" else 0)
    assert "50 of the 60 sessions of the valid log have the id of a session of the log" in str(
        require_equal(
            write_logs(tmp_path, logs), workspace, PrepareConfig(session="column")
        ).warnings
    )


def test_events_that_two_logs_share_are_counted_as_in_memory(tmp_path, workspace):
    logs = make_logs()
    shared = [logs["train"].iloc[100:400], logs["valid"].iloc[5:600:7]]
    logs["test"] = pd.concat([logs["test"], *shared])
    for table in logs.values():
        table["user_id"] = "u" + table["user_id"].astype(str)
    said = require_equal(write_logs(tmp_path, logs), workspace, PrepareConfig(session="user"))
    assert [text.split(":")[0].rsplit(" (", 1)[0] for text in said.warnings[-2:]] == [
        "300 of the 1,285 events of the test log are in the log too",
        "85 of the 900 events of the valid log are in the test log too",
    ]


def test_a_log_given_twice_and_rows_left_out_and_no_times(tmp_path, workspace):
    logs = make_logs()
    logs["valid"] = logs["test"]
    paths = write_logs(tmp_path, logs)
    lines = paths["train"].read_text().splitlines()
    lines[2000] = "nobody"
    paths["train"].write_text("\n".join(lines))
    paths["valid"] = paths["test"]
    config = PrepareConfig(session="user")
    reading = ReadConfig(skip_bad_rows=True, drop_id="item=1")
    require_equal(paths, workspace, config, reading)
    paths["train"].write_text("\n".join(lines[:2000]))
    reading = ReadConfig(no_time=True, columns="user=user_id,item=item_id")
    said = require_equal(paths, Workspace(tmp_path / "other"), config, reading)
    assert "900 of the 900 events of the valid log are in the test log too" in said.warnings[-1]


def test_what_may_be_wrong_names_the_log(tmp_path, workspace):
    logs = make_logs()
    logs["test"] = logs["test"].astype({"user_id": object})
    logs["test"].loc[::10, "user_id"] = "null"
    paths, config = write_logs(tmp_path, logs), PrepareConfig(session="user")
    _, said = prepare(paths, workspace, "parts", config, EngineConfig(parts=3))
    (told,) = [text for text in said.warnings if "the user null" in text]
    assert re.match("the test log: in the first [0-9]+ events: ", told)


def test_a_large_user_of_one_log_is_told(tmp_path, workspace, monkeypatch):
    monkeypatch.setattr(Room, "rows_per_part", property(lambda _: 200))
    logs = make_logs()
    logs["valid"].loc[::2, "user_id"] = 7
    config = PrepareConfig(session="user")
    _, said = prepare(write_logs(tmp_path, logs), workspace, "p", config, EngineConfig(parts=37))
    (told,) = [text for text in said.warnings if "one part has" in text]
    assert told.startswith("the valid log: one part has 4")
    assert told.endswith(
        "as a user's events stay together: it needs more than --memory; --max-user-events caps "
        "users"
    )


def test_errors_are_those_of_logs_in_memory(tmp_path, workspace):
    logs, config = make_logs(), PrepareConfig(session="user")
    others = logs | {"test": logs["test"].rename(columns={"user_id": "session_id"})}
    unknown = logs | {"test": logs["test"].assign(item_id=logs["test"]["item_id"] + 1000)}
    cases = [
        (others, config, "the test log names no users, as the log does"),
        (unknown, config, "no session is left for test: of its 60, which end from "),
        (logs, replace(config, min_item_support=4000), "nothing is left of 3,000 events in "),
    ]
    for at, (tables, used, message) in enumerate(cases):
        paths, found = write_logs(tmp_path / str(at), tables), []
        for engine in (EngineConfig(), EngineConfig(parts=4)):
            with pytest.raises(DataError) as raised:
                prepare(paths, workspace, "none", used, engine)
            found.append((str(raised.value), raised.value.hint))
            assert not list((workspace.root / "datasets").glob("*"))
            assert not (workspace.root / ".scratch").exists()
        assert found[0] == found[1]
        assert found[0][0].startswith(message)


def test_sessions_shared_by_users_are_prepared_at_once(tmp_path, workspace):
    logs = make_logs()
    for table in logs.values():
        table["session_id"] = table["user_id"]
    logs["test"]["session_id"] //= 2
    paths, config = write_logs(tmp_path, logs), PrepareConfig(session="column")
    whole, said = prepare(paths, workspace, "whole", config, EngineConfig())
    made, said_too = prepare(paths, workspace, "parts", config, EngineConfig(parts=3))
    assert made == whole
    assert said_too.warnings == [
        "the log is prepared in memory, at once: session ids are shared by several users",
        *said.warnings,
    ]


def test_logs_that_together_need_more_memory_are_prepared_in_parts(
    tmp_path, workspace, monkeypatch
):
    monkeypatch.setattr(Room, "holds_all", property(lambda room: room.num_rows < 4000))
    logs, config = write_logs(tmp_path, make_logs()), PrepareConfig(session="user")
    _, said = prepare(logs, workspace, "parts", config, EngineConfig(memory=10**9))
    assert re.match("about 4,[0-9]+ events in parts need", said.notes[0])
    folder = workspace.path_of("dataset", "parts")
    assert (folder / "test.parquet").is_file()  # each log is small, and one part
    alone = {name: path for name, path in logs.items() if name != "valid"}
    _, said = prepare(alone, workspace, "memory", config, EngineConfig(memory=10**9))
    assert not any("in parts" in note for note in said.notes)
