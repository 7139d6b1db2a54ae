"""Splits joined: of events in several, one is taken."""

from pathlib import Path

import pytest

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.prepare import PrepareConfig
from sbrcli.dataset.storage import load_items
from sbrcli.dataset.unions import load_all_sessions, load_train_full
from sbrcli.sessions import Sessions
from sbrcli.workflow.preprocess import prepare_dataset
from tests.builders import write_ratings

DAY = 86_400
# Items 1 and 2 are in train; 8 is the valid event of users 1 and 4, 9 the test event of user 1.
LOG = {
    1: [1, 2, 8, 9],
    2: [1, 2],
    3: [2, 1, 1],
    4: [2, 1, 1, 8, 1],
    5: [1, 2, 2, 1],
}


def prepare(folder: Path, **options: object) -> Path:
    rows = [f"{u} {item} {at}" for u, items in LOG.items() for at, item in enumerate(items)]
    log = write_ratings(folder / "ratings.dat", ", ".join(rows))
    config = PrepareConfig(**{"min_item_support": 1, "split": "last"} | options)
    return Path(prepare_dataset(log, config, Workspace(folder / "work")).dataset)


def lists_of(folder: Path, sessions: Sessions) -> list[list[int]]:
    ids = [int(item_id) for item_id in load_items(folder).ids]
    bounds = zip(sessions.offsets[:-1], sessions.offsets[1:], strict=True)
    return [[ids[index] for index in sessions.item_indices[begin:end]] for begin, end in bounds]


def test_a_refit_trains_on_every_session_without_its_test_event(tmp_path: Path):
    folder = prepare(tmp_path)
    joined = load_train_full(folder)
    # User 4's 8 is trained on though train lacks it and valid has lost it.
    assert lists_of(folder, joined) == [[1, 2, 8], [1, 2], [2, 1], [2, 1, 1, 8], [1, 2, 2]]
    assert joined.targets is None


def test_a_session_in_several_splits_counts_once_in_its_longest_form(tmp_path: Path):
    folder = prepare(tmp_path)
    # User 1's test is lost, as 9 was never seen, and so is its valid; user 2 is in train alone.
    assert lists_of(folder, load_all_sessions(folder)) == [
        [1, 2],
        [1, 2],
        [2, 1, 1],
        [2, 1, 1, 8, 1],
        [1, 2, 2, 1],
    ]


def test_without_a_valid_split_train_and_test_are_all_there_is(tmp_path: Path):
    folder = prepare(tmp_path, valid_days=0)
    assert lists_of(folder, load_all_sessions(folder)) == [
        [1, 2, 8],
        [1, 2],
        [2, 1, 1],
        [2, 1, 1, 8, 1],
        [1, 2, 2, 1],
    ]


@pytest.mark.parametrize("session", ["user", "gap:86400"])
def test_splits_by_date_are_laid_end_to_end(tmp_path: Path, session: str):
    rows = [f"{u} {item} {at + u * 40 * DAY}" for u in (1, 2, 3) for at, item in enumerate((1, 2))]
    log = write_ratings(tmp_path / "ratings.dat", ", ".join(rows))
    config = PrepareConfig(min_item_support=1, session=session)
    folder = Path(prepare_dataset(log, config, Workspace(tmp_path / "work")).dataset)
    assert lists_of(folder, load_all_sessions(folder)) == [[1, 2]] * 3
    assert lists_of(folder, load_train_full(folder)) == [[1, 2]] * 2
