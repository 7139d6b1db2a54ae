"""Cut the events of whole users, of a log or of a part of it, into sessions."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sbrcli.artefacts.dataset import Counts
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.filters import drop_repeats, find_newest
from sbrcli.dataset.sessionize import assign_sessions, default_rule, id_codes, session_offsets
from sbrcli.dataset.vocabulary import categorise_items
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID

OLDER_EVENTS, REPEATS = "older_events", "repeats"
"""Reasons to drop an event: newer ones fill the user's maximum; the item is that of the one before.
"""


@dataclass(frozen=True, slots=True)
class CutEvents:
    """The events of a part in sessions.

    Args:
        events: a table of session_id, item_id and timestamp in the dataset's order.
        num_sessions: the number of sessions.
        dropped: the number of events that were dropped, by reason.
        span: the times of the first and the last event in the dataset's order, the last before
            repeats were dropped; None without an event.
    """

    events: pd.DataFrame
    num_sessions: int
    dropped: Counter[str]
    span: tuple[float, float] | None


def cut_events(events: pd.DataFrame, config: PrepareConfig, first_session: int = 0) -> CutEvents:
    """Sort events into sessions; drop a user's older events and repeats as configured.

    Args:
        events: an event table in file order, of whole users (with named sessions: whole sessions).
        config: its session rule, how many events a user may have, and whether repeats are dropped.
        first_session: the number of sessions of the parts before this one.

    Raises:
        DataError: the log lacks the columns that the rule needs.
    """
    events = categorise_items(events).filter(items=[USER_ID, SESSION_ID, ITEM_ID, TIMESTAMP])
    rule = SessionRule.parse(config.session) if config.session else default_rule(events)
    cut = assign_sessions(events, rule, config.across_users, config.max_user_events)
    cut = cut.filter(items=[SESSION_ID, ITEM_ID, TIMESTAMP])
    if rule.kind == "gap" and first_session:
        cut = cut.assign(**{SESSION_ID: cut[SESSION_ID] + first_session})
    distinct = drop_repeats(cut) if config.drop_repeats else cut
    dropped = Counter({OLDER_EVENTS: len(events) - len(cut), REPEATS: len(cut) - len(distinct)})
    times = cut[TIMESTAMP].to_numpy()
    span = (times[0].item(), times[-1].item()) if len(times) else None
    return CutEvents(distinct, len(session_offsets(cut)) - 1, dropped, span)


def count_dropped(dropped: Mapping[str, int], config: PrepareConfig) -> dict[str, Counts]:
    """Return the events dropped in cutting, for the manifest: reasons that were asked for."""
    reasons = (REPEATS,) if config.max_user_events is None else (OLDER_EVENTS, REPEATS)
    return {reason: Counts(events=dropped.get(reason, 0)) for reason in reasons}


def cut_into_sessions(events: pd.DataFrame, config: PrepareConfig) -> pd.DataFrame:
    """Sort a log into sessions as `cut_events` does, and return the events."""
    return cut_events(events, config).events


def cut_grown_log(
    events: pd.DataFrame, config: PrepareConfig, last_time: float
) -> tuple[pd.DataFrame, dict[str, Counts]]:
    """Cut a log into sessions for an update, with `max_user_events` before and after a moment.

    Of each user, the newest events up to that moment stay, as they did when the earlier dataset was
    made, and the newest of the later ones.

    Args:
        events: an event table in file order.
        config: how the earlier dataset was made.
        last_time: the time of the last event that has been learned from.

    Returns:
        The events as `cut_into_sessions` returns them, and the later events that were dropped.
    """
    if config.max_user_events is None or USER_ID not in events:
        return cut_into_sessions(events, config), {}
    times = events[TIMESTAMP].to_numpy()
    is_later = times > last_time
    owners = 2 * pd.factorize(id_codes(events, USER_ID))[0].astype(np.int64) + is_later
    newest = find_newest(owners, times, config.max_user_events)
    kept = events.take(np.flatnonzero(newest))
    cut = cut_into_sessions(kept, replace(config, max_user_events=None))
    return cut, {OLDER_EVENTS: Counts(events=int(np.count_nonzero(is_later & ~newest)))}
