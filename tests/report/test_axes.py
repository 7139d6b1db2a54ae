"""How counts and durations are written on the axes."""

import pytest

from sbrcli.report.axes import durations_between, short_count


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1, "1"), (200, "200"), (1000, "1k"), (2500, "2.5k"), (10**6, "1M"), (3e9, "3G")],
)
def test_counts_are_short(count, text):
    assert short_count(count) == text


def test_a_few_durations_have_names():
    assert [word for _, word in durations_between(1, 90_000)] == ["1 s", "1 min", "1 h", "1 d"]
    assert len(durations_between(0.0001, 1e9)) <= 6


@pytest.mark.parametrize(
    ("shortest", "longest", "words"),
    [
        (2, 5, ["1 s", "10 s"]),
        (1, 5, ["1 s", "10 s"]),
        (60, 60, ["1 min", "10 min"]),
        (4e7, 5e7, ["1 y"]),
        (3e7, 5e7, ["10 d", "1 y"]),
        (0.0001, 0.0002, ["1 ms"]),
    ],
)
def test_where_few_lie_between_the_nearest_are_named(shortest, longest, words):
    assert [word for _, word in durations_between(shortest, longest)] == words
