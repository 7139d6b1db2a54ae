"""The tables of `sbr evaluate`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sbrcli.cli import output
from sbrcli.cli.tables import Remark, Table, Unit, cells_for_person
from sbrcli.evaluation.rank_metrics.registry import METRICS
from sbrcli.evaluation.rank_metrics.rows import metric_cells, metric_columns

if TYPE_CHECKING:
    from sbrcli.evaluation.evaluate import Evaluation, Protocol
    from sbrcli.evaluation.leaderboard import LeaderboardRow
    from sbrcli.evaluation.slices import Slice

_MEGABYTE = 1e6
_UNITS = {
    "tie share": Unit.SHARE,
    "targets after the last training event": Unit.SHARE,
    "events per second": Unit.RATE,
    "events/s": Unit.RATE,
    "MB": Unit.MEAN,
    "coverage": Unit.SHARE,
    "to best": Unit.SHARE,
}


def evaluation_tables(evaluation: "Evaluation", ks: tuple[int, ...]) -> Iterator[Table | Remark]:
    """Yield the metrics by k, then the optional tables, and the protocol last."""
    is_split = evaluation.split != "log"  # of --log, whose protocol names the file
    where = evaluation.split if is_split else evaluation.protocol.dataset
    title = f"Run {evaluation.run} on {where}"
    yield _metrics_table(title, evaluation.metrics, ks)
    if evaluation.protocol.unknown_events or evaluation.protocol.unreachable_events:
        title = "Skipped targets counted as misses"
        yield _metrics_table(title, evaluation.metrics_unknown_as_miss, ks)
    if evaluation.leaderboard is not None:
        yield _leaderboard_table(evaluation.leaderboard, evaluation.model, max(ks))
        yield _difference_table(evaluation.leaderboard, evaluation.model, max(ks))
        yield _recommended_table(evaluation.leaderboard, evaluation.model, max(ks))
    if evaluation.slices is not None:
        yield _slices_table(evaluation.run, evaluation.slices, max(ks))
    rows = [
        *_protocol_rows(evaluation.protocol),
        ("events per second", evaluation.events_per_second),
    ]
    protocol = Table("Protocol", ("protocol", "value"), rows, units=_UNITS)
    yield _in_one_paragraph(protocol) if output.is_terminal(sys.stdout) else protocol


def _in_one_paragraph(table: Table) -> Remark:
    words = "; ".join(f"{name}: {value}" for name, value in cells_for_person(table))
    return Remark(table.title, [words])


def _metrics_table(title: str, metrics: dict[str, float], ks: tuple[int, ...]) -> Table:
    rows = [(k, *(metrics[f"{name}@{k}"] for name in METRICS)) for k in ks]
    return Table(title, ("k", *METRICS), rows)


def _leaderboard_table(leaderboard: "tuple[LeaderboardRow, ...]", own: str | None, k: int) -> Table:
    title = f"Leaderboard, by mrr@{k}; low and high are its 95 % interval"
    columns = ("model", *metric_columns(k))
    rows = [(row.model, *metric_cells(row.metrics, row.interval, k)) for row in leaderboard]
    return Table(title, columns, rows, whole=("model",), bold=_bold_rows(leaderboard, own))


def _bold_rows(leaderboard: "tuple[LeaderboardRow, ...]", own: str | None) -> tuple[int, ...]:
    """Return the row numbers of the best model and of the run itself."""
    return (0, *(at for at, row in enumerate(leaderboard) if row.model == own))


def _difference_table(leaderboard: "tuple[LeaderboardRow, ...]", own: str | None, k: int) -> Table:
    """Show the difference of each model to the best one, as a share of the best mrr."""
    title = f"Difference to {leaderboard[0].model}, as a share of its mrr@{k}"
    rows = []
    for row in leaderboard:
        if row.to_best is not None:
            low, high = row.to_best.interval or (None, None)
            rows.append((row.model, row.to_best.share, low, high, row.to_best.p_value))
    units = _UNITS | {"low": Unit.SHARE, "high": Unit.SHARE}
    bold = [at for at, row in enumerate(rows) if row[0] == own]
    columns = ("model", "to best", "low", "high", "p")
    return Table(title, columns, rows, whole=("model",), units=units, bold=bold)


def _recommended_table(leaderboard: "tuple[LeaderboardRow, ...]", own: str | None, k: int) -> Table:
    title = f"Their top {k} lists and their cost"
    columns = ("model", "coverage", "popularity", "gini", "events/s", "MB")
    rows = [
        (
            row.model,
            row.coverage,
            row.mean_popularity,
            row.gini,
            row.events_per_second,
            row.memory_bytes / _MEGABYTE,
        )
        for row in leaderboard
    ]
    bold = _bold_rows(leaderboard, own)
    return Table(title, columns, rows, whole=("model",), units=_UNITS, bold=bold)


def _slices_table(run: str, slices: "tuple[Slice, ...]", k: int) -> Table:
    columns = ("slice", "value", "events", *(f"{name}@{k}" for name in METRICS))
    rows = [
        (part.slice, part.value, part.events, *(part.metrics[f"{name}@{k}"] for name in METRICS))
        for part in slices
    ]
    return Table(f"Run {run} by slices of the targets", columns, rows, whole=("value",))


def _protocol_rows(protocol: "Protocol") -> Iterator[tuple[str, object]]:
    yield "dataset", protocol.dataset
    if protocol.first_time is not None:
        yield "first time", protocol.first_time
        yield "last time", protocol.last_time
    if protocol.targets_after_train is not None:
        yield "last training event", protocol.train_last_time
        yield "first target", protocol.first_target_time
        yield "targets after the last training event", protocol.targets_after_train
    if protocol.max_user_events is not None:
        yield "events of a user, at most the newest", protocol.max_user_events
    yield "coverage", protocol.coverage
    yield "next items scored", protocol.events
    yield "sessions", protocol.sessions
    yield "unknown next items, left out", protocol.unknown_events
    if protocol.unreachable_events:
        yield "known, but behind unknown items alone, left out", protocol.unreachable_events
    yield "candidates", protocol.candidates
    yield "session's earlier items", "left out" if protocol.exclude_seen else "are candidates"
    yield "next items seen before", protocol.seen_targets
    yield "tie rule", protocol.tie_rule
    yield "tie share", protocol.tie_share
