"""The slices section: where the run is accurate, and where it is not."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from sbrcli.evaluation.metrics import METRICS
from sbrcli.evaluation.slices import Slice
from sbrcli.report.axes import name_axes, name_bars, short_count
from sbrcli.report.html import (
    Number,
    Section,
    visible,
    write_details,
    write_figure,
    write_missing,
    write_paragraph,
    write_plots,
    write_table,
)
from sbrcli.report.plots import draw_plot
from sbrcli.report.stored_evaluation import cuts_of
from sbrcli.report.svg import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MAX_BARS = 15
"""More slices, such as months, are drawn as a curve."""

_LABELS_OF_CURVE = 4
_BAR_UNITS = 21
_MARGINS = (88.0, 52.0)
"""The margins of all plots of slices: for names on the left, and for counts on the right."""

_STEADY = 0.05
"""A metric that changes by a smaller share over time counts as constant."""

_OVER_TIME = ("week", "month")


def describe_slices(slices: Sequence[Slice], command: str) -> Section:
    """Describe how a run's metrics differ between slices of the targets.

    Args:
        slices: one kind after the other; empty if they were not computed.
        command: the command that computes them.
    """
    if not slices:
        content = write_missing("There are no slices yet.", command)
        return Section("breakdown", "Breakdown", content)
    k = max(cuts_of(slices[0].metrics))
    metric = f"mrr@{k}"
    kinds = [(kind, list(parts)) for kind, parts in groupby(slices, key=lambda one: one.slice)]
    compared = [(kind, parts) for kind, parts in kinds if len(parts) > 1]
    most = max((_high(part, metric) for _, parts in compared for part in parts), default=0.0)
    plots = [
        draw_slices(f"slice-{place}", kind, parts, metric, most or 1.0)
        for place, (kind, parts) in enumerate(compared)
    ]
    words = (
        f"{metric} of parts of the next items, all on one scale. Popularity is in tenths of the "
        "items; 10 holds the most popular ones."
    )
    if any(plots):
        words += " The number beside a bar is how many next items it stands for."
        if any(part.interval for part in slices):
            words += " A line shows the 95 % interval, which is wide where there are few of them."
    content = write_paragraph(words)
    for kind, parts in compared:
        content += write_paragraph(_trend(kind, parts, metric)) if kind in _OVER_TIME else ""
    content += write_plots(plots)
    content += write_details("All figures as a table", _table(slices, k))
    return Section("breakdown", "Breakdown", content)


def draw_slices(name: str, kind: str, parts: Sequence[Slice], metric: str, most: float) -> str:
    """Draw the metric of each slice of one kind: as bars, or as a curve if there are many.

    Args:
        name: the plot's name.
        kind: the property that defines the slices.
        parts: at least two slices.
        metric: the metric to draw.
        most: the end of the common scale of all kinds.
    """
    draw = _draw_bars if len(parts) <= _MAX_BARS else _draw_curve
    plot = draw(name, kind, parts, metric, most)
    return write_figure(plot, f"By {kind}" if kind != "item" else "New and repeated items")


def _draw_bars(name: str, kind: str, parts: Sequence[Slice], metric: str, most: float) -> str:
    """Draw bars, the first on top, each with its interval and its number of targets."""
    values = [part.metrics[metric] for part in parts]

    def paint(axes: "Axes") -> None:
        places = range(len(parts) - 1, -1, -1)
        axes.barh(places, values, height=0.7, color=COLOURS["one"], alpha=0.45, linewidth=0)
        for place, part in zip(places, parts, strict=True):
            if metric in part.interval:
                axes.plot(part.interval[metric], [place, place], color=COLOURS["ink"], linewidth=1)
            axes.text(
                1.03,
                place,
                _count(part.events),
                transform=axes.get_yaxis_transform(),
                va="center",
                color=COLOURS["soft"],
            )
        axes.set_yticks(places, [visible(part.value) for part in parts])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.6, len(parts) - 0.4)
        axes.set_xlim(0, most)
        name_bars(axes, metric)

    told = ", ".join(
        f"{part.value}: {value:.4f} ({part.events:,} next items)"
        for part, value in zip(parts, values, strict=True)
    )
    alt = f"Bars of {metric} by {kind}. {told}."
    return draw_plot(name, alt, paint, height=52 + _BAR_UNITS * len(parts), margins=_MARGINS)


def _draw_curve(name: str, kind: str, parts: Sequence[Slice], metric: str, most: float) -> str:
    """Draw a curve with intervals over all slices; some of them are labelled."""
    values = [part.metrics[metric] for part in parts]
    last = len(parts) - 1
    labelled = [place * last // (_LABELS_OF_CURVE - 1) for place in range(_LABELS_OF_CURVE)]

    def paint(axes: "Axes") -> None:
        bounds = [part.interval.get(metric, (value, value))
                  for part, value in zip(parts, values, strict=True)]  # fmt: skip
        lows, highs = zip(*bounds, strict=True)
        axes.fill_between(
            range(len(parts)), lows, highs, color=COLOURS["one"], alpha=0.2, linewidth=0
        )
        axes.plot(range(len(parts)), values, color=COLOURS["one"])
        axes.set_xticks(labelled, [visible(parts[place].value) for place in labelled])
        axes.set_ylim(0, most)
        name_axes(axes, kind, metric)

    lowest, highest = (choose(parts, key=lambda one: one.metrics[metric]) for choose in (min, max))
    alt = (
        f"Curve of {metric} by {kind}, {len(parts)} of them from {parts[0].value} to "
        f"{parts[-1].value}: lowest {lowest.metrics[metric]:.4f} in {lowest.value}, "
        f"highest {highest.metrics[metric]:.4f} in {highest.value}."
    )
    return draw_plot(name, alt, paint)


def _trend(kind: str, parts: Sequence[Slice], metric: str) -> str:
    """State how the metric differs between the first and the second half of the weeks or months."""
    middle = (len(parts) + 1) // 2
    before, after = (_mean(half, metric) for half in (parts[:middle], parts[middle:]))
    direction = "falls" if after < before else "rises"
    halves = f"{before:.4f} up to {parts[middle - 1].value} and {after:.4f} from then on"
    if abs(after - before) <= _STEADY * max(before, after):
        return f"By {kind}, {metric} stays about the same: {halves}."
    return f"By {kind}, {metric} {direction}: {halves}."


def _mean(parts: Sequence[Slice], metric: str) -> float:
    """Return the mean of a metric over several slices, weighted by their targets."""
    events = sum(part.events for part in parts)
    return sum(part.events * part.metrics[metric] for part in parts) / events


def _high(part: Slice, metric: str) -> float:
    """Return the end of a slice's bar or interval; the interval of very few targets is ignored."""
    return 1.08 * part.metrics[metric]


def _count(events: int) -> str:
    """Format a count in few characters: 950, 12.3k."""
    return f"{events:,}" if events < 10_000 else short_count(float(f"{events:.3g}"))


def _table(slices: Sequence[Slice], k: int) -> str:
    columns = ["slice", "value", "events", *(f"{name}@{k}" for name in METRICS)]
    with_interval = any(part.interval for part in slices)
    columns += [f"mrr@{k} low", f"mrr@{k} high"] * with_interval
    rows: list[list[object]] = []
    for part in slices:
        row: list[object] = [part.slice, part.value, part.events]
        row += [part.metrics.get(f"{name}@{k}") for name in METRICS]
        if with_interval:
            bounds = part.interval.get(f"mrr@{k}", (None, None))
            row += [None if bound is None else Number(bound, f"{bound:.4f}") for bound in bounds]
        rows.append(row)
    return write_table("Next items by slice", columns, rows)
