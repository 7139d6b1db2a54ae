"""A bar leaves out what has no room, instead of cutting its end."""

import io

import pytest

from sbrcli.cli.fitting_bar import FittingBar


def line_of(width: int, *, has_rate: bool = True, total: int | None = 123_456) -> str:
    """Return a bar of `sbr tune` after a third of its events, without the times."""
    bar = FittingBar(
        total=total,
        desc="trial 12/30, validating 2/8",
        unit=" events",
        unit_scale=True,
        ncols=width,
        ascii=" #",
        file=io.StringIO(),
        leave=False,
        has_rate=has_rate,
    )
    bar.set_postfix({"best": ".1235", "left": "10 min"}, refresh=False)
    bar.n = 41_152
    bar.start_t -= 10
    try:
        return str(bar)
    finally:
        bar.close()


def test_a_wide_terminal_shows_everything():
    line = line_of(130)
    assert len(line) == 130
    assert line.startswith("trial 12/30, validating 2/8:  33%|###")
    assert "| 41.2k/123k events [00:10<00:20, best=.1235, left=10 min, 4.1" in line
    assert line.endswith(" events/s]")


@pytest.mark.parametrize(
    ("width", "end"),
    [
        (110, "| 41.2k/123k events [00:10<00:20, best=.1235, left=10 min]"),
        (80, "| [00:10<00:20, best=.1235, left=10 min]"),
        (72, "| 41.2k/123k events [00:10<00:20]"),
        (56, "| [00:10<00:20]"),
        (40, "|"),
    ],
)
def test_a_narrower_one_leaves_out_whole_parts(width, end):
    line = line_of(width)
    assert len(line) == width
    assert line.endswith(end)
    head, bar = line.removesuffix(end).split("|")
    assert head == "trial 12/30, validating 2/8:  33%"
    assert len(bar) >= 5


def test_every_width_ends_where_a_part_ends():
    assert all(line_of(width)[-1] in "]|" for width in range(40, 140))


def test_few_units_have_no_rate_and_an_unknown_total_no_bar():
    assert "events/s" not in line_of(130, has_rate=False)
    assert line_of(130, total=None).startswith("trial 12/30, validating 2/8: 41.2k events [00:10")
