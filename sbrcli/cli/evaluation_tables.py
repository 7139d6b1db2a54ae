"""What `sbr evaluate` found, as tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sbrcli.cli.output import Table

if TYPE_CHECKING:
    from sbrcli.evaluation.evaluate import Evaluation, Protocol
    from sbrcli.evaluation.leaderboard import Standing
    from sbrcli.evaluation.slices import Slice

_METRICS = ("recall", "mrr", "ndcg")
_MEGABYTE = 1e6


def evaluation_tables(evaluation: "Evaluation", ks: tuple[int, ...]) -> Iterator[Table]:
    """Give the metrics by k, then what else was asked for, and the protocol last."""
    title = f"Run {evaluation.run} on {evaluation.split}"
    yield _metrics_table(title, evaluation.metrics, ks)
    if evaluation.protocol.unknown_events or evaluation.protocol.unreachable_events:
        title = "Next items left out counted as misses"
        yield _metrics_table(title, evaluation.metrics_unknown_as_miss, ks)
    if evaluation.leaderboard is not None:
        yield _leaderboard_table(evaluation.leaderboard, max(ks))
        yield _difference_table(evaluation.leaderboard, max(ks))
        yield _recommended_table(evaluation.leaderboard, max(ks))
    if evaluation.slices is not None:
        yield _slices_table(evaluation.run, evaluation.slices, max(ks))
    rows = [
        *_protocol_rows(evaluation.protocol),
        ("events per second", evaluation.events_per_second),
    ]
    yield Table("Protocol", ("protocol", "value"), rows)


def _metrics_table(title: str, metrics: dict[str, float], ks: tuple[int, ...]) -> Table:
    rows = [(k, *(metrics[f"{name}@{k}"] for name in _METRICS)) for k in ks]
    return Table(title, ("k", *_METRICS), rows)


def _leaderboard_table(standings: "tuple[Standing, ...]", k: int) -> Table:
    title = f"Leaderboard, by mrr@{k}; low and high are its 95 % interval"
    columns = ("model", f"recall@{k}", f"mrr@{k}", "low", "high", f"ndcg@{k}")
    rows = [
        (
            row.model,
            row.metrics[f"recall@{k}"],
            row.metrics[f"mrr@{k}"],
            *row.interval[f"mrr@{k}"],
            row.metrics[f"ndcg@{k}"],
        )
        for row in standings
    ]
    return Table(title, columns, rows)


def _difference_table(standings: "tuple[Standing, ...]", k: int) -> Table:
    """Show by which share of the best's mrr each other model differs from it."""
    title = f"How far from {standings[0].model}: share of its mrr@{k}"
    rows = []
    for row in standings:
        if row.to_best is not None:
            low, high = row.to_best.interval or (None, None)
            rows.append((row.model, row.to_best.share, low, high, row.to_best.p_value))
    return Table(title, ("model", "to best", "low", "high", "p"), rows)


def _recommended_table(standings: "tuple[Standing, ...]", k: int) -> Table:
    title = f"What stands in their top {k}, and what that costs"
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
        for row in standings
    ]
    return Table(title, columns, rows)


def _slices_table(run: str, slices: "tuple[Slice, ...]", k: int) -> Table:
    columns = ("slice", "value", "events", *(f"{name}@{k}" for name in _METRICS))
    rows = [
        (part.slice, part.value, part.events, *(part.metrics[f"{name}@{k}"] for name in _METRICS))
        for part in slices
    ]
    return Table(f"Run {run} by slices of the next items", columns, rows)


def _protocol_rows(protocol: "Protocol") -> Iterator[tuple[str, object]]:
    yield "dataset", protocol.dataset
    yield "first time", protocol.first_time
    yield "last time", protocol.last_time
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
