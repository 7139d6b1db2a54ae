"""Session ids that several users have."""

import pandas as pd

from sbrcli.log.columns.shared_sessions import SharedSessions, split_shared_sessions


def make_log(users: list, sessions: list) -> pd.DataFrame:
    columns = {"user_id": users, "session_id": sessions}
    table = {
        name: pd.Categorical(ids) if isinstance(ids[0], str) else ids
        for name, ids in columns.items()
    }
    return pd.DataFrame(table)


def test_each_users_part_of_a_shared_session_is_a_session():
    events, shared = split_shared_sessions(make_log([71, 72, 71, 72], [1, 1, 2, 3]))
    assert events["session_id"].tolist() == ["71/1", "72/1", "2", "3"]
    assert events["session_id"].cat.categories.tolist() == ["2", "3", "71/1", "72/1"]
    assert shared == SharedSessions(num_ids=3, num_shared=1, num_sessions=4)
    assert str(shared) == (
        "1 of 3 session ids are shared by several users: each user's part counts as a session, "
        "4 in all"
    )


def test_sessions_of_one_user_each_stay_as_they_are():
    log = make_log([71, 71, 72, 72], [1, 2, 3, 3])
    events, shared = split_shared_sessions(log)
    assert events is log
    assert shared is None


def test_a_login_within_a_session_cuts_nothing():
    for nobody in ("-", "guest", "(not set)"):
        log = make_log([nobody, "a", nobody, "b"], [1, 1, 2, 2])
        assert split_shared_sessions(log)[1] is None
    log = make_log([0, 0, 0, 71, 0, 0, 0, 72], [1, 1, 1, 1, 2, 2, 2, 2])
    assert split_shared_sessions(log)[1] is None


def test_events_of_nobody_in_a_shared_session_are_a_session_of_their_own():
    events, _ = split_shared_sessions(make_log(["-", "a", "b"], [1, 1, 1]))
    assert events["session_id"].tolist() == ["-/1", "a/1", "b/1"]


def test_names_of_pairs_are_unlike_each_other_and_unlike_other_ids():
    users, sessions = ["a", "b", "a/b", "c", "d"], ["b/c", "b/c", "c", "c", "a/b/c"]
    events, _ = split_shared_sessions(make_log(users, sessions))
    assert events["session_id"].tolist() == ["a//b/c", "b//b/c", "a/b//c", "c//c", "a/b/c"]
