"""How far a run that is not complete has come, and what can be done with it."""

from dataclasses import dataclass
from typing import Literal

from sbrcli.artefacts.artefact import Artefact, is_complete
from sbrcli.errors import ArtefactError

HISTORY_FILE = "history.csv"
REFIT_FOLDER = "refit"
"""Within the run: history and checkpoint of its second phase, with `--refit`."""

Status = Literal["complete", "training", "interrupted"]


@dataclass(frozen=True, slots=True)
class RunState:
    """Where a run stands."""

    status: Status
    phase: Literal["fit", "refit"]
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


def state_of(run: Artefact, *, is_written: bool) -> RunState:
    """Return where a run stands.

    Args:
        run: the run.
        is_written: whether a process is writing it now.
    """
    manifest = run.manifest
    config, epochs = manifest.get("config", {}), manifest.get("epochs") or []
    if is_complete(run):
        return RunState("complete", "fit", len(epochs), config.get("epochs"))
    status: Status = "training" if is_written else "interrupted"
    if manifest.get("phase") == "refit":
        most, done = manifest.get("best_epoch"), _count_epochs(run, REFIT_FOLDER)
        return RunState(status, "refit", min(done + 1, most or done + 1), most)
    most, done = config.get("epochs"), _count_epochs(run)
    under_way = min(done + 1, most) if isinstance(most, int) else done + 1
    return RunState(status, "fit", under_way, most)


def incomplete(run: Artefact, state: RunState) -> ArtefactError:
    """Make the error of a command that needs a complete run and is given an incomplete one."""
    said = f"run {run.name} is in {state.where} ({state.status})"
    if state.status == "training":
        return ArtefactError(said, hint="wait until it is complete, or name another run")
    resume = f"sbr train --resume --name {run.name} continues it"
    if state.can_finish:
        finish = f"sbr train --finish {run.name} keeps its best epoch"
        return ArtefactError(said, hint=f"{resume}, {finish}")
    return ArtefactError(said, hint=resume)


def _count_epochs(run: Artefact, part: str = "") -> int:
    """Count the epochs that are done, by the rows of a history."""
    try:
        lines = (run.path / part / HISTORY_FILE).read_bytes().splitlines()
    except OSError:  # none so far
        return 0
    return max(len(lines) - 1, 0)
