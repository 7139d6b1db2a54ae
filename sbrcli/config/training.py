"""How `sbr train` trains a network: the options that every network has, and the family's own."""

from dataclasses import dataclass, fields, make_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from sbrcli.config.loss import LossConfig
from sbrcli.config.optimizer import OptimizerConfig
from sbrcli.config.options import Options, SearchRange, declared_options, option, option_name
from sbrcli.config.output import OutputConfig
from sbrcli.config.run import RunConfig


@dataclass(frozen=True, kw_only=True)
class FitConfig(RunConfig, OptimizerConfig, LossConfig, OutputConfig):
    """What the training loop needs to know, whatever the network."""


@cache
def training_config(options: type[Options]) -> type[FitConfig]:
    """Return the training configuration of a family: its own options and those of `FitConfig`.

    The fields are those of the bases, the last base's first: network, output layer, loss,
    optimizer, run. Names of runs list options in this order, and the run's manifest stores all of
    them.

    Args:
        options: the options of the family's networks, as `Family.options`.

    Raises:
        TypeError: the family declares an option that every network has.
    """
    taken = {field.name for field in fields(options)} & {field.name for field in fields(FitConfig)}
    if taken:
        raise TypeError(f"{options.__name__} declares {', '.join(sorted(taken))} again")
    return make_dataclass("TrainConfig", [], bases=(FitConfig, options), frozen=True, kw_only=True)


@dataclass(frozen=True, slots=True)
class TunableOption:
    """An option with a range to search for its best value."""

    name: str
    """The name of its field in the configuration."""

    flag: str
    """Its name on the command line, without the hyphens in front."""

    search: SearchRange
    default: Any
    is_integer: bool
    is_sequence: bool
    """Whether the field holds a tuple, of which one number is searched."""

    def value_of(self, number: float) -> Any:
        """Return the value of the field for a number of the range."""
        value = round(number) if self.is_integer else number
        return (value,) if self.is_sequence else value


def tunable_options(config_class: type[Options]) -> list[TunableOption]:
    """Return the options of a training configuration that a search can tune."""
    kinds = get_type_hints(config_class)
    return [
        TunableOption(
            field.name,
            option_name(field, declared),
            declared.search,
            field.default,
            is_integer=float not in (kinds[field.name], *get_args(kinds[field.name])),
            is_sequence=get_origin(kinds[field.name]) is tuple,
        )
        for field, declared in declared_options(config_class)
        if declared.search is not None
    ]


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
