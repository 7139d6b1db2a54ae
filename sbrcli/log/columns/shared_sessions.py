"""Split sessions whose id several users share into one session per user."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from sbrcli.log.columns.ids import id_column
from sbrcli.log.events import SESSION_ID, USER_ID
from sbrcli.log.quality.grouping import dense_codes
from sbrcli.log.quality.id_counts import IdCounts
from sbrcli.log.quality.placeholder_ids import find_placeholder_ids


@dataclass(frozen=True, slots=True)
class SharedSessions:
    """Counts of session ids.

    Args:
        num_ids: number of distinct session ids.
        num_shared: number of ids that several users share.
        num_sessions: number of sessions, with each user's part of a shared one counted.
    """

    num_ids: int
    num_shared: int
    num_sessions: int

    def __str__(self) -> str:
        """Return a description in one sentence."""
        return (
            f"{self.num_shared:,} of {self.num_ids:,} session ids are shared by several users: "
            f"each user's part counts as a session, {self.num_sessions:,} in all"
        )


def split_shared_sessions(events: pd.DataFrame) -> tuple[pd.DataFrame, SharedSessions | None]:
    """Make a session of each (user, session id) pair if several users share the id.

    Such a session's id becomes `USER/SESSION`. A session of one user keeps its id, even if some of
    its events have no user, such as those before a login; ids that stand for nobody are no users.

    Args:
        events: an event table.

    Returns:
        The table and the counts; the same table and None if no session id is shared.
    """
    if events.empty or not {USER_ID, SESSION_ID} <= set(events.columns):
        return events, None
    columns = dict(events.items())
    users, num_users = dense_codes(columns[USER_ID])
    sessions, num_ids = dense_codes(columns[SESSION_ID])
    if num_users < 2:
        return events, None
    is_known = _are_known(columns[USER_ID])
    user_of = np.full(num_ids, -1, dtype=np.int64)
    user_of[sessions[is_known]] = users[is_known]
    differs = is_known & (users != user_of[sessions])
    if not differs.any():
        return events, None
    is_shared = np.zeros(num_ids, dtype=bool)
    is_shared[sessions[differs]] = True
    rows = np.flatnonzero(is_shared[sessions])
    pairs, firsts, of_row = np.unique(
        sessions[rows].astype(np.int64) * num_users + users[rows],
        return_index=True,
        return_inverse=True,
    )
    num_shared = int(is_shared.sum())
    counts = SharedSessions(num_ids, num_shared, num_ids - num_shared + len(pairs))
    kept = np.flatnonzero(~is_shared)
    first_row = np.empty(num_ids, dtype=np.int64)
    first_row[sessions[::-1]] = np.arange(len(events))[::-1]
    texts = events[SESSION_ID].iloc[first_row[kept]].astype(str).tolist()
    texts += _name_pairs(events, rows[firsts], taken=set(texts))
    codes = np.cumsum(~is_shared, dtype=np.int32)[sessions] - 1
    codes[rows] = len(kept) + of_row
    encoded = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(texts))
    return events.assign(**{SESSION_ID: id_column(encoded)}), counts


def _are_known(users: pd.Series) -> np.ndarray:
    """Return which events have an actual user: (events,) bool."""
    nobodies = [s.text for s in find_placeholder_ids(USER_ID, IdCounts.of(users)) if s.is_named]
    if isinstance(users.dtype, pd.CategoricalDtype):
        codes = users.cat.codes.to_numpy()
        return (codes >= 0) & ~np.isin(codes, users.cat.categories.get_indexer(nobodies))
    return ~np.isin(users.to_numpy(), [int(text) for text in nobodies])


def _name_pairs(events: pd.DataFrame, rows: np.ndarray, taken: set[str]) -> list[str]:
    """Return the name of each row's (user, session) pair, distinct from other pairs and from used
    ids."""
    users = events[USER_ID].iloc[rows].astype(str).tolist()
    sessions = events[SESSION_ID].iloc[rows].astype(str).tolist()
    separator = "/"
    while True:
        names = [
            f"{user}{separator}{session}" for user, session in zip(users, sessions, strict=True)
        ]
        if len(set(names)) == len(names) and not taken & set(names):
            return names
        separator += "/"
