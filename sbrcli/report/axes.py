"""The axes of the plots, and the format of numbers and times on them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sbrcli.report.svg import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

_DURATIONS = (
    (0.001, "1 ms"),
    (1, "1 s"),
    (10, "10 s"),
    (60, "1 min"),
    (600, "10 min"),
    (3_600, "1 h"),
    (36_000, "10 h"),
    (86_400, "1 d"),
    (864_000, "10 d"),
    (31_536_000, "1 y"),
)
_MAX_DURATIONS = 6
_FEW_POWERS = 100
"""An axis that spans fewer powers of ten has ticks between them."""


def name_axes(axes: "Axes", across: str, up: str) -> None:
    """Label the axes of a plot, and draw light horizontal grid lines."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, axis="y", linewidth=0.7)


def name_bars(axes: "Axes", across: str) -> None:
    """Label the axes of horizontal bars or points, and draw light vertical grid lines.

    There are few ticks, so that their labels do not overlap.
    """
    axes.set_xlabel(across)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(visible=True, axis="x", linewidth=0.7)


def use_counts(axis: "Axis") -> None:
    """Format the ticks of an axis of counts as 200, 10k, 1M."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))


def use_powers(axis: "Axis", least: float, most: float) -> None:
    """Put the ticks of a logarithmic axis at 1, 10, 100, and between them if these are few.

    Args:
        axis: a logarithmic axis.
        least: the lowest count drawn, above 0.
        most: the highest.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    between = most / least < _FEW_POWERS
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if between else (1,)))
    axis.set_minor_locator(NullLocator())
    use_counts(axis)


def use_durations(axis: "Axis", shortest: float, longest: float) -> None:
    """Put the ticks of a logarithmic axis of seconds at common durations, such as 1 min."""
    from matplotlib.ticker import NullLocator

    named = durations_between(shortest, longest)
    axis.set_ticks([at for at, _ in named], [word for _, word in named])
    axis.set_minor_locator(NullLocator())


def durations_between(shortest: float, longest: float) -> list[tuple[float, str]]:
    """Return a few common durations with their names; at least two, one of which may lie outside.

    From 2 s to 5 s these are 1 s and 10 s, and from 1 s to 5 s too.
    """
    named = [(at, word) for at, word in _DURATIONS if shortest <= at <= longest]
    if len(named) < 2:
        above = [one for one in _DURATIONS if one[0] > longest][:1]
        named = [*named, *above]
    if len(named) < 2:
        below = [one for one in _DURATIONS if one[0] < shortest][-1:]
        named = [*below, *named]
    return named[:: len(named) // _MAX_DURATIONS + 1]


def use_whole_numbers(axis: "Axis") -> None:
    """Put the ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def fill_steps(axes: "Axes", counts: Sequence[float], edges: Sequence[float]) -> None:
    """Draw a histogram as a single filled shape."""
    axes.stairs(counts, edges, fill=True, color=COLOURS["one"], alpha=0.35, linewidth=0)
    axes.stairs(counts, edges, color=COLOURS["one"], linewidth=1.2)


def short_count(value: float) -> str:
    """Format a count as 200, 2k or 2M; less than 1 is unchanged."""
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
