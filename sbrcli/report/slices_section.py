"""The slices: where the run is good, and where it is not."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from sbrcli.evaluation.metrics import METRICS
from sbrcli.evaluation.slices import Slice
from sbrcli.report.axes import name_axes, name_bars
from sbrcli.report.html import (
    Section,
    visible,
    write_details,
    write_figure,
    write_missing,
    write_paragraph,
    write_plots,
    write_table,
)
from sbrcli.report.kept import cuts_of
from sbrcli.report.plots import draw_plot
from sbrcli.report.svg import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS = 15
"""More, as of months, are a curve."""

_LABELS_OF_CURVE = 4

_BAR_UNITS = 19


def describe_slices(slices: Sequence[Slice], command: str) -> Section:
    """Describe how a run's figures differ between parts of the next items.

    Args:
        slices: one kind after the other; empty where they were not asked for.
        command: what makes them.
    """
    if not slices:
        content = write_missing("The figures have not been cut into slices so far.", command)
        return Section("slices", "Where it is good", content)
    k = max(cuts_of(slices[0].metrics))
    kinds = [(kind, list(parts)) for kind, parts in groupby(slices, key=lambda one: one.slice)]
    content = write_paragraph(
        "The next items are told apart in several ways. Popularity is in tenths of the items, "
        "10 the most popular."
    )
    content += write_plots(
        [
            draw_slices(f"slice-{place}", kind, parts, f"mrr@{k}")
            for place, (kind, parts) in enumerate(kinds)
            if len(parts) > 1
        ]
    )
    columns = ("slice", "value", "events", *(f"{name}@{k}" for name in METRICS))
    rows = [
        (one.slice, one.value, one.events, *(one.metrics.get(f"{name}@{k}") for name in METRICS))
        for one in slices
    ]
    table = write_table("Slices of the next items", columns, rows)
    content += write_details("All figures of the slices as a table", table)
    return Section("slices", "Where it is good", content)


def draw_slices(name: str, kind: str, parts: Sequence[Slice], metric: str) -> str:
    """Draw the figure of each slice of one kind: as bars, or as a curve where there are many."""
    draw = _draw_bars if len(parts) <= _MOST_BARS else _draw_curve
    return write_figure(draw(name, kind, parts, metric), f"{metric} by {kind}.")


def _draw_bars(name: str, kind: str, parts: Sequence[Slice], metric: str) -> str:
    """Draw bars, the first on top."""
    values = [part.metrics[metric] for part in parts]

    def paint(axes: "Axes") -> None:
        places = range(len(parts) - 1, -1, -1)
        axes.barh(places, values, height=0.7, color=COLOURS["one"], linewidth=0)
        axes.set_yticks(places, [visible(part.value) for part in parts])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.6, len(parts) - 0.4)
        if not any(values):
            axes.set_xlim(0, 1)
        name_bars(axes, metric)

    told = ", ".join(
        f"{part.value}: {value:.4f}" for part, value in zip(parts, values, strict=True)
    )
    alt = f"Bars of {metric} by {kind}. {told}."
    return draw_plot(name, alt, paint, height=52 + _BAR_UNITS * len(parts))


def _draw_curve(name: str, kind: str, parts: Sequence[Slice], metric: str) -> str:
    """Draw a curve from the first slice to the last; some have their name below."""
    values = [part.metrics[metric] for part in parts]
    last = len(parts) - 1
    labelled = [place * last // (_LABELS_OF_CURVE - 1) for place in range(_LABELS_OF_CURVE)]

    def paint(axes: "Axes") -> None:
        axes.plot(range(len(parts)), values, color=COLOURS["one"])
        axes.set_xticks(labelled, [visible(parts[place].value) for place in labelled])
        axes.set_ylim(bottom=0)
        name_axes(axes, kind, metric)

    lowest, highest = (choose(parts, key=lambda one: one.metrics[metric]) for choose in (min, max))
    alt = (
        f"Curve of {metric} by {kind}, {len(parts)} of them from {parts[0].value} to "
        f"{parts[-1].value}: lowest {lowest.metrics[metric]:.4f} in {lowest.value}, "
        f"highest {highest.metrics[metric]:.4f} in {highest.value}."
    )
    return draw_plot(name, alt, paint)
