"""Cut the events of whole users, of a log or of a part of it, into sessions."""

from dataclasses import dataclass

import pandas as pd

from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.filters import drop_repeats
from sbrcli.dataset.sessionize import assign_sessions, default_rule, session_offsets
from sbrcli.dataset.vocabulary import categorise_items
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID


@dataclass(frozen=True, slots=True)
class CutEvents:
    """The events of a part in sessions.

    Args:
        events: a table of session_id, item_id and timestamp in the dataset's order.
        num_sessions: the number of sessions.
        num_repeats: the number of repeats that were dropped.
    """

    events: pd.DataFrame
    num_sessions: int
    num_repeats: int


def cut_events(events: pd.DataFrame, config: PrepareConfig, first_session: int = 0) -> CutEvents:
    """Sort events into sessions, and drop repeats if the configuration says so.

    Args:
        events: an event table in file order, of whole users (with named sessions: whole sessions).
        config: its session rule, and whether repeats are dropped.
        first_session: the number of sessions of the parts before this one.

    Raises:
        DataError: the log lacks the columns that the rule needs.
    """
    events = categorise_items(events).filter(items=[USER_ID, SESSION_ID, ITEM_ID, TIMESTAMP])
    rule = SessionRule.parse(config.session) if config.session else default_rule(events)
    cut = assign_sessions(events, rule, config.across_users)
    cut = cut.filter(items=[SESSION_ID, ITEM_ID, TIMESTAMP])
    if rule.kind == "gap" and first_session:
        cut = cut.assign(**{SESSION_ID: cut[SESSION_ID] + first_session})
    distinct = drop_repeats(cut) if config.drop_repeats else cut
    return CutEvents(distinct, len(session_offsets(cut)) - 1, len(cut) - len(distinct))


def cut_into_sessions(events: pd.DataFrame, config: PrepareConfig) -> pd.DataFrame:
    """Sort a log into sessions as `cut_events` does, and return the events."""
    return cut_events(events, config).events
