"""How far a run that is not complete has come, and what can be done with it."""

from dataclasses import dataclass
from typing import Literal

from sbrcli.artefacts.run import Phase, Run
from sbrcli.errors import ArtefactError

HISTORY_FILE = "history.csv"
REFIT_FOLDER = "refit"
"""Within the run: history and checkpoint of its second phase, with `--refit`."""

Status = Literal["complete", "training", "interrupted"]


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands."""

    status: Status
    phase: Phase
    epoch: int
    """The epoch under way, from 1; in a complete run, the last one that was trained."""

    epochs: int | None
    """How many the phase has at most; None where the manifest does not say."""

    @property
    def where(self) -> str:
        """The epoch under way in words, as in "epoch 2 of 8"."""
        where = f"epoch {self.epoch}" + (f" of {self.epochs}" if self.epochs else "")
        return f"{where} of the refit" if self.phase == "refit" else where

    @property
    def can_finish(self) -> bool:
        """Return whether there is a best epoch that could become the run."""
        return self.epoch > 1 or self.phase == "refit"


def state_of(run: Run, *, is_written: bool) -> RunState:
    """Return where a run stands.

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
    """Return the error of a command that needs a complete run and is given an incomplete one."""
    problem = f"run {run.name} is in {state.where} ({state.status})"
    if state.status == "training":
        return ArtefactError(problem, hint="wait until it is complete, or name another run")
    resume = f"sbr train --resume --name {run.name} continues it"
    if state.can_finish:
        finish = f"sbr train --finish {run.name} keeps its best epoch"
        return ArtefactError(problem, hint=f"{resume}, {finish}")
    return ArtefactError(problem, hint=resume)


def _count_epochs(run: Run, part: str = "") -> int:
    """Count the epochs that are done, by the rows of a history."""
    try:
        lines = (run.path / part / HISTORY_FILE).read_bytes().splitlines()
    except OSError:  # none so far
        return 0
    return max(len(lines) - 1, 0)
