"""The models of runs: what `sbr train` knows, networks and baselines, and blends of these.

A new family is a folder and a line here; a new baseline is a line in
`sbrcli.models.baselines.registry`. A network is trained by the training loop, epoch by epoch; a
baseline is fitted in one pass.

Families are named by their module and loaded on demand, so that one of them costs no time where
another is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sbrcli.errors import ArtefactError, ConfigError, OptionError
from sbrcli.models.baselines.registry import BASELINES, find_baseline
from sbrcli.models.repeats.family import RepeatsFamily
from sbrcli.version import __version__

if TYPE_CHECKING:  # the command line reads the names for its help, without NumPy
    from sbrcli.artefacts.run import Run
    from sbrcli.models.network import Family

FAMILIES = {
    "gru4rec": "sbrcli.models.gru4rec.family",
    "sasrec": "sbrcli.models.sasrec.family",
}
"""Each family's module, which holds it as `FAMILY`."""

DEFAULT_FAMILY = "gru4rec"
"""The family of a run unless stated, also of runs from before there were others."""

BLEND = "blend"
"""The model of a run that `sbr blend` has made of others."""


def find_family(name: str) -> "Family":
    """Return the family of a name, whose networks can learn repeats.

    Raises:
        OptionError: there is none.
    """
    if name not in FAMILIES:
        names = ", ".join((*FAMILIES, *BASELINES))
        raise OptionError(f"model must be one of {names}. Received: {name}")
    return RepeatsFamily(import_module(FAMILIES[name]).FAMILY)


def family_of(run: "Run") -> "Family":
    """Return the family of a run.

    Raises:
        ArtefactError: this version of sbr does not know it.
        ConfigError: the run is a baseline or a blend.
    """
    require_network(run)
    try:
        return find_family(run.model)
    except OptionError as error:
        raise ArtefactError(
            f"the run's model, {run.model}, is unknown to sbr {__version__}",
            hint="use the sbr that trained it, or train the run again with --overwrite",
        ) from error


def is_baseline(model: str) -> bool:
    """Return whether a model is a baseline, which is fitted in one pass, and no network."""
    return model in BASELINES


def title_of(run: "Run") -> str:
    """Return the name of a run's model for people.

    Raises:
        ArtefactError: this version of sbr does not know it.
    """
    if run.model == BLEND:
        return "Blend"
    return find_baseline(run.model).title if is_baseline(run.model) else family_of(run).title


def require_network(run: "Run") -> None:
    """Check that the model of a run is a network.

    Raises:
        ConfigError: it is a baseline or a blend.
    """
    if is_baseline(run.model) or run.model == BLEND:
        kind = "blend" if run.model == BLEND else f"baseline, {run.model}"
        raise ConfigError(
            f"run {run.name} is a {kind}; this requires a network",
            hint="name the run of a network; sbr runs lists the model of each run",
        )
