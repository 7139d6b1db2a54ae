"""The training section: loss and metrics by epoch, and the options."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sbrcli.report.axes import name_axes, use_whole_numbers
from sbrcli.report.html import (
    Number,
    Section,
    write_figure,
    write_paragraph,
    write_plots,
    write_table,
)
from sbrcli.report.plots import draw_plot
from sbrcli.report.svg import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Epoch = Mapping[str, Any]

_FIGURES = ("recall@20", "ndcg@20", "mrr@20")
_COLUMNS = ("epoch", "loss", *_FIGURES, "seconds", "events_per_second")


def describe_training(
    epochs: Sequence[Epoch], best_epoch: int, refit: Sequence[Epoch], monitor: str
) -> Section:
    """Describe how a run was trained.

    Args:
        epochs: one row per epoch, as in the result of `sbr train`; metrics are None without valid.
        best_epoch: the number of the best epoch.
        refit: the rows of a second training on train and valid; empty without one.
        monitor: the metric that selects the best epoch.

    Raises:
        KeyError, TypeError: a row is incomplete.
    """
    has_valid = all(row["mrr@20"] is not None for row in epochs)
    words = f"{len(epochs)} epochs" if len(epochs) > 1 else "One epoch"
    if has_valid and len(epochs) > 1:
        words += f"; epoch {best_epoch} was the best in {monitor} on the valid split"
    elif not has_valid:
        words += "; without a valid split, the run has the weights of the last epoch"
    if refit:
        words += (
            f". The run was then trained again from scratch on train and valid, for {len(refit)} "
            f"epoch{'s' if len(refit) > 1 else ''}, and has these weights"
        )
    plots = []
    if len(epochs) > 1:  # a single point is not a curve
        plots.append(draw_loss(epochs, refit))
        plots += [draw_figures(epochs, best_epoch)] if has_valid else []
    content = write_paragraph(f"{words}.") + write_plots(plots)
    content += _table("Epochs", epochs, best_epoch)
    if refit:
        content += _table("Epochs of the refit", refit, None)
    return Section("training", "Training", content)


def draw_loss(epochs: Sequence[Epoch], refit: Sequence[Epoch]) -> str:
    """Draw the training loss of each epoch, and of each epoch of a refit."""
    losses = [row["loss"] for row in epochs]

    def paint(axes: "Axes") -> None:
        _curve(axes, epochs, "loss", "one", "first training" if refit else None)
        if refit:
            _curve(axes, refit, "loss", "two", "refit")
            axes.legend(frameon=False, labelcolor="linecolor")
        use_whole_numbers(axes.xaxis)
        name_axes(axes, "epoch", "training loss")

    words = f"From {losses[0]:.3f} in the first epoch to {losses[-1]:.3f} in the last."
    plot = draw_plot("loss", f"Curve of the loss by epoch. {words}", paint)
    return write_figure(plot, "Training loss", words)


def draw_figures(epochs: Sequence[Epoch], best_epoch: int) -> str:
    """Draw recall, ndcg and mrr on the valid split after each epoch."""

    def paint(axes: "Axes") -> None:
        for name, colour in zip(_FIGURES, ("one", "three", "two"), strict=True):
            _curve(axes, epochs, name, colour, None)
            axes.annotate(
                name,
                (epochs[-1]["epoch"], epochs[-1][name]),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=COLOURS[colour],
            )
        axes.axvline(best_epoch, color=COLOURS["soft"], linewidth=1, linestyle=(0, (4, 3)))
        axes.set_ylim(bottom=0)
        use_whole_numbers(axes.xaxis)
        name_axes(axes, "epoch", "on the valid split")

    best = next(row for row in epochs if row["epoch"] == best_epoch)
    figures = ", ".join(f"{name} {best[name]:.4f}" for name in _FIGURES)
    words = f"Epoch {best_epoch}, the best: {figures}."
    plot = draw_plot("figures", f"Curves by epoch on the valid split. {words}", paint)
    return write_figure(plot, "Accuracy on the valid split", words)


def _curve(axes: "Axes", rows: Sequence[Epoch], name: str, colour: str, label: str | None) -> None:
    axes.plot(
        [row["epoch"] for row in rows],
        [row[name] for row in rows],
        color=COLOURS[colour],
        marker="o" if len(rows) <= 30 else "",
        label=label,
    )


def _table(caption: str, rows: Sequence[Epoch], best_epoch: int | None) -> str:
    columns = [name for name in _COLUMNS if any(row.get(name) is not None for row in rows)]
    cells = [
        [*(_value(row, name) for name in columns), "best" if row["epoch"] == best_epoch else None]
        for row in rows
    ]
    names = [name.replace("events_per_second", "events/s") for name in columns]
    if best_epoch is None:
        return write_table(caption, names, [row[:-1] for row in cells])
    return write_table(caption, [*names, "best"], cells)


def _value(row: Epoch, name: str) -> object:
    value = row.get(name)
    if value is None:
        return None
    if name == "events_per_second":
        return round(value)
    return Number(value, f"{value:,.1f}") if name == "seconds" else value
