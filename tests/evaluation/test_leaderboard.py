"""Models side by side: order, intervals, differences, and the sentence that sums them up."""

import numpy as np
import pytest

from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.evaluation.leaderboard import Contender, Leaderboard, rank_models
from sbrcli.evaluation.scoring import rank_split
from sbrcli.evaluation.verdict import give_verdict
from sbrcli.sessions import Sessions
from tests.builders import make_sessions
from tests.evaluation.test_ranks import LastItemScorer

CONFIG = EvaluateConfig(ks=(1, 2))
FIRST = [[0.0, 3.0, 2.0, 1.0]] * 4
"""Foretells 1, then 2, then 3."""
SECOND = [[0.0, 2.0, 3.0, 1.0]] * 4
"""Foretells 2, then 1, then 3."""
NOTHING = [[1.0, 1.0, 1.0, 1.0]] * 4


def board(sessions: Sessions, **tables: list[list[float]]) -> Leaderboard:
    contenders = [
        Contender(
            rank_split(name, LastItemScorer(table), sessions, CONFIG, with_lists=True),
            memory_bytes=64,
        )
        for name, table in tables.items()
    ]
    return rank_models(contenders, sessions, np.array([1, 2, 4, 8]), CONFIG.ks)


def sessions_of(target_mask: list[int]) -> Sessions:
    return make_sessions(*([0, item] for item in target_mask))


def test_the_best_stands_first_and_the_others_say_how_far_they_are_from_it():
    found = board(sessions_of([1] * 30 + [2] * 10), second=SECOND, first=FIRST)
    assert [row.model for row in found.rows] == ["first", "second"]
    best, other = found.rows
    assert best.metrics["mrr@2"] == pytest.approx((30 + 10 / 2) / 40)
    assert other.metrics["mrr@2"] == pytest.approx((30 / 2 + 10) / 40)
    assert best.to_best is None
    assert other.to_best is not None
    assert other.to_best.share == pytest.approx((25 - 35) / 35)
    assert other.to_best.absolute == pytest.approx((25 - 35) / 40)
    assert (other.to_best.model, other.to_best.metric) == ("first", "mrr@2")
    assert other.to_best.p_value < 0.01


def test_what_is_less_is_never_less_by_more_than_all_of_it():
    found = board(
        sessions_of([1] * 4 + [3] * 26 + [2] * 30), first=FIRST, none=NOTHING, other=SECOND
    )
    for row in found.rows[1:]:
        assert row.to_best is not None
        assert row.to_best.interval[0] >= -1


def test_each_metric_has_an_interval_around_its_figure():
    found = board(sessions_of([1] * 30 + [2] * 10), first=FIRST, second=SECOND)
    for row in found.rows:
        assert list(row.interval) == list(row.metrics)
        assert all(row.interval[m][0] <= row.metrics[m] <= row.interval[m][1] for m in row.metrics)
    recall = found.rows[0].interval["recall@1"]  # 3/4 of 40: deviation sqrt(3/16/40)
    deviation = np.sqrt(3 / 16 / 40)
    assert recall == pytest.approx((0.75 - 1.96 * deviation, 0.75 + 1.96 * deviation), abs=0.03)


def test_of_equal_models_the_one_named_first_stands_above():
    found = board(sessions_of([1, 2, 1]), b=FIRST, a=FIRST)
    assert [row.model for row in found.rows] == ["b", "a"]
    assert found.rows[1].to_best is not None
    assert found.rows[1].to_best.p_value == 1


def test_what_is_recommended_is_summed_up():
    row = board(sessions_of([1, 2]), first=FIRST, other=SECOND).rows[0]
    # Of 4 items 1 and 2 are in the top 2; their counts are 2 and 4 of 8.
    assert row.coverage == 2 / 4
    assert row.mean_popularity == pytest.approx((2 / 8 + 4 / 8) / 2)
    assert row.gini == pytest.approx((1 * 2 + 3 * 2) / (4 * 4))
    assert row.memory_bytes == 64
    assert row.events_per_second > 0


def test_a_pair_can_differ_significantly_though_the_intervals_overlap():
    # Sessions are easy for both or hard for both; the second is a little worse on each easy one.
    easy, hard = [0] + [1] * 6 + [2] * 4, [0] + [3] * 10
    found = board(make_sessions(*[easy, hard] * 15), first=FIRST, second=SECOND)
    best, other = found.rows
    assert other.interval["mrr@2"][1] > best.interval["mrr@2"][0]
    assert found.difference("first", "second").is_significant


