"""The data section: the splits, session lengths, pauses and the popularity of items."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.dataset import Counts, Dataset, SplitSummary
from sbrcli.report.axes import fill_steps, name_axes, use_counts, use_durations, use_powers
from sbrcli.report.html import (
    Section,
    write_figure,
    write_paragraph,
    write_plots,
    write_table,
)
from sbrcli.report.plots import draw_plot
from sbrcli.report.svg import COLOURS
from sbrcli.sessions import Sessions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]

_MAX_BARS = 24
_MAX_LENGTHS = 100
"""Lengths are counted individually if they span at most this many values."""

_CURVE_POINTS = 200
_SHORTEST_PAUSE = 0.001


def describe_data(dataset: Dataset, training: Sessions, train_count: IntArray) -> Section:
    """Describe a dataset.

    Args:
        dataset: the dataset.
        training: the training sessions of the run.
        train_count: (num_items,) the number of training events of each of the run's items.
    """
    columns = ("split", "events", "sessions", "items", "first event", "last event")
    splits = [
        (name, split.events, split.sessions, split.items, *_times(split))
        for name, split in dataset.splits.items()
        if split is not None
    ]
    dropped = [
        (reason.replace("_", " "), counts.events, counts.sessions, counts.items)
        for reason, counts in dataset.dropped.items()
        if counts != Counts()
    ]
    source = dataset.source
    content = write_paragraph(
        f"The dataset was made from {source.name}, {source.rows or 0:,} rows. Session lengths, "
        "pauses and popularity are those of the sessions that the run was trained on."
    )
    content += write_table("The splits; times are UTC", columns, splits)
    if dropped:
        content += write_table(
            "What was dropped", ("dropped", "events", "sessions", "items"), dropped
        )
    else:
        content += write_paragraph("Nothing was dropped.")
    lengths, pauses = np.diff(training.offsets), pauses_of(training)
    plots = [draw_lengths(lengths), draw_pauses(pauses), draw_popularity(train_count)]
    content += write_plots(plots)
    return Section("data", "Data", content)


def draw_lengths(lengths: IntArray) -> str:
    """Draw the histogram of session lengths, (sessions,)."""
    counts, edges = histogram_of_lengths(lengths)
    median, longest = np.median(lengths), lengths.max()

    def paint(axes: "Axes") -> None:
        fill_steps(axes, counts, edges)
        axes.set_xscale("log")
        use_powers(axes.xaxis, edges[0], edges[-1])
        use_counts(axes.yaxis)
        _mark(axes, float(median))
        name_axes(axes, "events in the session", "sessions")

    words = (
        f"{len(lengths):,} sessions: the median has {median:,g} events, the longest {longest:,}."
    )
    alt = f"Histogram of session lengths on a logarithmic axis. {words}"
    return write_figure(draw_plot("lengths", alt, paint), "Session length", words)


def draw_pauses(pauses: FloatArray) -> str:
    """Draw the histogram of pauses within sessions, (pauses,) seconds; empty without pauses."""
    longer = pauses[pauses >= _SHORTEST_PAUSE]
    if not len(longer):
        return ""
    low, high = longer.min(), longer.max()
    edges = np.geomspace(low, max(high, 2 * low), _MAX_BARS + 1)
    edges[-1] = max(high, 2 * low)
    counts, _ = np.histogram(longer, edges)

    def paint(axes: "Axes") -> None:
        fill_steps(axes, counts.tolist(), edges.tolist())
        axes.set_xscale("log")
        use_durations(axes.xaxis, edges[0], edges[-1])
        use_counts(axes.yaxis)
        name_axes(axes, "pause before the next event", "pauses")

    none = 1 - len(longer) / len(pauses)
    words = f"The median is {write_seconds(np.median(pauses).item())}"
    words += f"; {100 * none:.1f} % are 0 and not drawn." if none else "."
    alt = f"Histogram of the pauses within sessions on a logarithmic axis. {words}"
    return write_figure(draw_plot("pauses", alt, paint), "Pauses within sessions", words)


def draw_popularity(train_count: IntArray) -> str:
    """Draw the number of events of each item by its popularity rank, both logarithmic."""
    ranks, counts = popularity_curve(train_count)
    tenth = max(1, len(train_count) // 10)
    share = np.sort(train_count)[::-1][:tenth].sum() / max(1, train_count.sum())

    def paint(axes: "Axes") -> None:
        axes.plot(ranks, counts, color=COLOURS["one"], marker="" if len(ranks) > 1 else "o")
        axes.set_xscale("log")
        axes.set_yscale("log")
        use_powers(axes.xaxis, ranks[0], ranks[-1])
        use_powers(axes.yaxis, counts[-1], counts[0])
        name_axes(axes, "item, by popularity", "events")

    words = (
        f"{len(train_count):,} items; the most popular tenth has {100 * share:.0f} % of the events."
    )
    alt = f"Curve of the items' events by popularity, both axes logarithmic. {words}"
    return write_figure(draw_plot("popularity", alt, paint), "Popularity of items", words)


def histogram_of_lengths(lengths: IntArray) -> tuple[list[int], list[float]]:
    """Count sessions by length: each length individually or, if they differ more, in classes.

    Lengths 2, 3, 3 and 9 give the counts [1, 2, 0, …, 1] between the edges [2, 3, 4, 5, …, 10]. The
    edges of classes are whole numbers at increasing distances.

    Args:
        lengths: (sessions,) at least one.
    """
    low, high = int(lengths.min()), int(lengths.max()) + 1
    if high - low > _MAX_LENGTHS:
        edges = np.unique(np.rint(np.geomspace(low, high, _MAX_BARS + 1)).astype(np.int64))
    else:
        edges = np.arange(low, high + 1)
    counts, _ = np.histogram(lengths, edges)
    return counts.tolist(), edges.astype(float).tolist()


def pauses_of(sessions: Sessions) -> FloatArray:
    """Return the seconds between each two consecutive events of a session, (pauses,)."""
    steps = np.diff(sessions.timestamps.astype(np.float64))
    within = np.ones(len(steps), np.bool_)
    within[sessions.offsets[1:-1] - 1] = False
    return steps[within]


def popularity_curve(train_count: IntArray) -> tuple[list[int], list[int]]:
    """Return about 200 popularity ranks, from 1, and the number of events of the items there.

    Args:
        train_count: (num_items,) events; items without any are left out.
    """
    counts = np.sort(train_count[train_count > 0])[::-1]
    ranks = np.unique(np.rint(np.geomspace(1, max(1, len(counts)), _CURVE_POINTS)).astype(int))
    ranks = ranks[ranks <= len(counts)]
    return ranks.tolist(), counts[ranks - 1].tolist()


def write_seconds(seconds: float) -> str:
    """Format a duration: 0 s, 45 s, 12 min, 3.5 h, 2 days."""
    for size, word in ((172_800, "days"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / (86_400 if word == 'days' else size):.3g} {word}"
    return f"{seconds:.3g} s"


def _times(split: SplitSummary) -> tuple[str, ...]:
    """Return a split's first and last time to the minute."""
    return tuple(str(time)[:16].replace("T", " ") for time in (split.first_time, split.last_time))


def _mark(axes: "Axes", median: float) -> None:
    """Mark the median with a labelled line."""
    axes.set_ylim(top=1.12 * axes.get_ylim()[1])
    axes.axvline(median, color=COLOURS["two"], linewidth=1.4, linestyle=(0, (4, 3)))
    axes.annotate(
        "median",
        (median, 1),
        xycoords=("data", "axes fraction"),
        xytext=(4, -2),
        textcoords="offset points",
        va="top",
        color=COLOURS["two"],
    )
