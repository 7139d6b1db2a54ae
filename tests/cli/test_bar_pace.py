"""A bar moves between two reports, at the pace of the last one, and never beyond the next."""

from types import SimpleNamespace

import pytest

from sbrcli.cli import bar_pace
from sbrcli.cli.bar_pace import Pace


class Bar:
    """What tqdm's bar is to `Pace`."""

    def __init__(self) -> None:
        self.n = 0
        self.total = 1000

    def update(self, step: int) -> None:
        self.n += step

    def set_postfix(self, figures: object, refresh: bool) -> None:
        pass

    def refresh(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(bar_pace, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def shown_at(clock: SimpleNamespace, pace: Pace, bar: Bar, seconds: float) -> int:
    clock.seconds = seconds
    pace.draw()
    return bar.n


def test_a_bar_moves_at_the_pace_of_the_last_report_and_stops_short_of_the_next(clock):
    bar = Bar()
    pace = Pace(bar, is_steady=True)
    assert shown_at(clock, pace, bar, 5) == 0
    clock.seconds = 10.0
    pace.advance(400)
    assert bar.n == 400
    assert shown_at(clock, pace, bar, 12.5) == 400 + 400 * 2.5 / 10
    assert shown_at(clock, pace, bar, 100) == 400 + 0.95 * 400
    pace.advance(400)
    assert bar.n == 800
    assert shown_at(clock, pace, bar, 10_000) == 1000


def test_a_bar_waits_for_a_report_smaller_than_the_last_one_and_never_moves_back(clock):
    bar = Bar()
    pace = Pace(bar, is_steady=True)
    clock.seconds = 10.0
    pace.advance(400)
    assert shown_at(clock, pace, bar, 19) == 400 + 400 * 9 / 10
    clock.seconds = 20.0
    pace.advance(100)
    assert bar.n == 760
    assert shown_at(clock, pace, bar, 21) == 760
    clock.seconds = 22.0
    pace.advance(300)
    assert bar.n == 800


def test_what_is_reported_at_once_such_as_the_place_of_a_resumed_epoch_is_no_pace(clock):
    bar = Bar()
    pace = Pace(bar, is_steady=True)
    pace.advance(400)
    assert shown_at(clock, pace, bar, 3) == 400


def test_a_bar_of_few_large_units_shows_only_what_is_done(clock):
    bar = Bar()
    pace = Pace(bar, is_steady=False)
    clock.seconds = 10.0
    pace.advance(400)
    assert shown_at(clock, pace, bar, 15) == 400
