"""Open the run that a command uses, and name it and possible alternatives to the user."""

from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.reporter import Reporter

_MAX_NAMED = 3
"""The number of other datasets that are named; further ones are counted."""


def open_run(workspace: Workspace, name: str | None, reporter: Reporter) -> Run:
    """Open the named run, or the latest; warn if other datasets have runs and none was named.

    Raises:
        ArtefactError: it is missing, damaged, incomplete or of another format version.
    """
    run = workspace.open("run", name)
    others = [] if name is not None else _latest_of_other_datasets(workspace, run)
    if others:
        named = [f"{other.name} on dataset {other.dataset.name}" for other in others[:_MAX_NAMED]]
        more = len(others) - len(named)
        named += [f"{more} more"] if more else []
        reporter.warn(
            f"using the latest run, {run.name} on dataset {run.dataset.name}; other datasets have "
            f"runs as well: {', '.join(named)}. --run NAME selects one"
        )
    return run


def name_run(run: Run, reporter: Reporter) -> None:
    """Report which run a command used."""
    reporter.note(f"run {run.name} on dataset {run.dataset.name}")


def _latest_of_other_datasets(workspace: Workspace, run: Run) -> list[Run]:
    """Return the latest complete run of each other dataset, most recent first."""
    found, _ = workspace.read_all("run")  # `open` has warned about damaged ones
    latest = {}
    complete = [other for other in found if other.is_complete]
    for other in sorted(complete, key=lambda one: one.finished_at):
        latest[other.dataset.name] = other
    for name in (run.dataset.name, *_earlier_datasets(run, complete)):
        latest.pop(name, None)
    return sorted(latest.values(), key=lambda one: one.finished_at, reverse=True)


def _earlier_datasets(run: Run, runs: list[Run]) -> list[str]:
    """Name the datasets of the runs that a run is an update of."""
    by_name, found = {other.name: other for other in runs}, []
    while run.update is not None and run.parent is not None and run.parent.run in by_name:
        run = by_name.pop(run.parent.run)
        found.append(run.dataset.name)
    return found
