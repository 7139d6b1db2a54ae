"""What the plots have in common: their axes, and how numbers and times are written on them."""

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
"""An axis that spans less has ticks between the powers of ten."""


def name_axes(axes: "Axes", across: str, up: str) -> None:
    """Write what the axes count; light lines help to read the height."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, axis="y", linewidth=0.7)


def name_bars(axes: "Axes", across: str) -> None:
    """Write what the length of bars, or the place of points, counts; light lines help to read it.

    There are few ticks, so that their numbers do not touch.
    """
    axes.set_xlabel(across)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(visible=True, axis="x", linewidth=0.7)


def use_counts(axis: "Axis") -> None:
    """Write the ticks of an axis of counts shortly, as in 200, 10k, 1M."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: short_count(value)))


def use_powers(axis: "Axis", least: float, most: float) -> None:
    """Put the ticks of a logarithmic axis of counts at 1, 10, 100, and between where few are.

    Args:
        axis: of a plot, which is logarithmic already.
        least: the lowest count drawn, above 0.
        most: the highest.
    """
    from matplotlib.ticker import LogLocator, NullLocator

    between = most / least < _FEW_POWERS
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if between else (1,)))
    axis.set_minor_locator(NullLocator())
    use_counts(axis)


def use_durations(axis: "Axis", shortest: float, longest: float) -> None:
    """Put the ticks of a logarithmic axis of seconds at moments that have names."""
    from matplotlib.ticker import NullLocator

    named = durations_between(shortest, longest)
    axis.set_ticks([at for at, _ in named], [word for _, word in named])
    axis.set_minor_locator(NullLocator())


def durations_between(shortest: float, longest: float) -> list[tuple[float, str]]:
    """Return a few durations that have names, with them; at least two, of which one may lie beyond.

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
    """Put the ticks at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def fill_steps(axes: "Axes", counts: Sequence[float], edges: Sequence[float]) -> None:
    """Draw a histogram as one filled shape."""
    axes.stairs(counts, edges, fill=True, color=COLOURS["one"], alpha=0.35, linewidth=0)
    axes.stairs(counts, edges, color=COLOURS["one"], linewidth=1.2)


def short_count(value: float) -> str:
    """Write a count shortly: 200, 2k, 2M; less than 1 as it is."""
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
