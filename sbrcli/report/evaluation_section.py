"""The accuracy section: the run's metrics, the leaderboard and the protocol."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sbrcli.evaluation.leaderboard import LeaderboardRow
from sbrcli.evaluation.metrics import METRICS
from sbrcli.evaluation.rank_metrics.rows import metric_cells, metric_columns
from sbrcli.report.axes import name_bars
from sbrcli.report.html import (
    Number,
    Section,
    percent,
    visible,
    write_figure,
    write_missing,
    write_plots,
    write_rows,
    write_table,
    write_text,
)
from sbrcli.report.plots import WIDE, WIDTH, draw_plot
from sbrcli.report.stored_evaluation import StoredEvaluation, cuts_of
from sbrcli.report.svg import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MEGABYTE = 1e6
_WORDS = {
    "events": "next items scored",
    "unknown_events": "unknown next items, left out",
    "unreachable_events": "known, but behind unknown items alone, left out",
    "exclude_seen": "session's earlier items",
    "seen_targets": "next items seen before",
    "train_last_time": "last training event",
    "first_target_time": "first next item",
    "targets_after_train": "next items later than the last training event",
}


def describe_evaluation(stored: StoredEvaluation | None, command: str) -> Section:
    """Describe the accuracy of a run on test.

    Args:
        stored: its stored evaluation; None if it was not evaluated.
        command: the command that evaluates it and compares it with all baselines.
    """
    if stored is None:
        content = write_missing("The run has not been evaluated on test.", command)
        return Section("accuracy", "Accuracy", content)
    content = f'<p class="verdict">{write_text(stored.verdict)}.</p>\n' if stored.verdict else ""
    figures = [_figures("On the next items of the test split", stored.metrics)]
    if stored.protocol.get("unknown_events") or stored.protocol.get("unreachable_events"):
        caption = "The same, with next items that were left out as misses"
        figures.append(_figures(caption, stored.metrics_unknown_as_miss))
    content += write_plots(figures)
    if stored.leaderboard:
        metric = f"mrr@{max(cuts_of(stored.leaderboard[0].metrics))}"
        content += draw_leaderboard(stored.leaderboard, metric, stored.model)
        content += _describe_leaderboard(stored.leaderboard, stored.model)
    else:
        content += write_missing("The run has been compared with no other model.", command)
    return Section("accuracy", "Accuracy", content)


def describe_protocol(stored: StoredEvaluation) -> Section:
    """Describe the evaluation protocol."""
    rows = [(_WORDS.get(name, name.replace("_", " ")), value) for name, value in _told(stored)]
    return Section("protocol", "Protocol", write_rows(rows))


def draw_leaderboard(standings: Sequence[LeaderboardRow], metric: str, own: str) -> str:
    """Draw the metric of each model with its interval, the best on top and the run in colour.

    There are two plots; the page shows the one that fits the screen.
    """
    told = "; ".join(
        f"{row.model} {row.metrics[metric]:.4f} ({low:.4f} to {high:.4f})"
        for row in standings
        for low, high in [row.interval[metric]]
    )
    alt = f"Each model's {metric} with its 95 % interval. {told}."
    plots = [
        draw_plot(
            f"leaderboard-{size}",
            alt,
            lambda axes: _paint_leaderboard(axes, standings, metric, own),
            height=54 + 30 * len(standings),
            width=width,
        )
        for size, width in (("narrow", WIDTH), ("wide", WIDE))
    ]
    shown = "".join(
        f'<div class="{size}-plot">{plot}</div>\n'
        for size, plot in zip(("narrow", "wide"), plots, strict=True)
        if plot
    )
    return write_figure(shown, f"{metric} of each model and its 95 % interval")


def _paint_leaderboard(
    axes: "Axes", standings: Sequence[LeaderboardRow], metric: str, own: str
) -> None:
    """Draw each interval as a line with end marks, the metric as a dot on it, and its value above.

    The axis begins near the lowest interval instead of 0, so that short intervals are visible.
    """
    rows = list(reversed(standings))
    for place, row in enumerate(rows):
        value, (low, high) = row.metrics[metric], row.interval[metric]
        colour = COLOURS["one" if row.model == own else "soft"]
        axes.plot([low, high], [place, place], color=colour, marker="|", markersize=9)
        axes.plot([value], [place], color=colour, marker="o", markersize=5)
        axes.annotate(
            f"{value:.4f}",
            (value, place),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=colour,
        )
    axes.set_yticks(range(len(rows)), [visible(row.model) for row in rows])
    axes.tick_params(axis="y", length=0, labelcolor=COLOURS["ink"])
    axes.set_ylim(-0.5, len(rows) - 0.25)
    axes.margins(x=0.08)
    name_bars(axes, metric)


def _describe_leaderboard(standings: Sequence[LeaderboardRow], model: str) -> str:
    """Return the leaderboard: metrics, statistics of the top lists, and cost."""
    k = max(cuts_of(standings[0].metrics))
    columns = ("model", *metric_columns(k), "to best", "p")
    columns += ("coverage", "popularity", "gini", "events/s", "MB", "options")
    rows = [
        (
            row.model,
            *metric_cells(row.metrics, row.interval, k),
            _to_best(row),
            row.to_best.p_value if row.to_best else None,
            percent(row.coverage),
            row.mean_popularity,
            row.gini,
            round(row.events_per_second),
            Number(row.memory_bytes, f"{row.memory_bytes / _MEGABYTE:.1f}"),
            row.options,
        )
        for row in standings
    ]
    caption = (
        f"Leaderboard, by mrr@{k}; low and high are its 95 % interval, by the bootstrap over "
        f"sessions. Coverage, popularity and gini describe the models' top {k}"
    )
    own = next((at for at, row in enumerate(standings) if row.model == model), None)
    return write_table(caption, columns, rows, best=0, own=own)


def _share_of_ties(share: float) -> str:
    if share == 0:
        return "none"
    return "under 0.001 %" if share < 1e-5 else percent(share, 3).text


def _to_best(row: LeaderboardRow) -> Number | None:
    """Return a model's difference to the best one, as a share of the best figure."""
    if row.to_best is None or row.to_best.share is None:
        return None
    return percent(row.to_best.share)


def _figures(caption: str, metrics: dict[str, float]) -> str:
    rows = [(k, *(metrics.get(f"{name}@{k}") for name in METRICS)) for k in cuts_of(metrics)]
    return write_table(caption, ("k", *METRICS), rows)


def _told(stored: StoredEvaluation) -> list[tuple[str, Any]]:
    """Return a protocol's rows."""
    shown = {**stored.protocol}
    if isinstance(shown.get("exclude_seen"), bool):
        shown["exclude_seen"] = "left out" if shown["exclude_seen"] else "are candidates"
    if isinstance(shown.get("tie_share"), float):
        shown["tie_share"] = _share_of_ties(shown["tie_share"])
    if isinstance(shown.get("targets_after_train"), float):
        shown["targets_after_train"] = percent(shown["targets_after_train"])
    return [(name, value) for name, value in shown.items() if value is not None]
