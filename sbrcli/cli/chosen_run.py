"""Name the run that a command has used, on stderr."""

from sbrcli.artefacts.run import Run
from sbrcli.cli.options import Invocation


def name_run(invocation: Invocation, run: Run) -> None:
    """Write to stderr which run a command used; `--quiet` silences it."""
    from sbrcli.workflow import chosen_run

    chosen_run.name_run(run, invocation.output)
