"""From a log's file to a dataset's folder, once."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sbrcli.artefacts.dataset import Counts
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.fingerprint import fingerprint
from sbrcli.dataset.spec import default_name
from sbrcli.dataset.storage import load_items, load_split
from sbrcli.dataset.summary import SplitSummary
from sbrcli.errors import ArtefactError, ConfigError, DataError
from sbrcli.workflow import preprocess as prepare
from sbrcli.workflow.preprocess import prepare_dataset
from tests.builders import write_ratings

DAY = 86_400
# Train ends on day 0, valid on day 50, test on day 100; item 9 is rare, user 5 has one event.
LOG = ", ".join(
    [
        "1 7 0, 1 8 10, 1 9 20, 2 8 5, 2 7 6, 2 7 7, 5 7 0",
        f"3 8 {50 * DAY}, 3 7 {50 * DAY + 1}",
        f"4 7 {100 * DAY}, 4 8 {100 * DAY + 1}",
    ]
)
CONFIG = PrepareConfig(min_item_support=2)
IN_DAYS = PrepareConfig(min_item_support=1, valid_days=30, test_days=30)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return write_ratings(tmp_path / "ratings.dat", LOG)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def write_columns(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_dataset_says_what_it_holds_and_what_it_left_out(log: Path, workspace: Workspace):
    prepared = prepare_dataset(log, CONFIG, workspace)
    assert prepared.name == "ratings-user-min-item-support-2"
    assert prepared.dataset == str(workspace.root / "datasets" / prepared.name)
    assert prepared.splits == {
        "train": SplitSummary(5, 2, 2, "1970-01-01T00:00:00+00:00", "1970-01-01T00:00:10+00:00"),
        "valid": SplitSummary(2, 1, 2, "1970-02-20T00:00:00+00:00", "1970-02-20T00:00:01+00:00"),
        "test": SplitSummary(2, 1, 2, "1970-04-11T00:00:00+00:00", "1970-04-11T00:00:01+00:00"),
    }
    assert prepared.dropped == {
        "repeats": Counts(),
        "short_sessions": Counts(events=1, sessions=1, items=0),
        "rare_items": Counts(events=1, sessions=0, items=1),
        "test_unseen_items": Counts(),
        "test_short_sessions": Counts(),
        "valid_unseen_items": Counts(),
        "valid_short_sessions": Counts(),
    }
    assert not prepared.already_there


def test_the_folder_holds_what_was_said(log: Path, workspace: Workspace):
    folder = Path(prepare_dataset(log, CONFIG, workspace).dataset)
    items = load_items(folder)
    assert (items.ids, items.train_count.tolist()) == (["7", "8"], [3, 2])
    train = load_split(folder, "train")
    assert train.item_indices.tolist() == [0, 1, 1, 0, 0]
    assert train.offsets.tolist() == [0, 2, 5]
    assert train.timestamps.tolist() == [0, 10, 5, 6, 7]
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json",
        "items.parquet",
        "train.parquet",
        "valid.parquet",
        "valid_full.parquet",
        "test.parquet",
    }


def test_the_manifest_tells_what_the_dataset_was_made_of(log: Path, workspace: Workspace):
    folder = Path(prepare_dataset(log, CONFIG, workspace).dataset)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["source"] == {
        "name": "ratings.dat",
        "sha256": manifest["source"]["sha256"],
        "rows": LOG.count(",") + 1,
        "titles": None,
        "test_log": None,
        "valid_log": None,
    }
    assert manifest["config"]["session"] == "user"
    assert manifest["config"]["min_item_support"] == 2
    splits = {name: load_split(folder, name) for name in ("train", "valid", "test")}
    assert manifest["fingerprint"] == fingerprint(load_items(folder), splits)


def test_the_same_again_is_found_without_reading_the_rows(
    log: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    first = prepare_dataset(log, CONFIG, workspace)
    monkeypatch.setattr(prepare, "read_log", None)
    again = prepare_dataset(log, CONFIG, workspace)
    assert again.already_there
    assert (again.splits, again.dropped) == (first.splits, first.dropped)
    typed_out = PrepareConfig(min_item_support=2, session="user")
    (log.parent / "moved").mkdir()
    moved = log.rename(log.parent / "moved" / log.name)
    assert prepare_dataset(moved, typed_out, workspace).already_there


@pytest.mark.parametrize(
    ("config", "difference"),
    [
        (PrepareConfig(min_item_support=1), "with min-item-support 2, not 1"),
        (PrepareConfig(min_item_support=2, test_days=7.5), "with test-days by default, not 7.5"),
        (
            PrepareConfig(min_item_support=2, session="gap:60", drop_repeats=True),
            "with session user, not gap:60, drop-repeats False, not True",
        ),
    ],
)
def test_other_options_under_the_same_name_are_refused(
    log: Path, workspace: Workspace, config: PrepareConfig, difference: str
):
    first = prepare_dataset(log, CONFIG, workspace, name="mine")
    before = (Path(first.dataset) / "manifest.json").read_bytes()
    with pytest.raises(ArtefactError) as raised:
        prepare_dataset(log, config, workspace, name="mine")
    assert str(raised.value) == f"dataset mine already exists, made {difference}"
    assert raised.value.hint == "--overwrite replaces it, --name keeps both"
    assert (Path(first.dataset) / "manifest.json").read_bytes() == before


def test_all_that_differs_is_named(log: Path, workspace: Workspace):
    prepare_dataset(log, CONFIG, workspace, name="mine")
    other = write_ratings(log.with_name("other.dat"), LOG + ", 1 7 30")
    titles = write_columns(log.with_name("titles.csv"), "itemId,title", "3,Three")
    with pytest.raises(ArtefactError) as raised:
        prepare_dataset(other, PrepareConfig(), workspace, name="mine", titles=titles)
    assert str(raised.value) == (
        "dataset mine already exists, made of another log (ratings.dat); without titles; "
        "with min-item-support 2, not 5"
    )


def test_another_log_under_the_same_name_is_refused_and_overwrites_if_told(
    log: Path, workspace: Workspace
):
    prepare_dataset(log, CONFIG, workspace)
    (log.parent / "other").mkdir()
    other = write_ratings(log.parent / "other" / log.name, LOG + ", 1 7 30")
    with pytest.raises(ArtefactError) as raised:
        prepare_dataset(other, CONFIG, workspace)
    assert raised.value.hint == "--overwrite replaces it, --name keeps both"
    assert str(raised.value) == (
        "dataset ratings-user-min-item-support-2 already exists, made of another log (ratings.dat)"
    )
    prepared = prepare_dataset(other, CONFIG, workspace, overwrite=True)
    assert prepared.splits["train"].events == 5 + 1
    assert len(load_split(Path(prepared.dataset), "train").item_indices) == 5 + 1


@pytest.mark.parametrize("name", ["valid.parquet", "valid_full.parquet"])
def test_a_dataset_that_lacks_a_file_is_not_the_same(log: Path, workspace: Workspace, name: str):
    prepared = prepare_dataset(log, CONFIG, workspace)
    path = Path(prepared.dataset) / name
    path.unlink()
    with pytest.raises(ArtefactError) as raised:
        prepare_dataset(log, CONFIG, workspace)
    assert str(raised.value) == f"{path} is damaged: it is missing"
    assert raised.value.hint == "--overwrite makes the dataset again"
    assert not prepare_dataset(log, CONFIG, workspace, overwrite=True).already_there
    assert path.exists()


def test_a_manifest_that_lacks_what_is_asked_of_it_is_named(log: Path, workspace: Workspace):
    path = Path(prepare_dataset(log, CONFIG, workspace).dataset) / "manifest.json"
    path.write_text('{"kind": "dataset", "format_version": 1}')
    with pytest.raises(ArtefactError) as raised:
        prepare_dataset(log, CONFIG, workspace)
    assert str(raised.value) == f"{path} is damaged: source is missing"
    assert raised.value.hint == "make the folder again; --overwrite replaces it"


@pytest.mark.parametrize("manifest", ["{", "[]", '{"kind": "dataset", "format_version": 1}'])
def test_a_damaged_manifest_is_named_and_can_be_overwritten(
    log: Path, workspace: Workspace, manifest: str
):
    prepared = prepare_dataset(log, CONFIG, workspace)
    path = Path(prepared.dataset) / "manifest.json"
    path.write_text(manifest)
    with pytest.raises(ArtefactError, match=r"manifest\.json is damaged"):
        prepare_dataset(log, CONFIG, workspace)
    assert not prepare_dataset(log, CONFIG, workspace, overwrite=True).already_there


def test_without_valid_days_there_is_no_valid_split(log: Path, workspace: Workspace):
    config = PrepareConfig(min_item_support=2, valid_days=0)
    prepared = prepare_dataset(log, config, workspace)
    assert prepared.name == "ratings-user-min-item-support-2-valid-days-0"
    assert prepared.splits["valid"] is None
    assert not list(Path(prepared.dataset).glob("valid*"))
    manifest = json.loads((Path(prepared.dataset) / "manifest.json").read_text())
    assert manifest["train_full"] is None
    assert prepare_dataset(log, config, workspace).already_there


def write_log_with_new_items(path: Path) -> Path:
    """Write a log whose valid has an item 3 that train lacks, and its test 3 and 4."""
    train = "1 1 0, 1 2 1"
    valid = f"2 2 {50 * DAY}, 2 3 {50 * DAY + 1}, 2 1 {50 * DAY + 2}"
    valid += f", 3 3 {50 * DAY}, 3 1 {50 * DAY + 1}"
    test = f"4 4 {99 * DAY}, 4 3 {99 * DAY + 1}, 4 1 {99 * DAY + 2}"
    return write_ratings(path, f"{train}, {valid}, {test}")


def test_valid_is_kept_whole_beside_what_train_knows_of_it(tmp_path: Path, workspace: Workspace):
    log = write_log_with_new_items(tmp_path / "ratings.dat")
    prepared = prepare_dataset(log, IN_DAYS, workspace)
    folder = Path(prepared.dataset)
    assert load_items(folder).ids == ["1", "2", "3", "4"]
    assert load_split(folder, "valid").item_indices.tolist() == [1, 0]
    whole = load_split(folder, "valid_full")
    assert whole.item_indices.tolist() == [1, 2, 0, 2, 0]
    assert whole.offsets.tolist() == [0, 3, 5]
    assert load_split(folder, "test").item_indices.tolist() == [2, 0]
    manifest = json.loads((folder / "manifest.json").read_text())
    # Items 1 to 3 of 4: the fourth is of test alone.
    assert manifest["train_full"] == {"events": 2 + 5, "sessions": 1 + 2, "items": 3}


def test_what_valid_has_lost_counts_in_the_fingerprint(tmp_path: Path, workspace: Workspace):
    log = write_log_with_new_items(tmp_path / "ratings.dat")
    prepared = prepare_dataset(log, IN_DAYS, workspace)
    folder = Path(prepared.dataset)
    names = ("train", "valid", "test", "valid_full")
    splits = {name: load_split(folder, name) for name in names}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["fingerprint"] == fingerprint(load_items(folder), splits)


def test_titles_are_kept_and_count_as_a_part_of_the_source(log: Path, workspace: Workspace):
    titles = write_columns(log.with_name("titles.csv"), "itemId,title", '8,"Eight, 8"', "3,Three")
    prepare_dataset(log, CONFIG, workspace)
    with pytest.raises(ArtefactError) as raised:
        prepare_dataset(log, CONFIG, workspace, titles=titles)
    assert str(raised.value).endswith("already exists, made without titles")
    prepared = prepare_dataset(log, CONFIG, workspace, titles=titles, overwrite=True)
    assert load_items(Path(prepared.dataset)).titles == [None, "Eight, 8"]
    assert prepare_dataset(log, CONFIG, workspace, titles=titles).already_there
    with pytest.raises(ArtefactError, match="already exists, made with other titles"):
        prepare_dataset(log, CONFIG, workspace)


def test_a_log_that_names_its_sessions_is_cut_by_them(tmp_path: Path, workspace: Workspace):
    rows = [f"{s},{i},{s_time * DAY + i}" for s, s_time in (("b", 0), ("a", 99)) for i in (5, 6)]
    log = write_columns(tmp_path / "log.csv", "SessionId,ItemId,Time", *rows)
    config = PrepareConfig(min_item_support=1, valid_days=0)
    prepared = prepare_dataset(log, config, workspace)
    assert prepared.name == "log-column-min-item-support-1-valid-days-0"
    table = pd.read_parquet(Path(prepared.dataset) / "train.parquet")
    assert table["session_id"].tolist() == ["b", "b"]
    assert table["item_id"].tolist() == ["5", "6"]
    assert prepare_dataset(log, config, workspace).already_there


def test_ids_that_are_no_integers_come_back_as_they_were(tmp_path: Path, workspace: Workspace):
    ids = ["007", "7", "ü", "a-b"]
    rows = [f"u{day},{item},{day * DAY}" for day in (0, 99) for item in ids]
    log = write_columns(tmp_path / "log.csv", "userId,itemId,timestamp", *rows)
    config = PrepareConfig(min_item_support=1, valid_days=0)
    folder = Path(prepare_dataset(log, config, workspace).dataset)
    assert load_items(folder).ids == ids
    assert load_split(folder, "test").item_indices.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"session": "user"}, "user"),
        ({"session": "gap:3600"}, "gap-3600"),
        ({"session": "gap:3600", "across_users": True}, "gap-3600-across-users"),
        ({"session": "user", "min_item_support": 10}, "user-min-item-support-10"),
        ({"session": "user", "valid_days": 0, "test_days": 7.5}, "user-valid-days-0-test-days-7.5"),
        ({"session": "column", "drop_repeats": True}, "column-drop-repeats"),
        ({"session": "user", "max_user_events": 500}, "user-max-user-events-500"),
        ({"session": "user", "split": "last"}, "user-split-last"),
        ({"session": "user", "split": "last", "valid_days": 0}, "user-split-last-valid-days-0"),
    ],
)
def test_a_name_has_every_option_that_is_not_the_default(options, name):
    assert default_name(PrepareConfig(**options)) == name


def test_two_logs_with_names_of_their_own_are_two_datasets(log: Path, workspace: Workspace):
    other = write_ratings(log.with_name("other.dat"), LOG)
    made = [prepare_dataset(path, CONFIG, workspace) for path in (log, other)]
    assert [dataset.name for dataset in made] == [
        "ratings-user-min-item-support-2",
        "other-user-min-item-support-2",
    ]
    assert not made[1].already_there


def test_a_dataset_under_the_name_that_an_earlier_version_gave_it_is_the_same(
    log: Path, workspace: Workspace
):
    prepare_dataset(log, CONFIG, workspace, name="user-min-item-support-2")
    again = prepare_dataset(log, CONFIG, workspace)
    assert (again.name, again.already_there) == ("user-min-item-support-2", True)
    assert workspace.names("dataset") == ["user-min-item-support-2"]
    other = write_ratings(log.with_name("other.dat"), LOG + ", 1 7 30")
    assert prepare_dataset(other, CONFIG, workspace).name == "other-user-min-item-support-2"
    assert prepare_dataset(log, CONFIG, workspace, overwrite=True).name == (
        "ratings-user-min-item-support-2"
    )


def test_a_name_that_would_be_too_long_has_a_hash_of_the_options(tmp_path, workspace):
    log = write_ratings(tmp_path / f"{'x' * 100}.dat", LOG)
    config = PrepareConfig(
        session="gap:86400000", min_item_support=1, valid_days=0, test_days=20.5, drop_repeats=True
    )
    prepared = prepare_dataset(log, config, workspace)
    assert re.fullmatch("x{40}-gap-86400000-[0-9a-f]{6}", prepared.name)
    assert prepare_dataset(log, config, workspace).already_there


@pytest.mark.parametrize(
    ("session", "name"),
    [("gap:3600.0", "gap-3600"), ("gap:0.5", "gap-0.5"), ("gap:1234567", "gap-1234567")],
)
def test_a_gap_is_named_exactly_however_it_was_typed(tmp_path, workspace, session, name):
    text = f"1 7 0, 1 8 0, 2 7 {50 * DAY}, 2 8 {50 * DAY}, 3 7 {99 * DAY}, 3 8 {99 * DAY}"
    log = write_ratings(tmp_path / "ratings.dat", text)
    config = PrepareConfig(session=session, min_item_support=1)
    prepared = prepare_dataset(log, config, workspace)
    assert prepared.name == f"ratings-{name}-min-item-support-1"
    assert prepare_dataset(log, config, workspace).already_there


def test_nothing_is_left_behind_by_a_log_that_leaves_nothing(log: Path, workspace: Workspace):
    with pytest.raises(DataError, match="nothing is left of 11 events"):
        prepare_dataset(log, PrepareConfig(min_item_support=50), workspace)
    assert workspace.names("dataset") == []
    staging = workspace.root / ".staging"
    assert not staging.exists() or not list(staging.iterdir())


def test_a_wrong_name_is_found_before_the_log_is(tmp_path: Path, workspace: Workspace):
    with pytest.raises(ConfigError, match="a dataset's name must be"):
        prepare_dataset(tmp_path / "none.dat", CONFIG, workspace, name="a/b")
    with pytest.raises(DataError, match="no such file"):
        prepare_dataset(tmp_path / "none.dat", CONFIG, workspace)
    assert not workspace.root.exists()


def test_only_one_at_a_time_makes_a_dataset(log: Path, workspace: Workspace):
    with (
        workspace.locked("dataset", "ratings-user-min-item-support-2"),
        pytest.raises(ArtefactError, match="another sbr is writing dataset ratings-user-min"),
    ):
        prepare_dataset(log, CONFIG, workspace)


def test_every_row_is_accounted_for(log: Path, workspace: Workspace):
    prepared = prepare_dataset(log, CONFIG, workspace)
    kept = sum(split.events for split in prepared.splits.values() if split)
    assert kept + sum(counts.events for counts in prepared.dropped.values()) == 11
    assert np.sum([s.sessions for s in prepared.splits.values() if s]) + 1 == 5


def test_a_dataset_of_an_sbr_that_split_by_date_alone_is_the_same(log: Path, workspace: Workspace):
    path = Path(prepare_dataset(log, CONFIG, workspace).dataset) / "manifest.json"
    manifest = json.loads(path.read_text())
    assert manifest["config"].pop("split") == "date"
    path.write_text(json.dumps(manifest))
    assert prepare_dataset(log, CONFIG, workspace).already_there
    config = PrepareConfig(min_item_support=2, split="last")
    with pytest.raises(ArtefactError) as raised:
        prepare_dataset(log, config, workspace, name="ratings-user-min-item-support-2")
    assert str(raised.value) == (
        "dataset ratings-user-min-item-support-2 already exists, made with split date, not last"
    )


def test_left_out_events_are_marked_and_a_refit_is_counted_without_those_of_test(
    tmp_path: Path, workspace: Workspace
):
    text = (
        "1 1 0, 1 2 1, 2 1 0, 2 2 1, 2 2 2, 3 1 0, 3 2 1, 3 3 2, 3 1 3, 4 2 0, 4 1 1, 4 1 2, 4 3 3"
    )
    log = write_ratings(tmp_path / "ratings.dat", text)
    config = PrepareConfig(min_item_support=1, split="last")
    prepared = prepare_dataset(log, config, workspace)
    assert prepared.name == "ratings-user-min-item-support-1-split-last"
    folder = Path(prepared.dataset)
    assert load_split(folder, "train").targets is None
    for name, targets in (
        ("valid", [False, False, True]),
        ("test", [False, False, True] + [False, False, False, True] * 2),
        ("valid_full", [False] * 2 * 2 + [False, False, True] * 2),
    ):
        found = load_split(folder, name).targets
        assert found is not None and found.tolist() == targets
    # Of 13 events, users 2, 3 and 4 gave one to test; item 3 is of valid, not of train.
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["train_full"] == {"events": 13 - 3, "sessions": 4, "items": 3}
    assert prepared.splits["valid"] is not None
    assert prepared.splits["valid"].events == 3
    assert prepared.dropped["valid_unseen_items"] == Counts(events=1, sessions=1, items=1)
    names = ("train", "valid", "test", "valid_full")
    splits = {name: load_split(folder, name) for name in names}
    assert manifest["fingerprint"] == fingerprint(load_items(folder), splits)
    assert prepare_dataset(log, config, workspace).already_there


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"valid_days": 7},
            "valid-days requires --split date or time, not --split last. Received: 7",
        ),
        (
            {"test_days": 1.5},
            "test-days requires --split date or time, not --split last. Received: 1.5",
        ),
        (
            {"valid_days": 0, "test_days": 1},
            "test-days requires --split date or time, not --split last. Received: 1",
        ),
    ],
)
def test_days_do_not_go_with_last_events(tmp_path: Path, workspace: Workspace, options, message):
    config = PrepareConfig(split="last", **options)
    with pytest.raises(ConfigError) as raised:
        prepare_dataset(tmp_path / "none.dat", config, workspace)
    assert str(raised.value) == message
