"""`sbr stats` of a log in parts: the same document as in memory, and nothing left over."""

import json
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.errors import ArtefactError, DataError
from sbrcli.log.detect import AS_READ
from sbrcli.workflow import prepare_in_parts
from sbrcli.workflow.describe import describe_log
from tests.reporters import RecordingReporter
from tests.workflow.test_prepare_in_parts import make_table, write_log
from tests.workflow.test_stages import require_one_progress

pytestmark = pytest.mark.usefixtures("small_batches")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def describe(
    log: Path,
    workspace: Workspace,
    engine: EngineConfig,
    rule: str | None = None,
    reading: ReadConfig = AS_READ,
) -> tuple[str, RecordingReporter]:
    """Return the JSON document of a log, and what was reported."""
    reporter = RecordingReporter()
    session = None if rule is None else SessionRule.parse(rule)
    found = describe_log(workspace, [log], reading, session, UTC, engine, reporter)
    assert not workspace.root.exists()
    return json.dumps(asdict(found)), reporter


def require_equal(
    log: Path, workspace: Workspace, rule: str | None = None, reading: ReadConfig = AS_READ
) -> dict[str, Any]:
    """Check that 1, 4 and 37 parts have the same figures, warnings and notes; return these."""
    whole, said = describe(log, workspace, EngineConfig(), rule, reading)
    for num_parts in (4, 37):
        engine = EngineConfig(parts=num_parts)
        found, said_too = describe(log, workspace, engine, rule, reading)
        assert found == whole
        assert said_too.notes[1:] == said.notes
        require_one_progress(said_too, "describe", ["read", "count"])
        assert not said_too.warnings
    return json.loads(whole)


@pytest.mark.parametrize("rule", ["user", "gap:90000", None])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_log_in_parts_has_the_same_figures(tmp_path, workspace, rule, kind):
    table = make_table(
        rating=np.tile([1.0, 2.5, np.nan], 1000), event=["view", "buy", "view"] * 1000
    )
    table.loc[2999, "timestamp"] += 3
    found = require_equal(write_log(tmp_path, table, kind), workspace, rule)
    assert (found["events"], found["users"]) == (3000, 150)
    assert found["ratings"] == {"1": 1000, "2.5": 1000}
    assert found["event_kinds"] == {"view": 2000, "buy": 1000}
    assert found["duplicates"] > 0
    assert found["new_item_share"] is not None


def test_odd_ids_and_times_are_reported_with_the_numbers_of_the_whole_log(tmp_path, workspace):
    table = make_table().astype({"user_id": object, "item_id": object})
    table["user_id"] = [f"u{user}" for user in table["user_id"]]
    table.loc[::7, "user_id"] = "null"
    table.loc[1::9, "user_id"] = "U1"
    table.loc[2000:, "item_id"] = [f" {item}" for item in table.loc[2000:, "item_id"]]
    table["timestamp"] = table["timestamp"] // 86_400 * 86_400
    found = require_equal(write_log(tmp_path, table), workspace, "user")
    said = "\n".join(found["warnings"])
    assert "381 of 3,000 events have the user null: it seems to stand for no user" in said
    assert "Item ids begin or end with a space" in said
    assert "The times are dates without a time of day" in said


def test_ids_that_are_text_in_one_batch_alone(tmp_path, workspace):
    table = make_table().astype({"user_id": object})
    table.loc[2500:2520, "user_id"] = "007"
    table["timestamp"] = table["timestamp"] + np.where(table.index < 2900, 0, 0.5)
    found = require_equal(write_log(tmp_path, table), workspace, "gap:90000")
    assert found["users"] == 151


def test_named_sessions_with_and_without_users(tmp_path, workspace):
    table = make_table()
    table["session_id"] = table["user_id"] * 7 + table.index // 1500
    found = require_equal(write_log(tmp_path, table), workspace)
    assert found["sessions"] > found["users"] == 150
    found = require_equal(write_log(tmp_path, table.drop(columns="user_id")), workspace, "column")
    assert found["users"] is None


def test_rows_left_out_and_a_log_without_times(tmp_path, workspace):
    log = write_log(tmp_path, make_table())
    lines = log.read_text().splitlines()
    lines[2000] = "nobody"
    log.write_text("\n".join(lines))
    found = require_equal(log, workspace, "user", ReadConfig(skip_bad_rows=True, drop_id="item=1"))
    assert found["bad_rows"] == 1
    log.write_text("\n".join(lines[:2000]))
    reading = ReadConfig(no_time=True, columns="user=user_id,item=item_id")
    assert require_equal(log, workspace, "user", reading)["time"] == {"first": None, "last": None}


def test_two_processes_have_the_same_figures(tmp_path, workspace):
    log = write_log(tmp_path, make_table())
    engine = EngineConfig(parts=5, processes=2)
    whole, _ = describe(log, workspace, EngineConfig(), "gap:90000")
    assert describe(log, workspace, engine, "gap:90000")[0] == whole


def test_what_cannot_be_divided_is_described_at_once(tmp_path, workspace):
    table = make_table()
    table["session_id"] = table["user_id"] // 2
    log = write_log(tmp_path, table)
    whole, _ = describe(log, workspace, EngineConfig())
    found, said = describe(log, workspace, EngineConfig(parts=3))
    assert found == whole
    assert said.warnings == [
        "the log is described in memory, at once: session ids are shared by several users"
    ]
    table = table.astype({"user_id": object})
    table["session_id"] = table["user_id"]
    table.loc[2900:, "user_id"] = None
    log = write_log(tmp_path, table)
    whole, _ = describe(log, workspace, EngineConfig())
    found, said = describe(log, workspace, EngineConfig(parts=3))
    assert found == whole
    assert said.warnings == ["the log is described in memory, at once: some events have no user"]
    with pytest.raises(DataError, match="the log names no sessions"):
        describe(write_log(tmp_path, make_table()), workspace, EngineConfig(parts=3), "column")


def test_a_disk_that_is_too_small_is_refused(tmp_path, workspace, monkeypatch):
    log = write_log(tmp_path, make_table())
    monkeypatch.setattr(prepare_in_parts, "free_bytes", lambda _: 100_000)
    with pytest.raises(ArtefactError, match=r"disk, and .* has 0\.1 MB"):
        describe(log, workspace, EngineConfig(parts=3), "user")
