"""The options of `sbr update`."""

from dataclasses import dataclass

from sbrcli.config.options import Options, option

MAX_CONTEXT = 64
"""Events before the first target of a session that are walked as context."""


@dataclass(frozen=True, kw_only=True)
class UpdateConfig(Options):
    """How `sbr update` trains on; the other options are those of the run that it begins at."""

    epochs: int = option(
        2,
        "Number of passes over the new sessions and the replayed ones.",
        metavar="N",
        minimum=1,
        maximum=1_000_000,
    )
    replay: float = option(
        1.0,
        "Number of old targets trained on for each new one, in randomly drawn sessions that the "
        "run has already learned from; 0 is none.",
        metavar="SHARE",
        minimum=0,
    )
    learning_rate: float | None = option(
        None,
        "Initial learning rate. \\[default: the run's]",
        metavar="X",
        above=0,
    )
    """None takes the run's."""
