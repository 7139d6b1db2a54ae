"""Declare sequential rules, of which the first-order Markov chain is a special case."""

from dataclasses import dataclass
from typing import Literal, get_args

from sbrcli.config.options import Options, option
from sbrcli.models.baselines.baseline import Baseline

StepDecay = Literal["same", "div"]


@dataclass(frozen=True, kw_only=True)
class MarkovConfig(Options):
    """Sequential rules: the items that followed the last one in training, by their counts."""

    steps: int = option(1, minimum=1, maximum=1_000)
    """How many steps ahead a following item counts; 1 is the first-order Markov chain."""

    decay: StepDecay = option("div", choices=get_args(StepDecay))
    """Count of an item x steps ahead: 1/x (div), or 1 (same)."""


BASELINE = Baseline(
    name="markov",
    title="Markov chain",
    scorer="sbrcli.models.baselines.markov_scorer",
    options=MarkovConfig,
    help="Steps ahead to count, and decay with distance (div or same).",
    grid={"steps": (1, 2, 3, 5, 10, 20), "decay": ("div", "same")},
    is_partner=True,
)
