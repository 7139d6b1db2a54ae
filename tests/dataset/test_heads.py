"""Sessions that are cut across users go on from a part to the next, as in the whole log."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset import heads
from sbrcli.dataset.cutting import cut_events
from sbrcli.dataset.heads import Edges, Moves, decide_moves
from sbrcli.dataset.pieces import Pieces
from sbrcli.dataset.sessionize import id_codes
from sbrcli.dataset.sorting import Sorted, sort_into_parts
from sbrcli.engines.local import HERE
from sbrcli.engines.shuffle import read_table, write_table
from sbrcli.errors import DataError
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.log import Log

DAY = 86_400
FORMAT = LogFormat(name="a table", columns=(), time_unit="s")


def sort(folder: Path, events: pd.DataFrame, config: PrepareConfig, num_parts: int) -> Sorted:
    """Bring a log into parts, from pieces of 50 events."""
    pieces = Pieces(folder, "user_id")
    for begin in range(0, len(events), 50):
        own = events.iloc[begin : begin + 50].reset_index(drop=True)
        pieces.take(Log(own, FORMAT))
    return sort_into_parts(HERE, pieces, config, num_parts, pieces.item_ids, lambda _: None)


def laid_end_to_end(loaded: list[pd.DataFrame], item_ids: list[Any]) -> dict[str, list[Any]]:
    numbers = np.concatenate([id_codes(one, "item_id") for one in loaded])
    return {
        "session_id": np.concatenate([one["session_id"].to_numpy() for one in loaded]).tolist(),
        "item_id": [item_ids[number] for number in numbers],
        "timestamp": np.concatenate([one["timestamp"].to_numpy() for one in loaded]).tolist(),
    }


def require_equal(
    events: pd.DataFrame, config: PrepareConfig, num_parts: int
) -> tuple[Sorted, list[pd.DataFrame]]:
    """Check that parts, laid end to end, have the rows and sessions of the whole log.

    Returns:
        The parts, and their tables.
    """
    whole = cut_events(events, config)
    with TemporaryDirectory() as folder:
        found = sort(Path(folder), events, config, num_parts)
        loaded = [part.load().copy() for part in found.parts]
        item_ids = sorted(set(events["item_id"]))
        assert laid_end_to_end(loaded, item_ids) == whole.events.to_dict("list")
        assert +found.dropped == +whole.dropped
        sessions = [set(table["session_id"]) for table in loaded]
        assert sum(map(len, sessions)) == len(set[int]().union(*sessions))
        left = sorted(path.name for path in Path(folder).iterdir())
        assert left == sorted(part.path.name for part in found.parts)
    return found, loaded


def make_log(seed: int, num_users: int, length: int, days: int) -> pd.DataFrame:
    """Make up a log in file order whose users are awake at the same hours, with ties."""
    rng = np.random.default_rng(seed)
    users = rng.integers(0, num_users, length)
    hours = rng.integers(0, 4, length) / 2
    times = 10 * DAY + rng.integers(0, days, length) * DAY + (hours * 3600).astype(np.int64)
    return pd.DataFrame(
        {"user_id": users, "item_id": rng.integers(0, 3, length), "timestamp": times}
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    num_users=st.integers(1, 60),
    length=st.integers(1, 150),
    days=st.sampled_from([1, 2, 30]),
    gap=st.sampled_from([1, 1800, 3600, 7200, DAY, 2 * DAY]),
    num_parts=st.sampled_from([1, 2, 4, 37, 200]),
    drop_repeats=st.booleans(),
    max_user_events=st.sampled_from([None, 2, 3]),
    has_fractions=st.booleans(),
    has_texts=st.booleans(),
)
def test_the_sessions_of_parts_are_those_of_the_whole_log(
    seed: int,
    num_users: int,
    length: int,
    days: int,
    gap: int,
    num_parts: int,
    drop_repeats: bool,
    max_user_events: int | None,
    has_fractions: bool,
    has_texts: bool,
):
    events = make_log(seed, num_users, length, days)
    if has_fractions:
        events["timestamp"] = events["timestamp"] + (events.index % 3 == 0) * 0.5
    if has_texts:
        names = [f"{'é' if user % 2 else 'u'}{user}" for user in events["user_id"]]
        events["user_id"] = pd.Categorical(names, categories=sorted(set(names)))
    config = PrepareConfig(
        session=f"gap:{gap}",
        across_users=True,
        drop_repeats=drop_repeats,
        max_user_events=max_user_events,
    )
    require_equal(events, config, num_parts)


def alone(*times: int) -> pd.DataFrame:
    """Make a log of users with one event each, of items 0, 0, 1, 1, 2, 2, …"""
    numbers = range(len(times))
    return pd.DataFrame(
        {"user_id": numbers, "item_id": [at // 2 for at in numbers], "timestamp": times}
    )


def test_a_session_of_all_users_lies_in_the_first_part():
    config = PrepareConfig(session="gap:100", across_users=True)
    found, tables = require_equal(alone(0, 10, 20, 30), config, 9)
    assert [len(table) for table in tables] == [4, 0, 0, 0, 0]
    assert found.largest == 4


def test_a_head_passes_parts_that_begin_no_session():
    config = PrepareConfig(session="gap:100", across_users=True)
    _, tables = require_equal(alone(0, 200, 210, 220, 400, 410), config, 9)
    assert [table["session_id"].tolist() for table in tables] == [
        *([0], [1, 1, 1], [], []),
        *([2, 2], [], []),
    ]


def test_repeats_are_dropped_where_a_head_follows_the_same_item():
    config = PrepareConfig(session="gap:100", across_users=True, drop_repeats=True)
    found, tables = require_equal(alone(0, 10, 20, 30), config, 9)
    assert tables[0]["timestamp"].tolist() == [0, 20]
    assert found.dropped == {"repeats": 2}


def test_a_repeat_that_was_dropped_still_counts_as_time():
    # User 1 has item 1 at 20 and 90; its event at 90 goes as a repeat, and 160 is 70 s later.
    table = pd.DataFrame(
        {"user_id": [0, 1, 1, 2], "item_id": [0, 1, 1, 2], "timestamp": [0, 20, 90, 160]}
    )
    config = PrepareConfig(session="gap:100", across_users=True, drop_repeats=True)
    _, tables = require_equal(table, config, 3)
    assert tables[0]["timestamp"].tolist() == [0, 20, 160]


def test_parts_that_nothing_enters_or_leaves_are_not_written_again():
    config = PrepareConfig(session="gap:100", across_users=True)
    found, _ = require_equal(alone(0, 200, 400, 410, 600), config, 9)
    assert [part.path.name for part in found.parts] == [
        *("part-00000.arrow", "part-00001.arrow"),
        *("complete-part-00002.arrow", "complete-part-00003.arrow"),
        *("part-00004.arrow", "part-00005.arrow"),
    ]


def test_moves_are_decided_by_two_times_and_two_counts_of_each_part():
    edges = [
        Edges(0, 50, head=2, num_sessions=2),  # the second of its sessions is open at 50
        None,
        Edges(60, 60, head=1, num_sessions=1),  # goes on, and so does
        Edges(70, 500, head=3, num_sessions=2),  # the next: its head alone
        Edges(900, 900, head=1, num_sessions=1),
    ]
    assert decide_moves(edges, 100) == [
        Moves(takes=(2, 3)),
        Moves(sessions_before=2),
        Moves(gives=True, sessions_before=2),
        Moves(gives=True, sessions_before=2),
        Moves(sessions_before=3),
    ]
    assert decide_moves([None, None, Edges(5, 5, 1, 1)], 100) == [Moves()] * 3


@pytest.mark.parametrize(("step", "gives"), [(-DAY, True), (-1, False), (DAY, False), (99, True)])
def test_steps_to_the_next_part_count_as_those_within_one(step: int, gives: bool):
    edges = [Edges(0, 9 * DAY, 1, 1), Edges(9 * DAY + step, 0, 1, 1)]
    assert decide_moves(edges, 100)[1].gives == gives


def test_a_kernel_that_runs_again_writes_the_same(monkeypatch):
    real, files = heads.complete_part, []

    def twice(one: Any, drops_repeats: bool) -> tuple[int, int]:
        for _ in range(2):
            found = real(one, drops_repeats)
            files.append(one.target.read_bytes())
        return found

    monkeypatch.setattr(heads, "complete_part", twice)
    config = PrepareConfig(session="gap:100", across_users=True, drop_repeats=True)
    require_equal(alone(0, 10, 20, 30, 40, 500), config, 4)
    assert files
    assert files[::2] == files[1::2]


def test_events_that_were_lost_on_the_way_are_an_error(monkeypatch, tmp_path: Path):
    real = heads.complete_part

    def after_a_loss(one: Any, drops_repeats: bool) -> tuple[int, int]:
        write_table(one.path, pa.Table.from_batches([read_table(one.path).slice(0, 1)]))
        return real(one, drops_repeats)

    monkeypatch.setattr(heads, "complete_part", after_a_loss)
    config = PrepareConfig(session="gap:100", across_users=True)
    log = pd.DataFrame({"user_id": [0, 0, 0, 1], "item_id": [0, 1, 2, 0]})
    with pytest.raises(DataError) as caught:
        sort(tmp_path, log.assign(timestamp=[0, 10, 20, 30]), config, 2)
    assert str(caught.value) == (
        "4 events were in parts whose sessions go on, and 2 are in the completed ones: a file "
        "changed meanwhile"
    )
    assert caught.value.hint == "run the command again"
