"""A newer log added to sessions block by block, against the rules in plain Python."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.continuation import Learned
from sbrcli.dataset.cutting import cut_into_sessions
from sbrcli.dataset.growth import Additions, Grown, grow
from sbrcli.dataset.session_ids import SessionIds
from sbrcli.dataset.storage import load_split, write_split
from sbrcli.sessions import Sessions
from tests.random_sessions import BLOCKS

Id = int | str
Event = tuple[str, float]
"""An item and a time."""


@dataclass
class Plain:
    """Sessions, and what a log added to them."""

    sessions: list[tuple[Id, list[Event]]]
    new_items: list[str] = field(default_factory=list)
    events: int = 0
    begun: int = 0
    continued: int = 0
    short: Counts = field(default_factory=Counts)
    rare: Counts = field(default_factory=Counts)


def grow_plainly(
    learned: Plain, known: set[str], cut: pd.DataFrame, config: PrepareConfig
) -> Plain:
    """Add a log as the docstring of `grow` says, one session after the other."""
    log: dict[Id, list[Event]] = {}
    for one, item, at in cut[["session_id", "item_id", "timestamp"]].to_numpy(object).tolist():
        log.setdefault(one, []).append((str(item), at))
    last = max(at for _, events in learned.sessions for _, at in events)
    support = Counter(
        item
        for events in log.values()
        if len(events) >= config.min_session_length
        for item, _ in events
    )
    kept = known | {item for item in support if support[item] >= config.min_item_support}
    gaps = config.session is not None and config.session.startswith("gap")
    number = max(int(one) for one, _ in learned.sessions) if gaps else 0
    left, newest, found = list(learned.sessions), [], Plain([])
    for log_id, all_events in log.items():
        rare = [item for item, at in all_events if at > last and item not in kept]
        found.rare += Counts(len(rare))
        events = [(item, at) for item, at in all_events if item in kept]
        new = [event for event in events if event[1] > last]
        if not new:
            continue
        if gaps:
            old = [event for event in events if event[1] <= last and event[0] in known]
            those = [one for one in left if one[1] == old and old]
        else:
            those = [one for one in left if str(one[0]) == str(log_id)]
        later = events
        if those:
            later = [event for event in events if event[1] > those[0][1][-1][1]]
            if config.drop_repeats and later and later[0][0] == those[0][1][-1][0]:
                later = later[1:]
        joined = [*those[0][1], *later] if those else later
        if len(joined) < config.min_session_length:
            found.short += Counts(len(new), 1)
            continue
        if those:
            left.remove(those[0])
        found.events += len([event for event in later if event[1] > last])
        begins = all(at > last for _, at in joined)
        found.begun += begins
        found.continued += not begins
        number += gaps and not those
        newest.append(((those[0][0] if those else number) if gaps else log_id, joined))
        for item, _ in later:
            if item not in known and item not in found.new_items:
                found.new_items.append(item)
    unseen = {item for events in log.values() for item, at in events if at > last} - kept
    found.rare += Counts(0, 0, len(unseen))
    found.sessions = [*left, *newest]
    if not all(isinstance(one, int) for one, _ in [*learned.sessions, *newest]):
        found.sessions = [(str(one), events) for one, events in found.sessions]
    return found


@dataclass(frozen=True)
class Case:
    """A log, the part of it that has been learned from, and how both are read."""

    early: pd.DataFrame
    log: pd.DataFrame
    config: PrepareConfig
    unknown: frozenset[int]
    """Items that were rare in the early part."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw few users, items and times, so that sessions go on, repeat and are alike."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    count, last_time = draw(st.integers(4, 60)), draw(st.sampled_from([12, 60]))
    kind = draw(st.sampled_from(["user", "gap:5", "column"]))
    owner = "session_id" if kind == "column" else "user_id"
    events = pd.DataFrame(
        {
            owner: rng.integers(1, 7, count),
            "item_id": rng.integers(0, 6, count),
            "timestamp": rng.integers(0, last_time, count),
        }
    )
    middle = draw(st.integers(1, last_time - 1))
    if draw(st.booleans()):
        events["timestamp"] += 0.5
    early = events.query(f"timestamp <= {middle}").reset_index(drop=True)
    begins = draw(st.sampled_from([-1, middle - 3, middle]))
    log = events.query(f"timestamp > {begins}").reset_index(drop=True)
    texts = draw(st.sampled_from(["none", "both", "early", "log"]))
    for table, name in ((early, "early"), (log, "log")):
        if texts in ("both", name):
            ids = [f"{one}" if one % 2 else f"user-{one}" for one in table[owner]]
            table[owner] = pd.Categorical(ids)
    config = PrepareConfig(
        session=kind,
        min_session_length=draw(st.integers(2, 3)),
        min_item_support=draw(st.integers(1, 3)),
        drop_repeats=draw(st.booleans()),
    )
    return Case(early, log, config, frozenset(draw(st.sets(st.integers(0, 5), max_size=2))))


