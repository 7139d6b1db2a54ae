"""Read logs with sessions that have users for only some events."""

from dataclasses import replace

import pandas as pd

from sbrcli.log.events import SESSION_ID, USER_ID
from sbrcli.log.log import Log


def without_unnamed_users(log: Log) -> Log:
    """Return a log without users, and with a warning, if some events lack one.

    Args:
        log: with at most one user in each session.
    """
    if not {USER_ID, SESSION_ID} <= set(log.events):
        return log
    users = log.events[USER_ID]
    if not isinstance(users.dtype, pd.CategoricalDtype) or "" not in users.cat.categories:
        return log
    num_unnamed = int((users.cat.codes == users.cat.categories.get_loc("")).sum())
    if not num_unnamed:
        return log
    doubt = (
        f"{num_unnamed:,} of {len(users):,} events have no user: the log was read by its sessions, "
        "without users. --drop-id user= leaves such events out, and keeps the users of the others."
    )
    log_format = replace(log.format, doubts=(*log.format.doubts, doubt))
    return replace(log, events=log.events.drop(columns=USER_ID), format=log_format)
