"""The source notebook's figures, exactly, on the real MovieLens 1M."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.build import BuiltDataset, build_dataset, to_sessions
from sbrcli.dataset.sessionize import assign_sessions, session_offsets
from sbrcli.dataset.summary import PreparedDataset, summarise
from sbrcli.dataset.tally import Tally
from sbrcli.log.reading import read_log
from tests.conftest import SHARED_DATA

USER = PrepareConfig(session="user")
ACROSS = PrepareConfig(session="gap:3600", across_users=True)
GAP = PrepareConfig(session="gap:3600")

# Events, sessions, items, first and last time in Seoul.
FIGURES = {
    USER: {
        "train": (919209, 5858, 3416, "2000-04-26 08:05:32", "2002-12-30 11:26:14"),
        "valid": (29477, 79, 2960, "2000-05-06 02:20:21", "2003-01-29 12:00:40"),
        "test": (50925, 103, 3172, "2000-05-01 20:15:13", "2003-03-01 02:49:50"),
    },
    ACROSS: {
        "train": (988407, 17353, 3405, "2000-04-26 08:05:32", "2002-12-30 11:26:14"),
        "valid": (2289, 137, 1312, "2000-07-23 23:38:24", "2003-01-29 15:58:42"),
        "test": (2250, 95, 1232, "2000-05-21 02:02:15", "2003-03-01 02:49:50"),
    },
}
COUNTS_PER_USER = {
    "train": (989772, 17509, 3405),
    "valid": (1704, 135, 1093),
    "test": (1442, 94, 958),
}


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    path = SHARED_DATA / "ml-1m/ratings.dat"
    if not path.exists():
        pytest.skip("MovieLens 1M is not beside the project")
    return read_log(path).events


@pytest.fixture(scope="module")
def arrangements(events: pd.DataFrame) -> dict[PrepareConfig, BuiltDataset]:
    return {config: build_dataset(events, config) for config in (USER, ACROSS, GAP)}


def figures(built: BuiltDataset) -> dict[str, tuple[object, ...]]:
    summaries = {name: summarise(Tally.of(table)) for name, table in built.splits.tables().items()}
    prepared = PreparedDataset("", "", summaries, {}).in_zone(ZoneInfo("Asia/Seoul"))
    return {
        name: (
            split.events,
            split.sessions,
            split.items,
            split.first_time.replace("T", " ").removesuffix("+09:00"),
            split.last_time.replace("T", " ").removesuffix("+09:00"),
        )
        for name, split in prepared.splits.items()
    }


@pytest.mark.parametrize("config", FIGURES, ids=["user", "across users"])
def test_the_splits_are_the_notebooks(arrangements, config):
    assert figures(arrangements[config]) == FIGURES[config]


def test_gap_sessions_are_cut_per_user(arrangements):
    counted = {name: split[:3] for name, split in figures(arrangements[GAP]).items()}
    assert counted == COUNTS_PER_USER


@pytest.mark.parametrize(
    ("config", "sessions"), [(USER, 6040), (ACROSS, 24231 + 1), (GAP, 24413)], ids=str
)
def test_the_sessions_before_cleansing_are_as_many_as_they_should_be(events, config, sessions):
    rule = SessionRule.parse(config.session)
    assigned = assign_sessions(events, rule, config.across_users)
    assert len(session_offsets(assigned)) - 1 == sessions


@pytest.mark.parametrize(
    ("config", "offsets", "first_batch"),
    [
        (USER, ([0, 53, 182], [918745, 918868, 919209]), ([0, 53, 65, 54], [1, 54, 62, 24])),
        (ACROSS, ([0, 40, 53], [988407]), ([0, 40, 53, 65], [1, 41, 54, 62])),
    ],
    ids=["user", "across users"],
)
def test_offsets_and_first_items_are_the_notebooks(arrangements, config, offsets, first_batch):
    (first, last), (inputs, targets) = offsets, first_batch
    built = arrangements[config]
    train = to_sessions(built.splits.train, built.vocabulary)
    assert train.offsets[: len(first)].tolist() == first
    assert train.offsets[-len(last) :].tolist() == last
    assert train.item_indices[train.offsets[:4]].tolist() == inputs
    assert train.item_indices[train.offsets[:4] + 1].tolist() == targets


@pytest.mark.parametrize("config", [USER, ACROSS, GAP], ids=str)
def test_every_row_is_in_one_split_or_in_one_reason(arrangements, config):
    built = arrangements[config]
    kept = sum(len(table) for table in built.splits.tables().values())
    left_out = sum(built.dropped.values(), Counts())
    assert kept + left_out.events == 1_000_209 == built.num_events


def test_the_vocabulary_is_trains_items_where_the_later_splits_have_no_others(arrangements):
    vocabulary = arrangements[USER].vocabulary
    assert vocabulary.ids[:2] == ["3186", "1270"]
    assert len(vocabulary.ids) == 3416
    assert vocabulary.train_count.sum() == 919_209