def learn(case: Case) -> Plain:
    """Return the early sessions, without unknown items and without short sessions."""
    cut = cut_into_sessions(case.early, case.config)
    sessions: dict[Id, list[Event]] = {}
    for one, item, at in cut[["session_id", "item_id", "timestamp"]].to_numpy(object).tolist():
        if int(item) not in case.unknown:
            sessions.setdefault(one, []).append((str(item), at))
    return Plain([(one, events) for one, events in sessions.items() if len(events) > 1])


def store(folder: Path, plain: Plain, item_ids: list[str]) -> Learned:
    """Write sessions as a train split, and read them again."""
    events = [(one, *event) for one, session in plain.sessions for event in session]
    ids, items, times = (list(column) for column in zip(*events, strict=True))
    lengths = [len(session) for _, session in plain.sessions]
    sessions = Sessions(
        np.array([item_ids.index(item) for item in items], np.int32),
        np.cumsum([0, *lengths]),
        np.array(times),
    )
    write_split(folder, "train", sessions, pa.array(ids), item_ids)
    read = load_split(folder, "train")
    return Learned(read, SessionIds([folder / "train.parquet"], read), item_ids)


def rows_of(grown: Grown) -> list[tuple[Id, list[Event]]]:
    rows, kinds = [], set()
    for block, ids in grown.blocks():
        kinds.add((block.timestamps.dtype, block.item_indices.dtype, ids.type))
        items = [grown.item_ids[index] for index in block.item_indices]
        events = list(zip(items, block.timestamps.tolist(), strict=True))
        ranges = zip(block.offsets[:-1], block.offsets[1:], strict=True)
        rows += zip(ids.to_pylist(), (events[begin:end] for begin, end in ranges), strict=True)
    assert len(kinds) == 1
    return rows


@given(cases(), BLOCKS, st.sampled_from([1, 3, 2**18]))
def test_a_log_is_added_as_the_rules_say(tmp_path_factory, case: Case, block: int, batch: int):
    early = learn(case)
    assume(early.sessions)
    known = list(dict.fromkeys(item for _, events in early.sessions for item, _ in events))
    cut = cut_into_sessions(case.log, case.config)
    expected = grow_plainly(early, set(known), cut, case.config)
    learned = store(tmp_path_factory.mktemp("dataset"), early, known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sbrcli.sessions._BLOCK", block)
        patch.setattr("sbrcli.dataset.session_ids._BATCH", batch)
        grown = grow(learned, cut, case.config)
        assert rows_of(grown) == expected.sessions
    assert grown.item_ids == [*known, *expected.new_items]
    added = Counts(expected.events, expected.begun, len(expected.new_items))
    dropped = {"short_sessions": expected.short, "rare_items": expected.rare}
    assert grown.additions == Additions(added, expected.continued, dropped)
    assert grown.last_time == max(at for _, events in expected.sessions for _, at in events)


def test_of_sessions_with_one_id_the_last_goes_on(tmp_path):
    # As in a dataset of train and valid logs that number their sessions alike.
    early = Plain([(7, [("1", 0), ("2", 1)]), (8, [("2", 0), ("2", 1)]), (7, [("2", 2), ("1", 3)])])
    log = pd.DataFrame({"session_id": [7], "item_id": [2], "timestamp": [9]})
    grown = grow(store(tmp_path, early, ["1", "2"]), log, PrepareConfig(session="column"))
    assert rows_of(grown) == [*early.sessions[:2], (7, [("2", 2), ("1", 3), ("2", 9)])]


def test_users_with_the_same_events_at_the_same_times_go_on_apart(tmp_path):
    same: list[Event] = [("1", 0), ("2", 1)]
    early = Plain([(0, same), (1, [("2", 0), ("2", 1)]), (2, same)])
    rows = [(user, item, at) for user in (3, 4, 5) for item, at in [*same, ("2", 2 + user)]]
    columns = ["user_id", "item_id", "timestamp"]
    config = PrepareConfig(session="gap:60")
    log = cut_into_sessions(pd.DataFrame(rows, columns=columns), config)
    grown = grow(store(tmp_path, early, ["1", "2"]), log, config)
    assert rows_of(grown) == [
        early.sessions[1],
        (0, [*same, ("2", 5)]),
        (2, [*same, ("2", 6)]),
        (3, [*same, ("2", 7)]),  # what its user did before was not learned
    ]


def test_nothing_is_added_by_a_log_without_newer_events(tmp_path):
    early = Plain([("a", [("1", 5), ("2", 6)])])
    learned = store(tmp_path, early, ["1", "2"])
    log = pd.DataFrame({"user_id": [1, 1], "item_id": [1, 2], "timestamp": [5, 6]})
    config = PrepareConfig(session="user")
    for events in (log, log.head(0)):
        grown = grow(learned, cut_into_sessions(events, config), config)
        assert grown.additions.added == Counts()
        assert (rows_of(grown), grown.last_time) == (early.sessions, 6)
