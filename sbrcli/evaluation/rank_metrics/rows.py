"""The metrics of a model as cells of a table; the leading metric has its interval."""

from collections.abc import Iterator, Mapping

from sbrcli.evaluation.rank_metrics.registry import LEADING, METRICS


def metric_columns(k: int) -> Iterator[str]:
    """Yield the column names: each metric at k, and the bounds of the leading metric's interval."""
    for name in METRICS:
        yield f"{name}@{k}"
        if name == LEADING:
            yield from ("low", "high")


def metric_cells(
    metrics: Mapping[str, float], interval: Mapping[str, tuple[float, float]], k: int
) -> Iterator[float | None]:
    """Yield the cells of these columns; None if an earlier version of sbr stored no figure."""
    for name in METRICS:
        yield metrics.get(f"{name}@{k}")
        if name == LEADING:
            yield from interval[f"{name}@{k}"]
