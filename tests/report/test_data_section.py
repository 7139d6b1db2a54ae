"""What the page tells of the data."""

from pathlib import Path

import numpy as np
import pytest

from sbrcli.artefacts.dataset import Dataset
from sbrcli.report.data_section import (
    describe_data,
    draw_lengths,
    draw_pauses,
    draw_popularity,
    histogram_of_lengths,
    pauses_of,
    popularity_curve,
    write_seconds,
)
from sbrcli.sessions import Sessions
from tests.builders import dataset_manifest, make_sessions

COUNTS = {"events": 7, "sessions": 2, "items": 3}
TIMES = {"first_time": "2000-04-25T23:05:32+00:00", "last_time": "2001-01-01T00:00:00+00:00"}
NONE = dict.fromkeys(COUNTS, 0)


def dataset(**changed: object) -> Dataset:
    entries: dict = {
        "source": {"name": "log.dat", "rows": 1234},
        "splits": {"train": COUNTS | TIMES, "valid": None, "test": COUNTS | TIMES},
        "dropped": {"rare_items": COUNTS, "repeats": NONE},
    }
    return Dataset.from_document(Path("d"), dataset_manifest(**entries | changed))


def describe(**changed: object) -> str:
    sessions = make_sessions([0, 1, 2], [0, 1])
    return describe_data(dataset(**changed), sessions, np.array([3, 2, 0])).content


def test_each_session_is_counted_once():
    counts, edges = histogram_of_lengths(np.array([2, 3, 3, 9]))
    assert edges == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert counts == [1, 2, 0, 0, 0, 0, 0, 1]


def test_sessions_of_one_length_are_one_bar():
    assert histogram_of_lengths(np.array([5, 5])) == ([2], [5, 6])


def test_long_sessions_share_bars():
    lengths = np.arange(1, 100_001)
    counts, edges = histogram_of_lengths(lengths)
    assert sum(counts) == len(lengths)
    assert len(counts) <= 24
    assert (edges[0], edges[-1]) == (1, 100_001)


def test_a_pause_lies_within_a_session():
    times = np.array([10, 11, 15, 1000, 1000])
    sessions = Sessions(np.zeros(5, np.int32), np.array([0, 3, 5]), times)
    assert pauses_of(sessions).tolist() == [1, 4, 0]


def test_pauses_of_nothing_are_not_drawn_but_told():
    plot = draw_pauses(np.array([0.0, 0.0, 0.0, 60.0]))
    assert "The median is 0 s; 75.0 % are 0 and not drawn." in plot
    assert draw_pauses(np.zeros(3)) == ""
    assert draw_pauses(np.zeros(0)) == ""


def test_pauses_of_one_length_can_be_drawn():
    assert "<p>The median is 1 min.</p>" in draw_pauses(np.full(3, 60.0))


def test_the_popularity_of_a_large_catalogue_is_some_200_points():
    ranks, counts = popularity_curve(np.arange(43_000))
    assert (ranks[0], ranks[-1]) == (1, 42_999)
    assert (counts[0], counts[-1]) == (42_999, 1)
    assert 100 < len(ranks) <= 200
    assert counts == sorted(counts, reverse=True)


def test_items_without_events_are_not_on_the_curve():
    assert popularity_curve(np.array([0, 5, 7])) == ([1, 2], [7, 5])


def test_the_plots_say_in_words_what_they_show():
    alt = 'aria-label="Histogram of session lengths on a logarithmic axis. 3 sessions: the median'
    assert alt in draw_lengths(np.array([2, 3, 1000]))
    counts = np.array([91] + [1] * 9)
    assert "10 items; the most popular tenth has 91 % of the events." in draw_popularity(counts)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45.5, "45.5 s"), (90, "1.5 min"), (5400, "1.5 h"), (259_200, "3 days")],
)
def test_durations_are_written_for_a_person(seconds, text):
    assert write_seconds(seconds) == text


def test_the_splits_stand_in_a_table_without_the_one_that_is_not_there():
    content = describe()
    assert "The dataset was made from log.dat, 1,234 rows." in content
    assert "<td>2000-04-25 23:05</td><td>2001-01-01 00:00</td>" in content
    assert "<td>train</td>" in content
    assert "<td>valid</td>" not in content


def test_what_was_dropped_is_reported_and_else_that_nothing_was():
    content = describe()
    assert "<td>rare items</td>" in content
    assert "repeats" not in content
    assert "<p>Nothing was dropped.</p>" in describe(dropped={"repeats": NONE})
