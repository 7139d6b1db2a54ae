"""Runs that differ in their training seed alone: the mean and the spread of their figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from sbrcli.evaluation.verdict import SEED_SHARE

ENOUGH_SEEDS = 3
"""So many seeds of one configuration are needed to say what a seed moves."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of several runs: its mean and its standard deviation (n - 1)."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class SeedGroup:
    """Runs of one protocol and one configuration, but for the seed."""

    protocol: int
    runs: tuple[str, ...]
    n: int
    metrics: dict[str, Spread]
    """On the split that is asked for; without those that a run lacks."""

    valid_mrr: Spread | None


def summarise_seeds(
    protocol: int,
    runs: Sequence[str],
    metrics: Sequence[Mapping[str, float | None]],
    valid_mrr: Sequence[float | None],
) -> SeedGroup:
    """Summarise at least two runs that differ in their seed alone.

    Args:
        protocol: by which of the protocols they were evaluated.
        runs: their names.
        metrics: of each run, by name.
        valid_mrr: of each run.
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
    """Return what two runs differ by that differ in their seed, as a share of the figure.

    It is √2 times the greatest relative standard deviation of the protocol's groups of three
    seeds or more (the deviation of a difference of two), and `SEED_SHARE` where there is none.
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
