"""A dataset made of parts of whole users is that of the whole log, however many parts there are."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sbrcli.artefacts.checksums import (
    CHECKSUM_MISMATCH,
    FILES,
    checksums_below,
    find_checksum_mismatch,
)
from sbrcli.artefacts.manifests import MANIFEST, write_json
from sbrcli.config.engine import EngineConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.build import plan_given_tables, plan_table
from sbrcli.dataset.cutting import cut_events
from sbrcli.dataset.given_split import plan_given_split
from sbrcli.dataset.parts import MemoryPart
from sbrcli.dataset.plan import Plan, plan_dataset
from sbrcli.dataset.sessionize import id_codes
from sbrcli.dataset.storage import Split, load_items, load_split
from sbrcli.dataset.unions import load_sessions_by_id
from sbrcli.dataset.vocabulary import align_items, categorise_items
from sbrcli.dataset.writing import write_dataset
from sbrcli.engines.engine import Engine
from sbrcli.engines.local import HERE, started
from sbrcli.errors import ArtefactError, DataError
from sbrcli.log.reading import read_log
from tests.conftest import SHARED_DATA

DAY = 86_400


def plan_in_parts(
    engine: Engine, events: pd.DataFrame, config: PrepareConfig, num_parts: int
) -> Plan:
    """Plan the dataset of a log in parts of whole users (or sessions), some of them empty."""
    events = categorise_items(events)
    key = "session_id" if config.session == "column" else "user_id"
    codes = id_codes(events, key)
    bounds = np.quantile(codes, np.arange(1, num_parts) / num_parts, method="lower")
    of_row = np.searchsorted(bounds, codes)
    parts, num_sessions, dropped = [], 0, Counter()
    for at in range(num_parts):
        own = events[of_row == at].reset_index(drop=True)
        cut = cut_events(own, config, num_sessions)
        parts.append(MemoryPart(cut.events, at))
        num_sessions += cut.num_sessions
        dropped += cut.dropped
    item_ids = events["item_id"].cat.categories.to_numpy()
    return plan_dataset(engine, parts, item_ids, config, len(events), dropped)


def write(engine: Engine, plan: Plan, folder: Path) -> dict[str, Any]:
    """Write a dataset, and return its manifest but for what names its files and the time."""
    folder.mkdir()
    made_of = {"source": {"name": "log"}, "config": {"no_time": False}}
    write_dataset(engine, folder, plan, plan.vocabulary.to_items(), made_of)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format_version"] == 2
    return {name: manifest[name] for name in manifest if name not in (FILES, "created_at")}


def tables(plan: Plan) -> dict[str, pd.DataFrame]:
    """Lay the final tables of all parts end to end, with item indices."""
    found: dict[str, list[pd.DataFrame]] = {}
    for part in plan.parts:
        for name, table in plan.rule.settle(part, plan.seen).tables.items():
            numbered = table.assign(item_id=plan.vocabulary.encode(table))
            found.setdefault(name, []).append(numbered.astype({"session_id": object}))
    return {
        name: pd.concat(parts, ignore_index=True).sort_index(axis=1)
        for name, parts in found.items()
    }


def require_equal(one: Plan, other: Plan) -> None:
    assert other.vocabulary.ids == one.vocabulary.ids
    assert other.vocabulary.train_count.tolist() == one.vocabulary.train_count.tolist()
    assert (other.dropped, other.note) == (one.dropped, one.note)
    assert other.tie_share == one.tie_share
    theirs = tables(other)
    for name, table in tables(one).items():
        pd.testing.assert_frame_equal(theirs[name], table)


def make_log(seed: int, length: int = 3000, *, with_texts: bool = False) -> pd.DataFrame:
    """Make up a log over 30 days with ties and repeats, in any order."""
    rng = np.random.default_rng(seed)
    users, items = rng.integers(0, 120, length), rng.zipf(1.4, length) % 60
    hours = rng.integers(0, 30 * 24, length) * 3600
    times = np.where(rng.random(length) < 0.3, np.roll(hours, 1), hours)
    names: Any = users
    if with_texts:
        texts = sorted({f"ü{user * 7 % 120}" for user in users})
        names = pd.Categorical([f"ü{user * 7 % 120}" for user in users], categories=texts)
    sessions = users * 40 + hours // (DAY * 3)
    return pd.DataFrame(
        {"user_id": names, "session_id": sessions, "item_id": items, "timestamp": times}
    )


CONFIGS = [
    PrepareConfig(session="user"),
    PrepareConfig(session="user", valid_days=2, test_days=2, drop_repeats=True),
    PrepareConfig(session="gap:30000"),
    PrepareConfig(session="gap:30000", drop_repeats=True, split="last"),
    PrepareConfig(session="gap:30000", split="time"),
    PrepareConfig(session="user", split="time", valid_days=0, test_share=0.2),
    PrepareConfig(session="user", split="last", valid_days=0),
    PrepareConfig(session="column", min_item_support=40),
    PrepareConfig(session="user", valid_days=0, test_days=0),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("with_texts", [False, True])
def test_4_and_37_parts_are_the_whole_log(config, with_texts):
    events = make_log(1, with_texts=with_texts)
    whole = plan_table(events, config)
    for num_parts in (4, 37):
        require_equal(whole, plan_in_parts(HERE, events, config, num_parts))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(CONFIGS), st.integers(2, 9))
def test_any_log_in_any_number_of_parts_is_the_whole_log(seed, config, num_parts):
    events = make_log(seed, length=400)
    try:
        whole = plan_table(events, config)
    except DataError as error:
        with pytest.raises(DataError) as raised:
            plan_in_parts(HERE, events, config, num_parts)
        assert (str(raised.value), raised.value.hint) == (str(error), error.hint)
        assume(False)
        return
    require_equal(whole, plan_in_parts(HERE, events, config, num_parts))


def plan_given_in_parts(
    logs: dict[Split, pd.DataFrame], config: PrepareConfig, nums_parts: list[int]
) -> Plan:
    """Plan the dataset of a given split, each log in a number of parts of its own."""
    aligned = align_items(list(logs.values()))
    parts: dict[Split, list[MemoryPart]] = {}
    number, dropped = 0, Counter()
    for (name, events), num_parts in zip(zip(logs, aligned, strict=True), nums_parts, strict=True):
        codes = id_codes(events, "user_id")
        bounds = np.quantile(codes, np.arange(1, num_parts) / num_parts, method="lower")
        of_row = np.searchsorted(bounds, codes)
        parts[name], num_sessions = [], 0
        for at in range(num_parts):
            cut = cut_events(events[of_row == at].reset_index(drop=True), config, num_sessions)
            parts[name].append(MemoryPart(cut.events, number))
            number, num_sessions = number + 1, num_sessions + cut.num_sessions
            dropped += cut.dropped
    item_ids = aligned[0]["item_id"].cat.categories.to_numpy()
    num_events: dict[Split, int] = {name: len(events) for name, events in logs.items()}
    return plan_given_split(HERE, parts, item_ids, config, num_events, dropped)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([*CONFIGS[0:3:2], PrepareConfig(session="gap:30000", drop_repeats=True)]),
    st.lists(st.integers(1, 9), min_size=3, max_size=3),
    st.booleans(),
    st.sampled_from([400, 40]),
)
def test_a_given_split_in_any_numbers_of_parts_is_that_of_whole_logs(
    seed, config, nums_parts, has_valid, length
):
    valid = make_log(seed + 1, length=150) if has_valid else None
    logs = (make_log(seed, length=length), valid, make_log(seed + 2, length=90, with_texts=True))
    logs[2]["timestamp"] += 0.5
    named: dict[Split, pd.DataFrame] = {
        name: log
        for name, log in zip(("train", "valid", "test"), logs, strict=True)
        if log is not None
    }
    del nums_parts[len(named) :]
    try:
        whole = plan_given_tables(*logs, config)
    except DataError as error:
        with pytest.raises(DataError) as raised:
            plan_given_in_parts(named, config, nums_parts)
        assert (str(raised.value), raised.value.hint) == (str(error), error.hint)
        return
    parts = plan_given_in_parts(named, config, nums_parts)
    assert parts.is_in_parts == (max(nums_parts) > 1)
    require_equal(whole, parts)
    with TemporaryDirectory() as folder:
        written = write(HERE, whole, Path(folder) / "whole")
        assert write(HERE, parts, Path(folder) / "parts") == written


def test_two_processes_write_what_one_does_and_parts_read_like_one_file(tmp_path: Path):
    events, config = make_log(2, with_texts=True), PrepareConfig(session="user", split="last")
    whole = write(HERE, plan_table(events, config), tmp_path / "whole")
    assert write(HERE, plan_in_parts(HERE, events, config, 4), tmp_path / "four") == whole
    with started(EngineConfig(processes=2)) as (engine, _):
        plan = plan_in_parts(engine, events, config, 37)
        assert write(engine, plan, tmp_path / "many") == whole
    names = sorted(path.name for path in (tmp_path / "four" / "train.parquet").iterdir())
    assert names == [f"part-0000{at}.parquet" for at in range(4)]
    for name in ("train", "valid", "test", "valid_full"):
        one = load_split(tmp_path / "whole", name)
        for folder in ("four", "many"):
            other = load_split(tmp_path / folder, name)
            assert other.item_indices.tolist() == one.item_indices.tolist()
            assert other.offsets.tolist() == one.offsets.tolist()
            assert other.timestamps.tolist() == one.timestamps.tolist()
            assert (other.target_mask == one.target_mask).all()
        read = pd.read_parquet(tmp_path / "four" / f"{name}.parquet")
        assert read["session_id"].astype(str).tolist() == (
            pd.read_parquet(tmp_path / "whole" / f"{name}.parquet")["session_id"].tolist()
        )
    assert load_items(tmp_path / "many").ids == load_items(tmp_path / "whole").ids
    assert load_sessions_by_id(tmp_path / "many")[1] == load_sessions_by_id(tmp_path / "whole")[1]


def test_a_part_that_is_missing_or_damaged_is_named(tmp_path: Path):
    events, config = make_log(3), PrepareConfig(session="user")
    folder = tmp_path / "dataset"
    write(HERE, plan_in_parts(HERE, events, config, 4), folder)
    path = folder / "train.parquet"
    (path / "part-00001.parquet").rename(path / "part-00009.parquet")
    with pytest.raises(ArtefactError) as raised:
        load_split(folder, "train")
    assert str(raised.value) == (
        f"{path} is damaged: its part train.parquet/part-00001.parquet is missing"
    )
    (path / "part-00009.parquet").rename(path / "part-00001.parquet")
    copy(path / "part-00000.parquet", path / "part-00004.parquet")
    with pytest.raises(ArtefactError) as raised:
        load_split(folder, "train")
    assert str(raised.value).startswith(f"{path} is damaged: it holds ")


def test_a_part_of_another_dataset_is_named(tmp_path: Path):
    parts = tmp_path / "train.parquet"
    parts.mkdir()
    for at in range(2):
        (parts / f"part-0000{at}.parquet").write_bytes(bytes(9))
    write_json(tmp_path / MANIFEST, {FILES: checksums_below(tmp_path)})
    assert find_checksum_mismatch(parts) is None
    (parts / "part-00002.parquet").write_bytes(bytes(9))
    assert find_checksum_mismatch(parts) == (
        "its part train.parquet/part-00002.parquet is of another dataset"
    )
    (parts / "part-00002.parquet").unlink()
    (parts / "part-00000.parquet").unlink()
    assert find_checksum_mismatch(parts) == "its part train.parquet/part-00000.parquet is missing"
    (parts / "part-00000.parquet").write_bytes(bytes(8))
    assert find_checksum_mismatch(parts) == CHECKSUM_MISMATCH


def test_a_log_that_changes_while_it_is_prepared_is_refused(tmp_path: Path):
    plan = plan_in_parts(HERE, make_log(4), PrepareConfig(session="user"), 2)
    tables = plan.sizes.tables
    fewer = replace(tables["train"], events=tables["train"].events - 1)
    plan = replace(plan, sizes=replace(plan.sizes, tables={**tables, "train": fewer}))
    with pytest.raises(DataError) as raised:
        write(HERE, plan, tmp_path / "dataset")
    assert str(raised.value) == (
        f"{fewer.events + 1:,} events were written to train, and {fewer.events:,} planned: a file "
        "changed meanwhile"
    )
    assert raised.value.hint == "run the command again"


def test_the_real_movielens_in_parts(movielens_events: pd.DataFrame, tmp_path: Path):
    for config in (PrepareConfig(session="user"), PrepareConfig(session="gap:3600")):
        rule = str(config.session).replace(":", "-")
        whole = write(HERE, plan_table(movielens_events, config), tmp_path / rule)
        parts = plan_in_parts(HERE, movielens_events, config, 37)
        assert write(HERE, parts, tmp_path / f"{rule}-parts") == whole


@pytest.fixture(scope="module")
def movielens_events() -> pd.DataFrame:
    log = SHARED_DATA / "ml-1m" / "ratings.dat"
    if not log.exists():
        pytest.skip("needs MovieLens 1M")
    return read_log(log).events
