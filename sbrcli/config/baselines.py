"""The names of the baselines, and their options with the defaults of the literature."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeVar, get_args

from sbrcli.config.checks import require_option
from sbrcli.config.options import Options, option
from sbrcli.errors import ConfigError, OptionError

BaselineName = Literal["popularity", "session-popularity", "markov", "item-knn", "vsknn", "stan"]
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)

StepDecay = Literal["same", "div"]
PositionWeighting = Literal["same", "linear", "quadratic"]
NeighbourDecay = Literal["same", "linear", "div", "quadratic"]

BaselineOptions = TypeVar("BaselineOptions", bound=Options)


@dataclass(frozen=True, kw_only=True)
class MarkovConfig(Options):
    """Sequential rules: the items that followed the last one in training, by their counts."""

    steps: int = option(1, minimum=1, maximum=1_000)
    """How many steps ahead a following item counts; 1 is the first-order Markov chain."""

    decay: StepDecay = option("div", choices=get_args(StepDecay))
    """Count of an item x steps ahead: 1/x (div), or 1 (same)."""


@dataclass(frozen=True, kw_only=True)
class ItemKnnConfig(Options):
    """Items that share sessions with the last item, by cosine similarity.

    The defaults are those of the item-kNN that GRU4Rec was first compared with (Hidasi et al.
    2016, arXiv 1511.06939, and its published code).
    """

    neighbours: int = option(100, minimum=1, maximum=1_000_000)
    """Number of most similar items stored for each item."""

    damping: float = option(20.0, minimum=0)
    """Added to each item's number of sessions, against chance similarities of rare items."""


@dataclass(frozen=True, kw_only=True)
class VsknnConfig(Options):
    """Vector multiplication session kNN (Ludewig & Jannach 2018, arXiv 1803.09587).

    The defaults are those of the authors' published code, whose `div` position weighting is the
    paper's linear one.
    """

    k: int = option(100, minimum=1, maximum=1_000_000)
    """Number of neighbours: the most similar of the sampled sessions."""

    sample: int = option(1_000, minimum=1, maximum=1_000_000)
    """Number of most recent sessions that share an item, among which neighbours are searched."""

    weighting: PositionWeighting = option("linear", choices=get_args(PositionWeighting))
    """Weight in the similarity of the item at position p of t: 1, p/t, or (p/t)^2."""

    decay: NeighbourDecay = option("div", choices=get_args(NeighbourDecay))
    """Weight of a neighbour whose last shared item is at position p of t: 1 (same), p/t
    (linear), 1/(t - p + 1) (div), or the square of that (quadratic)."""

    idf: float = option(0.0, minimum=0)
    """Multiply item scores by 1 + idf * log(sessions / sessions with the item); 0 is off."""


@dataclass(frozen=True, kw_only=True)
class StanConfig(Options):
    """Sequence and time aware neighbourhood (Garg et al. 2019, SIGIR).

    The defaults are those of the implementation that later comparisons use (session-rec, Ludewig
    et al. 2021).
    """

    k: int = option(100, minimum=1, maximum=1_000_000)
    """Number of neighbours: the most similar of the sampled sessions."""

    sample: int = option(5_000, minimum=1, maximum=1_000_000)
    """Number of most recent sessions that share an item, among which neighbours are searched."""

    lambda1: float = option(1.02, above=0)
    """Events back in the session at which an item's weight falls to 1/e."""

    lambda2: float = option(5.0, above=0)
    """Days between two sessions at which the older one's weight falls to 1/e."""

    lambda3: float = option(2.05, above=0)
    """Places from the shared item at which the weight of a neighbour's item falls to 1/e."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineConfig:
    """The options of the baselines that have any."""

    markov: MarkovConfig = field(default_factory=MarkovConfig)
    item_knn: ItemKnnConfig = field(default_factory=ItemKnnConfig)
    vsknn: VsknnConfig = field(default_factory=VsknnConfig)
    stan: StanConfig = field(default_factory=StanConfig)


OptionedName = Literal["markov", "item-knn", "vsknn", "stan"]
OPTIONED: tuple[OptionedName, ...] = get_args(OptionedName)
"""The baselines that have options."""


def options_of(config: BaselineConfig, name: str) -> Any:
    """Return a baseline's options; None where it has none."""
    return getattr(config, name.replace("-", "_"), None)


def with_options(config: BaselineConfig, name: OptionedName, options: Any) -> BaselineConfig:
    """Return a configuration with other options of one baseline."""
    return replace(config, **{name.replace("-", "_"): options})


def configure_baselines(
    explicit: Mapping[str, str], tuned: Mapping[str, str] | None = None
) -> BaselineConfig:
    """Return the options of all baselines: explicit ones first, then tuned ones, then defaults.

    Args:
        explicit: the user's options of some baselines, as text for `parse_options`, by name.
        tuned: the same of the options that `sbr tune-baselines` has chosen.

    Raises:
        OptionError: an option is unknown, or its value is not a number.
        ConfigError: a value is not one of its choices, or out of bounds.
    """
    config = BaselineConfig()
    for texts in (tuned or {}, explicit):
        for name in OPTIONED:
            options = parse_options(name, texts.get(name, ""), options_of(config, name))
            config = with_options(config, name, options)
    return config


def parse_names(text: str) -> tuple[BaselineName, ...]:
    """Return the baselines in a comma-separated list, without duplicates; `all` means all.

    Raises:
        OptionError: a name is not that of a baseline.
    """
    names = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for name in names:
        require_option(
            name in (*BASELINES, "all"),
            f"baselines must be all, or some of {', '.join(BASELINES)}",
            name,
        )
    return BASELINES if "all" in names else names  # pyright: ignore[reportReturnType]


def parse_options(baseline: str, text: str, options: BaselineOptions) -> BaselineOptions:
    """Return options with the values of a text such as "k=50,sample=500".

    Args:
        baseline: name of the baseline, for errors.
        text: names and values; may be empty.
        options: the values of the options that the text does not name.

    Raises:
        OptionError: an option is unknown, or its value is not a number.
        ConfigError: a value is not one of its choices, or out of bounds.
    """
    kinds = {option.name: type(getattr(options, option.name)) for option in fields(options)}
    explicit: dict[str, Any] = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        name, _, value = part.partition("=")
        require_option(
            name in kinds and bool(value),
            f"{baseline} takes {', '.join(f'{kind}=…' for kind in kinds)}, with commas between",
            part,
        )
        try:
            explicit[name] = kinds[name](value)
        except ValueError as error:
            raise OptionError(f"{baseline}'s {name} must be a number. Received: {value}") from error
    try:
        return replace(options, **explicit)
    except ConfigError as error:
        raise ConfigError(f"{baseline}'s {error}") from error


def write_options(options: Any) -> str:
    """Write options as `parse_options` reads them, as in "k=50,sample=500"."""
    return ",".join(
        f"{option.name}={_short(getattr(options, option.name))}" for option in fields(options)
    )


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
