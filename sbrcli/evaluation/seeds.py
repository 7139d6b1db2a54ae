"""Runs that differ only in their training seed: the mean and the spread of their figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from sbrcli.evaluation.verdict import SEED_SHARE

ENOUGH_SEEDS = 3
"""The number of seeds of one configuration that is needed to measure the effect of a seed."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The mean and the standard deviation (n - 1) of a figure of several runs."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class SeedGroup:
    """Runs of one protocol that differ only in their seed."""

    protocol: int
    runs: tuple[str, ...]
    n: int
    metrics: dict[str, Spread]
    """Metrics on the requested split, without those that a run lacks."""

    valid_mrr: Spread | None


def summarise_seeds(
    protocol: int,
    runs: Sequence[str],
    metrics: Sequence[Mapping[str, float | None]],
    valid_mrr: Sequence[float | None],
) -> SeedGroup:
    """Summarise at least two runs that differ only in their seed.

    Args:
        protocol: the number of the protocol by which they were evaluated.
        runs: their names.
        metrics: the metrics of each run, by name.
        valid_mrr: mrr@20 on valid of each run.
    """
    spreads = {name: _spread([own[name] for own in metrics]) for name in metrics[0]}
    return SeedGroup(
        protocol,
        tuple(runs),
        len(runs),
        {name: spread for name, spread in spreads.items() if spread is not None},
        _spread(valid_mrr),
    )


def seed_share(groups: Sequence[SeedGroup], protocol: int, metric: str) -> float:
    """Return by how much two runs with different seeds differ, as a share of the figure.

    It is √2 times the greatest relative standard deviation among the protocol's groups of at least
    three seeds (the standard deviation of a difference of two), or `SEED_SHARE` without such a
    group.
    """
    measured = [
        group.metrics[metric].sd / group.metrics[metric].mean
        for group in groups
        if group.protocol == protocol
        and group.n >= ENOUGH_SEEDS
        and metric in group.metrics
        and group.metrics[metric].mean > 0
    ]
    return 2**0.5 * max(measured) if measured else SEED_SHARE


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return Spread(mean(known), stdev(known)) if len(known) == len(values) else None
