"""The families of networks that `sbr train` knows: a new one is a folder and a line here.

Families are named by their module and loaded on demand, so that one of them costs no time where
another is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sbrcli import __version__
from sbrcli.errors import ArtefactError, OptionError

if TYPE_CHECKING:  # the command line reads the names for its help, without NumPy
    from sbrcli.artefacts.run import Run
    from sbrcli.models.network import Family

FAMILIES = {
    "gru4rec": "sbrcli.models.gru4rec.family",
}
"""Each family's module, which holds it as `FAMILY`."""

DEFAULT_FAMILY = "gru4rec"
"""The family of a run unless stated, also of runs from before there were others."""


def find_family(name: str) -> "Family":
    """Return the family of a name.

    Raises:
        OptionError: there is none.
    """
    if name not in FAMILIES:
        raise OptionError(f"model must be one of {', '.join(FAMILIES)}. Received: {name}")
    return import_module(FAMILIES[name]).FAMILY


def family_of(run: "Run") -> "Family":
    """Return the family of a run.

    Raises:
        ArtefactError: this version of sbr does not know it.
    """
    try:
        return find_family(run.model)
    except OptionError as error:
        raise ArtefactError(
            f"the run's model, {run.model}, is unknown to sbr {__version__}",
            hint="use the sbr that trained it, or train the run again with --overwrite",
        ) from error