def test_the_verdict_when_the_model_is_better():
    found = board(sessions_of([1] * 300 + [2] * 100), m=FIRST, rival=SECOND, none=NOTHING)
    low, high = found.difference("m", "rival").interval
    assert give_verdict(found, "m") == (
        f"m beats rival, the best of the others, by 40.0 % of mrr@2, 95 % interval "
        f"{100 * low:.1f} to {100 * high:.1f} %: significant at 5 % (sessions resampled; one "
        "training seed)"
    )
    assert 0 < low < 0.4 < high


def test_the_verdict_when_another_is_better():
    found = board(sessions_of([1] * 300 + [2] * 100), m=SECOND, rival=FIRST)
    low, high = found.difference("rival", "m").interval
    assert give_verdict(found, "m") == (
        f"rival beats m by 40.0 % of mrr@2, 95 % interval {100 * low:.1f} to {100 * high:.1f} %: "
        "significant at 5 % (sessions resampled; one training seed)"
    )


def test_the_verdict_when_nobody_can_tell():
    found = board(sessions_of([1, 2] * 20), m=FIRST, rival=SECOND)
    low, high = found.difference("m", "rival").interval
    assert give_verdict(found, "m") == (
        f"no significant difference between m and rival in mrr@2: +0.0 %, 95 % interval "
        f"{100 * low:.1f} to {100 * high:.1f} %"
    )
    assert low < 0 < high


def test_the_verdict_against_a_model_that_finds_nothing_is_not_a_share_of_it():
    found = board(sessions_of([1] * 30), m=FIRST, rival=NOTHING)
    assert give_verdict(found, "m") == (
        "m beats rival, the best of the others, by 1.0000 in mrr@2, 95 % interval "
        "1.0000 to 1.0000: significant at 5 % (sessions resampled; one training seed)"
    )


def test_the_verdict_on_two_that_find_nothing():
    found = board(sessions_of([1] * 30), m=NOTHING, rival=NOTHING)
    assert give_verdict(found, "m") == (
        "no significant difference between m and rival in mrr@2: +0.0000, 95 % interval "
        "0.0000 to 0.0000"
    )


@pytest.mark.parametrize(
    ("wide", "verdict"),
    [
        # (200 - 1 / 2) / (200 - 1) and (200 - 4 / 2) / (200 - 4), less 1
        (
            1,
            "m and rival are level in mrr@2: +0.3 %, 95 % interval 0.3 to 0.3 %, less than another "
            "training seed may change (1 %)",
        ),
        (
            4,
            "m beats rival, the best of the others, by 1.0 % of mrr@2, 95 % interval 1.0 to 1.0 %: "
            "significant at 5 % (sessions resampled; one training seed)",
        ),
    ],
)
def test_a_difference_below_what_a_seed_moves_is_no_victory(wide, verdict):
    # Of 200 next items of each session `wide` are 2, which m ranks second, and the rival third.
    third = [[0.0, 3.0, 1.0, 2.0]] * 4
    session = [0] + [1] * (200 - wide) + [2] * wide
    found = board(make_sessions(*[session] * 30), m=FIRST, rival=third)
    assert found.difference("m", "rival").is_significant
    assert give_verdict(found, "m") == verdict


def test_the_verdict_warns_of_few_sessions():
    found = board(sessions_of([1, 1, 1]), m=FIRST, rival=SECOND)
    low, high = found.difference("m", "rival").interval
    assert give_verdict(found, "m") == (
        "m beats rival, the best of the others, by 100.0 % of mrr@2, 95 % interval "
        f"{100 * low:.1f} to {100 * high:.1f} %; but 3 sessions are too few to rely on that"
    )
    assert found.difference("m", "rival").p_value == 2 / 2**3


def test_one_session_tells_nothing():
    found = board(sessions_of([1]), m=SECOND, rival=FIRST)
    assert give_verdict(found, "m") == (
        "rival beats m by 100.0 % of mrr@2, 95 % interval 100.0 to 100.0 %; "
        "but 1 session is too few to rely on that"
    )
    assert found.difference("m", "rival").p_value == 1


def test_the_verdict_on_a_blend_comes_second_and_no_model_is_compared_with_its_own_blend():
    found = board(sessions_of([1] * 60 + [2] * 20), blend=FIRST, m=SECOND, none=NOTHING)
    first, second = give_verdict(found, "m", "blend").split(". ")
    assert first.startswith("m beats none, the best of the others, by ")
    assert second.startswith("blend beats m, the best of the others, by ")
    assert ". " not in give_verdict(found, "m")
