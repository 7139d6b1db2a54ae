"""The latest session of every user, of a log or of the dataset that a run was trained on."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from sbrcli.artefacts.items import RunItems
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.filters import drop_repeats
from sbrcli.dataset.sessionize import assign_sessions, default_rule, id_codes, session_offsets
from sbrcli.dataset.storage import load_items
from sbrcli.dataset.unions import load_sessions_by_id
from sbrcli.dataset.vocabulary import categorise_items
from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.files.spool import on_disk
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log
from sbrcli.reporter import Reporter
from sbrcli.sessions import Sessions
from sbrcli.workflow.evaluate import dataset_of
from sbrcli.workflow.evaluate_log import (
    NewLog,
    complete_reading,
    find_origin,
    prepare_config_of,
)

IntArray = npt.NDArray[np.integer]
Owner = Literal["user", "session"]


@dataclass(frozen=True, slots=True)
class OwnedSessions:
    """Sessions, each with the id of its user; of a log that names its sessions, with its own id.

    Args:
        owner: what the ids are of.
        ids: (sessions,) as in the log.
        sessions: the items' indices in the run; -1 is an item that the run does not know.
    """

    owner: Owner
    ids: list[str]
    sessions: Sessions

    def of(self, owner_id: str) -> "OwnedSessions":
        """Keep the session of one user.

        Raises:
            DataError: there is no such user.
        """
        chosen = np.array([one == owner_id for one in self.ids], np.bool_)
        if not chosen.any():
            raise DataError(
                f"there is no {self.owner} {owner_id} among {len(self.ids):,}",
                hint=f"write the id of the {self.owner} as in the log, such as {self.ids[0]}",
            )
        return OwnedSessions(self.owner, [owner_id], self.sessions.only(chosen))


def sessions_of_dataset(run: Run, workspace: Workspace, items: RunItems) -> OwnedSessions:
    """Read the sessions of a run's dataset, all splits together: one of each user.

    Raises:
        ArtefactError: the dataset is missing or damaged, or is no longer that of the run.
        DataError: its sessions end at pauses, so that it does not keep their users.
    """
    dataset = dataset_of(run, workspace)
    rule = SessionRule.parse(str(dataset.config.get("session", "user")))
    if rule.kind == "gap":
        raise DataError(
            f"dataset {dataset.name} does not keep the users of its sessions, which end at pauses",
            hint="name the log, from which the latest session of each user is taken: "
            "sbr recommend --all LOG --out recs.parquet",
        )
    found, ids = load_sessions_by_id(dataset.path)
    own = load_items(dataset.path).ids
    index_of = np.array([items.index_of.get(item_id, -1) for item_id in own], np.int32)
    sessions = Sessions(index_of[found.item_indices], found.offsets, found.timestamps)
    return OwnedSessions("session" if rule.kind == "column" else "user", ids, sessions)


def sessions_of_log(
    run: Run, workspace: Workspace, items: RunItems, log: NewLog, reporter: Reporter
) -> OwnedSessions:
    """Read a log, cut it into sessions as that of the run's dataset, and keep each user's last.

    Of a log that names its sessions, each is kept.

    Raises:
        ArtefactError: nothing says how the run's dataset was made.
        DataError: the log cannot be read, or lacks what its sessions are made of.
    """
    made_with, _ = find_origin(run, workspace)
    with on_disk(log.path) as path:
        read = read_log(path, complete_reading(log.reading, made_with))
    reporter.note(describe_reading(read))
    config = prepare_config_of(run.name, made_with)
    events = categorise_items(read.events.filter(items=[USER_ID, SESSION_ID, ITEM_ID, TIMESTAMP]))
    rule = SessionRule.parse(config.session) if config.session else default_rule(events)
    events = assign_sessions(events, rule, config.across_users, config.max_user_events)
    events = drop_repeats(events) if config.drop_repeats else events
    offsets, owner = session_offsets(events), SESSION_ID if rule.kind == "column" else USER_ID
    firsts = offsets[:-1]
    sessions = Sessions(_indices(events, items), offsets, events[TIMESTAMP].to_numpy())
    ids = [str(one) for one in events[owner].iloc[firsts]]
    if rule.kind == "gap":
        users = id_codes(events, USER_ID)[firsts]
        is_last = np.append(users[1:] != users[:-1], True)
        sessions = sessions.only(is_last)
        ids = [one for one, last in zip(ids, is_last.tolist(), strict=True) if last]
    return OwnedSessions("session" if rule.kind == "column" else "user", ids, sessions)


def _indices(events: pd.DataFrame, items: RunItems) -> IntArray:
    """Return the index of each event's item in the run, -1 where it has none: (events,) int32."""
    codes, ids = pd.factorize(events[ITEM_ID])
    known = np.array([items.index_of.get(str(item_id), -1) for item_id in ids], np.int32)
    return known[codes]
