"""The baselines that sbr knows: a new one is a module and a line here."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from sbrcli.config.checks import require_option
from sbrcli.config.options import Options
from sbrcli.models.baselines.baseline import Baseline

if TYPE_CHECKING:  # the command line reads the names for its help, without NumPy
    from sbrcli.models.baselines.fitted import FittedBaseline, FittedPartner
    from sbrcli.sessions import Sessions

BASELINES = {
    "popularity": "sbrcli.models.baselines.popularity",
    "session-popularity": "sbrcli.models.baselines.session_popularity",
    "markov": "sbrcli.models.baselines.markov",
    "item-knn": "sbrcli.models.baselines.item_knn",
    "vsknn": "sbrcli.models.baselines.vsknn",
    "stan": "sbrcli.models.baselines.stan",
}
"""Each baseline's module, which holds it as `BASELINE`."""


def find_baseline(name: str) -> Baseline:
    """Return the baseline of a name.

    Raises:
        OptionError: there is none.
    """
    _check_name(name, BASELINES)
    return import_module(BASELINES[name]).BASELINE


def all_baselines() -> list[Baseline]:
    """Return all baselines."""
    return [find_baseline(name) for name in BASELINES]


def with_options() -> list[Baseline]:
    """Return the baselines that have options."""
    return [baseline for baseline in all_baselines() if baseline.has_options]


def partner_names() -> tuple[str, ...]:
    """Return the names of the baselines that a network can be blended with."""
    return tuple(baseline.name for baseline in all_baselines() if baseline.is_partner)


def parse_names(text: str) -> tuple[str, ...]:
    """Return the baselines in a comma-separated list, without duplicates; `all` means all.

    Raises:
        OptionError: a name is not that of a baseline.
    """
    names = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    for name in names:
        _check_name(name, (*BASELINES, "all"))
    return tuple(BASELINES) if "all" in names else names


def fit_baseline(
    name: str, training: "Sessions", num_items: int, options: Mapping[str, Options]
) -> "FittedBaseline":
    """Fit a baseline.

    Args:
        name: its name.
        training: sessions, every item index below `num_items`.
        num_items: how many items are scored.
        options: the baselines' options, by name.
    """
    return find_baseline(name).fit(training, num_items, options[name])


def fit_partner(
    name: str, training: "Sessions", num_items: int, options: Mapping[str, Options]
) -> "FittedPartner":
    """Fit a baseline that a network can be blended with; see `fit_baseline`."""
    return cast("FittedPartner", fit_baseline(name, training, num_items, options))


def _check_name(name: str, known: "tuple[str, ...] | dict[str, str]") -> None:
    require_option(name in known, f"baselines must be all, or some of {', '.join(BASELINES)}", name)
