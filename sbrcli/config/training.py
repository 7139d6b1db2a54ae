"""How `sbr train` trains a network: the parts that every network shares, and the network's own."""

from dataclasses import dataclass, fields
from typing import Any

from sbrcli.config.gru4rec import Gru4RecConfig
from sbrcli.config.loss import LossConfig
from sbrcli.config.optimizer import OptimizerConfig
from sbrcli.config.options import Options, option
from sbrcli.config.run import RunConfig


@dataclass(frozen=True, kw_only=True)
class FitConfig(RunConfig, OptimizerConfig, LossConfig):
    """What the training loop needs to know, whatever the network."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig(FitConfig, Gru4RecConfig):
    """How `sbr train` fits a GRU4Rec; the run's manifest stores it whole.

    The fields are those of the bases, the last base's first: network, loss, optimizer, run. Names
    of runs list options in this order.
    """


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig(Options):
    """How often `sbr train` saves its state.

    No result depends on it, so neither a run's name nor its manifest has it.
    """

    minutes: float = option(
        5.0,
        "Minutes between two checkpoints within an epoch, from which --resume continues.",
        flag="--checkpoint-minutes",
        metavar="X",
        above=0,
        expected="a number above 0",
    )


DEFAULT_CHECKPOINT = CheckpointConfig()


def differences(config: Any, default: Any) -> dict[str, Any]:
    """Return the options in which `config` differs from the default, with their values."""
    return {
        field.name: value
        for field in fields(config)
        if (value := getattr(config, field.name)) != getattr(default, field.name)
    }
