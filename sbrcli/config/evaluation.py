"""The options of `sbr evaluate`: what it scores, and against what."""

from dataclasses import dataclass
from typing import Literal

from sbrcli.config.options import Options, help_of, option
from sbrcli.errors import UsageError

Split = Literal["test", "valid"]
TableFormat = Literal["md", "csv", "latex"]


def parse_cuts(text: str) -> tuple[int, ...]:
    """Read the values of -k, as in "10,20"; each is taken once.

    Raises:
        UsageError: one is not a whole number.
    """
    try:
        return tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError as error:
        raise UsageError(
            f"-k takes whole numbers with commas between. Received: {text}",
            hint="sbr evaluate -k 10,20",
        ) from error


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(Options):
    """What `sbr evaluate` scores, and against what."""

    split: Split = option(
        "test", "Split to score.", expected="test or valid", choices=("test", "valid")
    )
    ks: tuple[int, ...] = option(
        (1, 5, 10, 20),
        "Cutoff of the metrics; can be repeated.",
        flag="-k",
        metavar="K[,K…]",
        is_repeatable=True,
        parse=parse_cuts,
        minimum=1,
    )
    exclude_seen: bool = option(
        False,
        "Exclude the session's earlier items from the candidates, as sbr recommend does.",
    )
    notebook_coverage: bool = option(
        False,
        "Score only the events that the source notebook's loader reached, to compare with its "
        "printed metrics.",
    )
    batch_size: int = option(128, minimum=1)
    """Sessions scored in parallel; the metrics do not depend on it."""

    # The names in these two are those of the registry of baselines, which completes them.
    baselines: tuple[str, ...] = option(
        (),
        "Compare with non-neural baselines: {names}; can be repeated.",
        metavar="all|NAME[,NAME…]",
        is_repeatable=True,
    )
    hybrid: bool = option(
        False,
        "Compare with a blend of the run and {names}; partner, weight and terms for repeated "
        "items are chosen once on the valid split and stored in the run's hybrid.json. For a blend "
        "of any runs, see sbr blend.",
    )
    slices: bool = option(
        False,
        "Add metrics by position, session length, popularity, new or repeated item, week.",
    )


@dataclass(frozen=True, kw_only=True)
class CompareConfig(Options):
    """Which stored metrics `sbr compare` shows, and how."""

    split: Split = option(
        "test",
        "Split whose metrics are shown.",
        expected="test or valid",
        choices=("test", "valid"),
    )
    k: int = option(20, "Cutoff of the metrics shown.", flag="-k", metavar="K", minimum=1)
    exclude_seen: bool = option(False, help_of(EvaluateConfig, "exclude_seen"))

    # The registry of metrics completes the help and the choices.
    sort: str = option(
        "valid",
        "Order, the best first: valid (mrr@20 of the best epoch on the valid split), {names} of "
        "the metrics shown (test means mrr), seconds, parameters or run.",
        other_flag="--by",
        metavar="NAME",
    )
    table_format: TableFormat | None = option(
        None,
        "Write the tables as Markdown, CSV or LaTeX, with all digits.",
        flag="--format",
        choices=("md", "csv", "latex"),
    )

    @property
    def evaluation(self) -> EvaluateConfig:
        """How the metrics that are shown were computed."""
        return EvaluateConfig(split=self.split, ks=(self.k,), exclude_seen=self.exclude_seen)


@dataclass(frozen=True, kw_only=True)
class TunedBaselinesConfig(Options):
    """What `sbr tune-baselines` shows."""

    trials: bool = option(
        False, "Show every setting tried; by default, a terminal shows only those chosen."
    )
