"""The baselines' names, their options, and the defaults of these: the literature's."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Any, Literal, TypeVar, get_args

from sbrcli.config.checks import require, require_at_least, require_at_most, require_option
from sbrcli.errors import ConfigError, OptionError

BaselineName = Literal["popularity", "session-popularity", "markov", "item-knn", "vsknn", "stan"]
BASELINES: tuple[BaselineName, ...] = get_args(BaselineName)

StepDecay = Literal["same", "div"]
PositionWeighting = Literal["same", "linear", "quadratic"]
NeighbourDecay = Literal["same", "linear", "div", "quadratic"]

Options = TypeVar("Options")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkovConfig:
    """Sequential rules: what follows the last item, as counted in training."""

    steps: int = 1
    """How far ahead a following item counts; 1 is the first-order Markov chain."""

    decay: StepDecay = "div"
    """What an item x steps ahead counts: 1/x (div), or 1 (same)."""

    def __post_init__(self) -> None:
        require_at_least(self, "steps", 1)
        require_at_most(self, "steps", 1_000)
        _require_choice(self, "decay", StepDecay)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemKnnConfig:
    """Items that share sessions with the last item, by their cosine.

    The defaults are those of the item-kNN that GRU4Rec was first compared with (Hidasi et al.
    2016, arXiv 1511.06939, and its published code).
    """

    neighbours: int = 100
    """Most similar items kept for each item."""

    damping: float = 20.0
    """Added to each item's number of sessions, against chance similarities of rare items."""

    def __post_init__(self) -> None:
        require_at_least(self, "neighbours", 1)
        require_at_most(self, "neighbours", 1_000_000)
        require_at_least(self, "damping", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VsknnConfig:
    """Vector multiplication session kNN (Ludewig & Jannach 2018, arXiv 1803.09587).

    The defaults are those of the authors' published code, whose `div` position weighting is the
    paper's linear one.
    """

    k: int = 100
    """Neighbours: the most similar of the sampled sessions."""

    sample: int = 1_000
    """The most recent sessions that share an item, among which neighbours are sought."""

    weighting: PositionWeighting = "linear"
    """What the item at position p of t counts for similarity: 1, p/t, or (p/t)^2."""

    decay: NeighbourDecay = "div"
    """What a neighbour counts whose last shared item is at position p of t: 1 (same), p/t
    (linear), 1/(t - p + 1) (div), or the square of that (quadratic)."""

    idf: float = 0.0
    """Multiply item scores by 1 + idf * log(sessions / sessions with the item); 0 leaves them."""

    def __post_init__(self) -> None:
        for name in ("k", "sample"):
            require_at_least(self, name, 1)
            require_at_most(self, name, 1_000_000)
        require_at_least(self, "idf", 0)
        _require_choice(self, "weighting", PositionWeighting)
        _require_choice(self, "decay", NeighbourDecay)


@dataclass(frozen=True, slots=True, kw_only=True)
class StanConfig:
    """Sequence and time aware neighbourhood (Garg et al. 2019, SIGIR).

    The defaults are those of the implementation that later comparisons use (session-rec, Ludewig
    et al. 2021).
    """

    k: int = 100
    """Neighbours: the most similar of the sampled sessions."""

    sample: int = 5_000
    """The most recent sessions that share an item, among which neighbours are sought."""

    lambda1: float = 1.02
    """How many events back in the session an item counts 1/e of the last one."""

    lambda2: float = 5.0
    """How many days a session is older, that counts 1/e of another one."""

    lambda3: float = 2.05
    """How many places from the shared item a neighbour's item counts 1/e."""

    def __post_init__(self) -> None:
        for name in ("k", "sample"):
            require_at_least(self, name, 1)
            require_at_most(self, name, 1_000_000)
        for name in ("lambda1", "lambda2", "lambda3"):
            value = getattr(self, name)
            require(isfinite(value) and value > 0, f"{name} must be above 0", value)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineConfig:
    """The options of those baselines that have any."""

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
    """Put other options of one baseline in the place of its own."""
    return replace(config, **{name.replace("-", "_"): options})


def configure_baselines(
    said: Mapping[str, str], tuned: Mapping[str, str] | None = None
) -> BaselineConfig:
    """Put what the user says before what was tuned, and that before the defaults.

    Args:
        said: the options of some baselines, as `parse_options` reads them, by the baseline's name.
        tuned: the same.

    Raises:
        ConfigError: an option is unknown, or its value cannot be used.
    """
    config = BaselineConfig()
    for texts in (tuned or {}, said):
        for name in OPTIONED:
            options = parse_options(name, texts.get(name, ""), options_of(config, name))
            config = with_options(config, name, options)
    return config


def parse_names(text: str) -> tuple[BaselineName, ...]:
    """Read names with commas between them, each once, in the order given; `all` among them is all.

    Raises:
        ConfigError: a name is none of a baseline.
    """
    names = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for name in names:
        require_option(
            name in (*BASELINES, "all"),
            f"baselines must be all, or some of {', '.join(BASELINES)}",
            name,
        )
    return BASELINES if "all" in names else names  # pyright: ignore[reportReturnType]


def parse_options(baseline: str, text: str, options: Options) -> Options:
    """Put what a user says, as in "k=50,sample=500", in the place of options.

    Args:
        baseline: its name, for errors.
        text: names and values; may be empty.
        options: what holds where nothing is said.

    Raises:
        ConfigError: an option is unknown, or its value cannot be used.
    """
    kinds = {option.name: type(getattr(options, option.name)) for option in fields(options)}  # pyright: ignore[reportArgumentType]
    said: dict[str, Any] = {}
    for part in filter(None, (word.strip() for word in text.split(","))):
        name, _, value = part.partition("=")
        require_option(
            name in kinds and bool(value),
            f"{baseline} takes {', '.join(f'{kind}=…' for kind in kinds)}, with commas between",
            part,
        )
        try:
            said[name] = kinds[name](value)
        except ValueError as error:
            raise OptionError(f"{baseline}'s {name} must be a number. Received: {value}") from error
    try:
        return replace(options, **said)  # pyright: ignore[reportArgumentType]
    except ConfigError as error:
        raise ConfigError(f"{baseline}'s {error}") from error


def write_options(options: Any) -> str:
    """Write options as `parse_options` reads them, as in "k=50,sample=500"."""
    return ",".join(
        f"{option.name}={_short(getattr(options, option.name))}" for option in fields(options)
    )


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _require_choice(config: Any, name: str, choices: Any) -> None:
    expected = ", ".join(get_args(choices))
    value = getattr(config, name)
    require(value in get_args(choices), f"{name} must be one of {expected}", value)
