"""Logs of one split that have events or sessions in common are warned of, with counts."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbrcli.dataset.hashed_pieces import HashedPieces, compare_in_parts
from sbrcli.dataset.overlaps import find_overlaps
from sbrcli.engines.local import HERE
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.log import Log


def make(rows: str, *columns: str) -> pd.DataFrame:
    """Make an event table of "owner item time, …"; ids are text, times are numbers."""
    table = pd.DataFrame([row.split() for row in rows.split(",")], columns=list(columns))
    return table.astype({"timestamp": "int64"})


def by_session(rows: str) -> pd.DataFrame:
    return make(rows, "session_id", "item_id", "timestamp")


TRAIN = by_session("1 a 10, 1 b 20, 2 a 30, 2 c 40")


def overlaps(named: bool = True, **others: pd.DataFrame) -> list[str]:
    return list(find_overlaps({"log": TRAIN} | others, named_sessions=named))


def test_logs_without_a_common_session_are_not_warned_of():
    assert overlaps(test_log=by_session("3 a 10, 3 b 20"), valid_log=by_session("4 a 10")) == []


def test_each_pair_of_logs_that_share_events_is_warned_of_with_counts():
    test, valid = by_session("1 a 10, 1 b 20, 3 a 50"), by_session("2 a 30, 3 a 50, 4 b 60, 4 c 7")
    assert overlaps(test_log=test, valid_log=valid) == [
        "2 of the 3 events of the test log are in the log too (sessions: 1): test measures what "
        "was trained on. Leave them out of the log",
        "1 of the 4 events of the valid log are in the log too (sessions: 1): valid measures what "
        "was trained on. Leave them out of the log",
        "1 of the 4 events of the valid log are in the test log too (sessions: 1): the best epoch "
        "is chosen by what test measures. Leave them out of the valid log",
    ]


def test_sessions_of_one_id_and_other_events_are_two_sessions():
    later = by_session("1 c 50, 1 a 60, 5 a 70")
    assert overlaps(test_log=later) == [
        "1 of the 2 sessions of the test log have the id of a session of the log and other events: "
        "each is taken as two sessions"
    ]
    assert overlaps(named=False, test_log=later) == []


def test_users_may_be_in_both_logs_but_not_their_events():
    columns = ("user_id", "item_id", "timestamp")
    tables = {"log": make("u a 1, u b 2", *columns), "test_log": make("u a 3, u b 2", *columns)}
    assert list(find_overlaps(tables, named_sessions=False)) == [
        "1 of the 2 events of the test log are in the log too (users: 1): test measures what was "
        "trained on. Leave them out of the log"
    ]


def test_ids_are_compared_as_they_are_written_and_times_as_numbers():
    numbers = TRAIN.astype({"session_id": "int64", "timestamp": "float64"})
    categories = numbers.astype({"item_id": "category"})
    (warning,) = overlaps(test_log=categories)
    assert warning.startswith(
        "4 of the 4 events of the test log are in the log too (sessions: 2): "
    )


def test_a_user_with_the_id_of_an_item_is_another_event():
    columns = ("user_id", "item_id", "timestamp")
    tables = {"log": make("1 2 10", *columns), "test_log": make("2 1 10", *columns)}
    assert list(find_overlaps(tables, named_sessions=False)) == []
    columns = ("user_id", "session_id", "item_id", "timestamp")
    tables = {"log": make("1 2 3 10", *columns), "test_log": make("3 2 1 10", *columns)}
    assert list(find_overlaps(tables, named_sessions=False)) == []


FORMAT = LogFormat(name="a table", columns=(), time_unit="s")


@given(
    seed=st.integers(0, 2**32 - 1),
    num_parts=st.sampled_from([1, 2, 5, 40]),
    named=st.booleans(),
    has_valid=st.booleans(),
    columns=st.sampled_from([("user_id",), ("session_id",), ("user_id", "session_id")]),
)
def test_logs_in_parts_have_the_same_in_common(
    seed: int, num_parts: int, named: bool, has_valid: bool, columns: tuple[str, ...]
):
    rng = np.random.default_rng(seed)
    tables, hashed = {}, {}
    with TemporaryDirectory() as folder:
        for role in ("log", "test_log", "valid_log")[: 2 + has_valid]:
            names = (*columns, "item_id", "timestamp")
            length, most = rng.integers(1, 60), rng.choice([3, 30])
            table = pd.DataFrame({name: rng.integers(0, most, length) for name in names})
            if rng.random() < 0.5:
                table["item_id"] = table["item_id"].astype(str).astype("category")
            tables[role] = table
            place = Path(folder) / role
            place.mkdir()
            hashed[role] = HashedPieces(place, num_parts)
            for begin in range(0, len(table), 25):
                own = table.iloc[begin : begin + 25].reset_index(drop=True)
                hashed[role].take(Log(own, FORMAT))
        with_sessions = list(tables) if "session_id" in columns else []
        found = compare_in_parts(HERE, hashed, named)
        said = list(find_overlaps(tables, named_sessions=named))
        assert list(found.describe(with_sessions)) == said
        assert not list(Path(folder).rglob("*.arrow"))


@pytest.mark.parametrize("other", ["test", "valid"])
def test_preprocess_warns_where_a_given_split_lies_in_train(sbr, other):
    header = "SessionId,ItemId,Time\n"
    Path("train").write_text(
        header + "1,7,1500000010\n1,8,1500000020\n2,8,1500000030\n2,7,1500000040\n"
    )
    Path("new").write_text(header + "3,7,1500000050\n3,8,1500000060\n")
    logs = {"test": "new", "valid": "new"} | {other: "train"}
    words = ("--test-log", logs["test"], "--valid-log", logs["valid"], "--min-item-support", 1)
    said = sbr("preprocess", "train", *words, "--quiet")
    assert said.code == 0
    assert said.stderr == (
        f"warning: 4 of the 4 events of the {other} log are in the log too (sessions: 2): "
        f"{other} measures what was trained on. Leave them out of the log\n"
    )
