"""Logs of which one knows how well they can be predicted, and datasets made of them."""

from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp

import numpy as np

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.prepare import PrepareConfig
from sbrcli.workflow.preprocess import prepare_dataset

NUM_ITEMS = 40
FOLLOWS = 0.8
"""How often an item of the chain is followed by the next one; else by any of the others."""

DAY = 86_400


def write_chain_log(path: Path, *, users: int, is_chain: bool = True, first_day: int = 0) -> Path:
    """Write a log of which `FOLLOWS` can be known of what comes next, or nothing at all.

    It begins so many days after 1970 did; times of that year itself are odd ones.
    """
    rng = np.random.default_rng(5)
    lines = []
    for user in range(users):
        item, begin = int(rng.integers(NUM_ITEMS)), user * 100 * DAY // users
        begin += first_day * DAY
        for event in range(4 + user % 9):
            lines.append(f"{user + 1}::{item + 1}::5::{begin + 60 * event}\n")
            is_next = is_chain and rng.random() < FOLLOWS
            step = 1 if is_next else int(rng.integers(2 if is_chain else 0, NUM_ITEMS))
            item = (item + step) % NUM_ITEMS
    path.write_text("".join(lines))
    return path


def make_workspace(
    folder: Path, *, users: int = 60, is_chain: bool = True, valid_days: float = 20
) -> Workspace:
    """Give a work directory with such a log's dataset, `user`, in it."""
    copytree(_prepared(users, is_chain, valid_days), folder, dirs_exist_ok=True)
    return Workspace(folder)


@cache
def _prepared(users: int, is_chain: bool, valid_days: float) -> Path:
    root = Path(mkdtemp(prefix="sbr-test-"))
    log = write_chain_log(root / "log.dat", users=users, is_chain=is_chain)
    config = PrepareConfig(session="user", valid_days=valid_days, test_days=10, min_item_support=1)
    prepare_dataset(log, config, Workspace(root / "work"), name="user")
    return root / "work"


def make_workspace_with_new_item(folder: Path, *, valid_days: float = 20) -> Workspace:
    """Give such a work directory whose valid and test sessions have an item that train lacks.

    It is item 777: user 998 in valid has it, and user 999 in test.
    """
    folder.mkdir(exist_ok=True)
    log = write_chain_log(folder / "log.dat", users=60)
    with log.open("a") as file:
        for user, day in ((998, 85), (999, 97)):
            for event, item in enumerate((1, 777, 2, 777, 3)):
                file.write(f"{user}::{item}::5::{day * DAY + 60 * event + 7}\n")
    config = PrepareConfig(session="user", valid_days=valid_days, test_days=10, min_item_support=1)
    prepare_dataset(log, config, Workspace(folder / "sbr-work"), name="user")
    return Workspace(folder / "sbr-work")
