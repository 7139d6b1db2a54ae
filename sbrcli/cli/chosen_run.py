"""Open the run that a command uses, and name it and possible alternatives on stderr."""

from sbrcli.artefacts.artefact import Artefact, finished_at, is_complete
from sbrcli.cli.options import Invocation

_MOST_NAMED = 3
"""The number of other datasets that are named; further ones are counted."""


def open_run(invocation: Invocation, name: str | None) -> Artefact:
    """Open the named run, or the latest; warn if other datasets have runs and none was named.

    Raises:
        ArtefactError: it is missing, damaged, incomplete or of another format version.
    """
    run = invocation.workspace.open("run", name)
    others = [] if name is not None else _latest_of_other_datasets(invocation, run)
    if others:
        named = [f"{other.name} on dataset {_dataset_of(other)}" for other in others[:_MOST_NAMED]]
        more = len(others) - len(named)
        named += [f"{more} more"] if more else []
        invocation.output.warn(
            f"using the latest run, {run.name} on dataset {_dataset_of(run)}; other datasets have "
            f"runs as well: {', '.join(named)}. --run NAME selects one"
        )
    return run


def name_run(invocation: Invocation, run: Artefact) -> None:
    """Write to stderr which run a command used; `--quiet` silences it."""
    invocation.output.note(f"run {run.name} on dataset {_dataset_of(run)}")


def _latest_of_other_datasets(invocation: Invocation, run: Artefact) -> list[Artefact]:
    """Return the latest complete run of each other dataset, most recent first."""
    found, _ = invocation.workspace.read_all("run")  # `open` has warned about damaged ones
    latest = {}
    for other in sorted(filter(is_complete, found), key=finished_at):
        latest[_dataset_of(other)] = other
    latest.pop(_dataset_of(run), None)
    return sorted(latest.values(), key=finished_at, reverse=True)


def _dataset_of(run: Artefact) -> str:
    return str(run.manifest.get("dataset", {}).get("name", "?"))
