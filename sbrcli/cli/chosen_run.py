"""Open the run that a command uses, and name it on stderr."""

from sbrcli.artefacts.run import Run
from sbrcli.cli.options import Invocation


def open_run(invocation: Invocation, name: str | None) -> Run:
    """Open the named run, or the latest; see `sbrcli.workflow.chosen_run`."""
    from sbrcli.workflow import chosen_run

    return chosen_run.open_run(invocation.workspace, name, invocation.output)


def name_run(invocation: Invocation, run: Run) -> None:
    """Write to stderr which run a command used; `--quiet` silences it."""
    from sbrcli.workflow import chosen_run

    chosen_run.name_run(run, invocation.output)
