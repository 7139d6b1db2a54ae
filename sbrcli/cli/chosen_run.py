"""Open the run that a command uses, and name it and possible alternatives on stderr."""

from sbrcli.artefacts.run import Run
from sbrcli.cli.options import Invocation

_MAX_NAMED = 3
"""The number of other datasets that are named; further ones are counted."""


def open_run(invocation: Invocation, name: str | None) -> Run:
    """Open the named run, or the latest; warn if other datasets have runs and none was named.

    Raises:
        ArtefactError: it is missing, damaged, incomplete or of another format version.
    """
    run = invocation.workspace.open("run", name)
    others = [] if name is not None else _latest_of_other_datasets(invocation, run)
    if others:
        named = [f"{other.name} on dataset {other.dataset.name}" for other in others[:_MAX_NAMED]]
        more = len(others) - len(named)
        named += [f"{more} more"] if more else []
        invocation.output.warn(
            f"using the latest run, {run.name} on dataset {run.dataset.name}; other datasets have "
            f"runs as well: {', '.join(named)}. --run NAME selects one"
        )
    return run


def name_run(invocation: Invocation, run: Run) -> None:
    """Write to stderr which run a command used; `--quiet` silences it."""
    invocation.output.note(f"run {run.name} on dataset {run.dataset.name}")


def _latest_of_other_datasets(invocation: Invocation, run: Run) -> list[Run]:
    """Return the latest complete run of each other dataset, most recent first."""
    found, _ = invocation.workspace.read_all("run")  # `open` has warned about damaged ones
    latest = {}
    complete = [other for other in found if other.is_complete]
    for other in sorted(complete, key=lambda one: one.finished_at):
        latest[other.dataset.name] = other
    latest.pop(run.dataset.name, None)
    return sorted(latest.values(), key=lambda one: one.finished_at, reverse=True)
