"""Train, valid and test that are given as three logs."""

import json
from pathlib import Path

import pytest

from sbrcli.artefacts.dataset import Counts
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.dataset.build import build_given_dataset
from sbrcli.dataset.storage import load_items, load_split
from sbrcli.errors import ArtefactError, ConfigError, DataError
from sbrcli.workflow.given_split import GivenSplit
from sbrcli.workflow.preprocess import prepare_dataset
from tests.builders import make_events, write_ratings
from tests.reporters import RecordingReporter

CONFIG = PrepareConfig(session="user", min_item_support=2)
TRAIN = "1 7 0, 1 8 1, 2 8 2, 2 7 3, 2 9 4, 3 7 5"


def test_train_is_cleansed_and_what_it_lacks_leaves_test():
    test = make_events("1 8 10, 1 7 11, 1 6 12, 4 9 13, 4 7 14")
    made = build_given_dataset(make_events(TRAIN), None, test, CONFIG)
    # User 3 has one event, and item 9 one; that leaves test with item 9's and 6's gone, and user
    # 4 with one event.
    assert made.dropped == {
        "repeats": Counts(),
        "short_sessions": Counts(1, 1, 0),
        "rare_items": Counts(1, 0, 1),
        "test_unseen_items": Counts(2, 0, 2),
        "test_short_sessions": Counts(1, 1, 0),
        "valid_unseen_items": Counts(),
        "valid_short_sessions": Counts(),
    }
    assert made.num_events == 11
    assert made.splits.valid is None
    assert made.vocabulary.ids == ["7", "8", "6", "9"]
    assert len(made.splits.train) + len(made.splits.test) == 11 - 5


def test_what_valid_has_may_stay_in_test():
    valid, test = make_events("1 7 6, 1 8 7, 1 5 8"), make_events("1 5 10, 1 7 11")
    made = build_given_dataset(make_events(TRAIN), valid, test, CONFIG)
    assert made.dropped["valid_unseen_items"] == Counts(1, 0, 1)
    assert len(made.splits.test) == 2


def test_repeats_leave_every_split():
    train, test = make_events(TRAIN + ", 1 8 2"), make_events("1 8 10, 1 8 11, 1 7 12")
    config = PrepareConfig(session="user", min_item_support=2, drop_repeats=True)
    assert build_given_dataset(train, None, test, config).dropped["repeats"] == Counts(2, 0, 0)


def test_ids_that_are_numbers_in_one_log_and_text_in_another_are_the_same(tmp_path: Path):
    train = write_ratings(tmp_path / "train", TRAIN)
    test = write_ratings(tmp_path / "test", "x 7 10, x 8 11, x 07 12")
    workspace = Workspace(tmp_path / "work")
    prepared = prepare_dataset(train, CONFIG, workspace, given=GivenSplit(test=test))
    folder = Path(prepared.dataset)
    ids = load_items(folder).ids
    assert prepared.name == "train-user-min-item-support-2-given-split"
    assert [ids[index] for index in load_split(folder, "test").item_indices] == ["7", "8"]
    assert ids == ["7", "8", "07"]


def test_a_session_never_goes_on_in_another_log():
    """Session 1 is in train and in test: it is two sessions."""
    test = make_events("1 8 0, 1 7 1")
    made = build_given_dataset(make_events(TRAIN), None, test, CONFIG)
    assert made.splits.train["session_id"].tolist() == [1, 1, 2, 2]
    assert made.splits.test["session_id"].tolist() == [1, 1]


def test_the_manifest_names_all_logs_and_another_test_is_another_dataset(tmp_path: Path):
    train = write_ratings(tmp_path / "train", TRAIN)
    test = write_ratings(tmp_path / "test", "1 8 10, 1 7 11")
    valid = write_ratings(tmp_path / "valid", "1 7 6, 1 8 7")
    given, workspace = GivenSplit(test=test, valid=valid), Workspace(tmp_path / "work")
    reading = ReadConfig(columns="time=4,user=1,item=2")
    reporter = RecordingReporter()
    prepared = prepare_dataset(
        train, CONFIG, workspace, reading=reading, given=given, name="mine", reporter=reporter
    )
    line = 'read as a table ("::" separated, no header): user=1, item=2, time=4 in seconds'
    assert reporter.notes == [line] * 3
    manifest = json.loads((Path(prepared.dataset) / "manifest.json").read_text())
    assert manifest["source"]["test_log"]["name"] == "test"
    assert manifest["source"]["valid_log"]["name"] == "valid"
    assert manifest["source"]["rows"] == 10
    assert manifest["config"]["columns"] == "item=2,time=4,user=1"
    assert prepare_dataset(
        train, CONFIG, workspace, reading=reading, given=given, name="mine"
    ).already_there
    other = GivenSplit(test=test, valid=test)
    for asked, difference in [
        (GivenSplit(test=valid, valid=valid), "with another test log"),
        (other, "with another valid log"),
        (None, "with another test log; with another valid log"),
    ]:
        with pytest.raises(ArtefactError) as raised:
            prepare_dataset(train, CONFIG, workspace, reading=reading, given=asked, name="mine")
        assert str(raised.value) == f"dataset mine already exists, made {difference}"
    with pytest.raises(ArtefactError) as raised:
        prepare_dataset(train, CONFIG, workspace, given=given, name="mine")
    assert str(raised.value) == (
        "dataset mine already exists, made with columns item=2,time=4,user=1, not by default"
    )


def test_a_test_of_unknown_items_says_what_to_look_at():
    with pytest.raises(DataError) as raised:
        build_given_dataset(make_events(TRAIN), None, make_events("1 70 10, 1 80 11"), CONFIG)
    assert str(raised.value) == (
        "no session is left for test: of its 1, which end from 1970-01-01T00:00:11+00:00 to "
        "1970-01-01T00:00:11+00:00, none has 2 events of items seen before"
    )
    assert raised.value.hint == ("see whether the logs name items alike; lower --min-item-support")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("sessionId", "userId", "the test log names no sessions, as the log does"),
        ("userId", "sessionId", "the test log names no users, as the log does"),
    ],
)
def test_logs_of_one_split_name_the_same(tmp_path: Path, first: str, second: str, message: str):
    train, test = tmp_path / "train", tmp_path / "test"
    train.write_text(f"{first},itemId,time\n1,7,0\n1,8,1\n")
    test.write_text(f"{second},itemId,time\n1,7,0\n1,8,1\n")
    with pytest.raises(DataError) as raised:
        given = GivenSplit(test=test)
        prepare_dataset(train, PrepareConfig(), Workspace(tmp_path / "work"), given=given)
    assert str(raised.value) == message
    assert raised.value.hint == "give all of them the same columns"
    assert not list(tmp_path.glob("work/datasets/*"))


def test_last_events_are_not_left_out_of_what_is_split_already(tmp_path: Path):
    given, config = GivenSplit(test=Path("test")), PrepareConfig(split="last")
    with pytest.raises(ConfigError) as raised:
        prepare_dataset(Path("train"), config, Workspace(tmp_path), given=given)
    assert str(raised.value) == (
        "split says how one log is cut, and cannot be combined with --test-log. Received: last"
    )


def test_days_go_with_a_split_by_date_alone(tmp_path: Path):
    config = PrepareConfig(test_days=1)
    with pytest.raises(ConfigError) as raised:
        given = GivenSplit(test=Path("test"))
        prepare_dataset(Path("train"), config, Workspace(tmp_path), given=given)
    assert str(raised.value) == (
        "test-days requires --split date or time, not --test-log. Received: 1"
    )
