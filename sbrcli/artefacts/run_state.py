"""The state of a run: how far its training is, and whether it can be finished."""

from dataclasses import dataclass
from typing import Literal

from sbrcli.artefacts.run import Phase, Run
from sbrcli.errors import ArtefactError

HISTORY_FILE = "history.csv"
REFIT_FOLDER = "refit"
"""The subfolder with the history and checkpoint of the second phase, with `--refit`."""

Status = Literal["complete", "training", "interrupted"]


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run."""

    status: Status
    phase: Phase
    epoch: int
    """The current epoch, from 1; for a complete run, the last one that was trained."""

    epochs: int | None
    """The maximum number of epochs of the phase; None if the manifest does not state it."""

    @property
    def where(self) -> str:
        """Return the current epoch in words, as in "epoch 2 of 8"."""
        where = f"epoch {self.epoch}" + (f" of {self.epochs}" if self.epochs else "")
        return f"{where} of the refit" if self.phase == "refit" else where

    @property
    def can_finish(self) -> bool:
        """Return whether there is a best epoch with which the run can be completed."""
        return self.epoch > 1 or self.phase == "refit"


def state_of(run: Run, *, is_written: bool) -> RunState:
    """Return the state of a run.

    Args:
        run: the run.
        is_written: whether a process is writing it now.
    """
    if run.is_complete:
        return RunState("complete", "fit", len(run.epochs or ()), run.config.get("epochs"))
    status: Status = "training" if is_written else "interrupted"
    if run.phase == "refit":
        most, done = run.best_epoch, _count_epochs(run, REFIT_FOLDER)
        return RunState(status, "refit", min(done + 1, most or done + 1), most)
    most, done = run.config.get("epochs"), _count_epochs(run)
    under_way = min(done + 1, most) if isinstance(most, int) else done + 1
    return RunState(status, "fit", under_way, most)


def incomplete(run: Run, state: RunState) -> ArtefactError:
    """Return the error for an incomplete run, in a command that needs a complete one."""
    problem = f"run {run.name} is in {state.where} ({state.status})"
    if state.status == "training":
        return ArtefactError(problem, hint="wait until it is complete, or name another run")
    resume = f"sbr train --resume --name {run.name} continues it"
    if state.can_finish:
        finish = f"sbr train --finish {run.name} keeps its best epoch"
        return ArtefactError(problem, hint=f"{resume}, {finish}")
    return ArtefactError(problem, hint=resume)


def _count_epochs(run: Run, part: str = "") -> int:
    """Count the finished epochs, by the rows of the history."""
    try:
        lines = (run.path / part / HISTORY_FILE).read_bytes().splitlines()
    except OSError:  # no history yet
        return 0
    return max(len(lines) - 1, 0)
