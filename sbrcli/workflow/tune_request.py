"""What `sbr tune` is asked for: a search or a grid, only its plan, and a run of the best trial."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.workers import require_no_cluster
from sbrcli.models.registry import is_baseline
from sbrcli.models.training.events import OnEvent
from sbrcli.reporter import Reporter
from sbrcli.workflow.train_result import TrainResult
from sbrcli.workflow.tune import describe_search, tune
from sbrcli.workflow.tuning.events import OnTuneEvent
from sbrcli.workflow.tuning.request import TuneRequest, train_best
from sbrcli.workflow.tuning.result import TuneResult

Searching = Callable[[], AbstractContextManager[OnTuneEvent]]
"""Opens what shows the trials; its value is called with their events."""

Training = Callable[[Callable[[OnEvent], TrainResult]], TrainResult]
"""Calls the training of the best trial with a handler of its events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What to do with a request of `sbr tune`."""

    request: TuneRequest
    grid: tuple[str, ...] = ()
    """The values of a grid, such as "layers=1,2"; without them, options are searched."""

    log: Path | None = None
    """The log, to prepare the datasets of a grid of session rules from."""

    is_dry_run: bool = False
    """Describe the search or the grid only."""

    trains_best: bool = False
    """Train the best trial as a run."""


def tune_as_requested(
    workspace: Workspace,
    tuning: Tuning,
    reporter: Reporter,
    searching: Searching,
    training: Training,
) -> TuneResult:
    """Search for options, or train a grid of them, and then the best trial as a run.

    Args:
        workspace: where the dataset is and the study is stored.
        tuning: what to do.
        reporter: receives notes on how a log was read, and warnings.
        searching: opened while trials are trained.
        training: called to train the best trial.

    Raises:
        ArtefactError, ConfigError, TrainingError, UsageError: see `tune`, `tune_grid` and
            `train_best`.
    """
    request = tuning.request
    require_no_cluster("sbr tune")
    if tuning.grid:
        result = _train_grid(workspace, tuning, reporter, searching)
    elif tuning.is_dry_run:
        result = describe_search(workspace, request)
    else:
        result = _search(workspace, request, searching)
    if tuning.is_dry_run or not tuning.trains_best or result.best is None:
        return result
    trained = training(lambda on_event: train_best(workspace, request, result, on_event))
    return replace(result, run=trained.run)


def _search(workspace: Workspace, request: TuneRequest, searching: Searching) -> TuneResult:
    from sbrcli.workflow.tuning.baseline_trial import BaselineRunner
    from sbrcli.workflow.tuning.child import ChildRunner

    of_baseline = request.model is not None and is_baseline(request.model)
    with searching() as on_event:
        return tune(workspace, request, on_event, BaselineRunner if of_baseline else ChildRunner)


def _train_grid(
    workspace: Workspace, tuning: Tuning, reporter: Reporter, searching: Searching
) -> TuneResult:
    from sbrcli.workflow.tuning.grid import GridRequest, describe_grid, tune_grid

    values = GridRequest(tuning.grid, tuning.log)
    if tuning.is_dry_run:
        return describe_grid(workspace, tuning.request, values, reporter)
    with searching() as on_event:
        result = tune_grid(workspace, tuning.request, values, reporter, on_event)
    if len({trial.dataset for trial in result.trials}) > 1:
        reporter.warn(
            "the trials are of different datasets, whose metrics on valid are of different "
            "targets: compare them on test with sbr evaluate and sbr compare"
        )
    return result
