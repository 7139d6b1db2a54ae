"""`sbr tune --grid`: train a run for every combination of values, and keep the runs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.search_space import Choices, written
from sbrcli.config.search_texts import parse_grid
from sbrcli.errors import ConfigError, TrainingError, UsageError
from sbrcli.evaluation.validation import validate
from sbrcli.models.registry import DEFAULT_FAMILY
from sbrcli.reporter import Reporter
from sbrcli.workflow.run_facts import training_seconds
from sbrcli.workflow.run_settings import settings_of
from sbrcli.workflow.train import train
from sbrcli.workflow.train_baseline import BaselineJob, train_baseline
from sbrcli.workflow.training_job import TrainingJob
from sbrcli.workflow.tuning.command import write_command
from sbrcli.workflow.tuning.events import OnTuneEvent, TrialEnded, TrialStarted, ignore_tune_event
from sbrcli.workflow.tuning.request import (
    TuneRequest,
    flag_of,
    make_settings,
    options_class_of,
    settings_on,
)
from sbrcli.workflow.tuning.result import (
    State,
    Trial,
    TuneResult,
    best_trial,
    estimate_seconds,
    require_some_complete,
)
from sbrcli.workflow.tuning.session_rules import datasets_by_rule
from sbrcli.workflow.tuning.settings import SESSION, SearchSettings


@dataclass(frozen=True, slots=True)
class GridRequest:
    """The values of a grid, as given on the command line."""

    texts: Sequence[str]
    """Such as "layers=1,2" or "session=user,gap:3600"."""

    log: Path | None = None
    """The log, to prepare other session rules from."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One combination of a grid's values."""

    settings: SearchSettings
    options: dict[str, Any]
    """The grid's own options, the session rule first."""

    job: TrainingJob | BaselineJob


def plan_grid(
    workspace: Workspace, request: TuneRequest, grid_request: GridRequest, reporter: Reporter
) -> list[Combination]:
    """Return the combinations of a grid, after checking the options of each.

    Args:
        workspace: where the datasets are.
        request: the dataset, and the options that are the same in all.
        grid_request: the values.
        reporter: receives notes on how the log was read.

    Raises:
        OptionError, ConfigError: values cannot be used, or do not go together.
        UsageError, ArtefactError, DataError: see `datasets_by_rule`.
    """
    options_class = options_class_of(request.model or DEFAULT_FAMILY)
    grid = parse_grid(
        grid_request.texts, options_class, [SESSION]
    )  # before any artefact is looked for
    settings = make_settings(workspace, request)
    twice = [name for name in grid if name in settings.fixed]
    if twice:
        flag = flag_of(settings.model, twice[0])
        raise UsageError(
            f"{flag} is fixed, and cannot be in the grid too", hint=f"omit {flag} or its --grid"
        )
    rules = grid.pop(SESSION, None)
    combinations = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    for options in combinations:
        settings.configure(options)
    if rules is None:
        return [_combine(workspace, settings, options, {}) for options in combinations]
    datasets = datasets_by_rule(workspace, settings.dataset, rules, grid_request.log, reporter)
    return [
        _combine(workspace, settings_on(dataset, request), options, {SESSION: rule})
        for rule, dataset in datasets.items()
        for options in combinations
    ]


def _combine(
    workspace: Workspace, settings: SearchSettings, options: dict[str, Any], rule: dict[str, str]
) -> Combination:
    job = settings.make_job(workspace, settings.configure(options))
    return Combination(settings, rule | options, job)


def tune_grid(
    workspace: Workspace,
    request: TuneRequest,
    grid_request: GridRequest,
    reporter: Reporter,
    on_event: OnTuneEvent = ignore_tune_event,
) -> TuneResult:
    """Train a run for each combination; those that exist already are not trained again.

    Args:
        workspace: the work directory of the datasets and runs.
        request: the dataset, and the options that are the same in all.
        grid_request: the values.
        reporter: receives notes on how the log was read.
        on_event: called with the events of `tuning.events` and of each training.

    Raises:
        TrainingError: all trainings have failed.
        SbrError: see `plan_grid` and `run_grid`.
    """
    combinations = plan_grid(workspace, request, grid_request, reporter)
    trials = run_grid(workspace, combinations, request.config.time_limit, on_event)
    require_some_complete(trials)
    first = combinations[0]
    best = best_trial(trials, first.settings.monitor)
    command = None
    if best is not None:
        winner = combinations[best.number - 1]
        is_refit = bool(request.fixed.get("refit"))
        options = {name: value for name, value in winner.options.items() if name != SESSION}
        config = winner.settings.configure(options)
        command = write_command(winner.settings.train_words(config, refit=is_refit))
    return TuneResult(
        study=None,
        dataset=first.settings.dataset.name,
        model=first.settings.model,
        monitor=first.settings.monitor,
        trials=trials,
        best=best,
        command=command,
    )


def describe_grid(
    workspace: Workspace, request: TuneRequest, grid_request: GridRequest, reporter: Reporter
) -> TuneResult:
    """Describe a grid without training: its values, and how many of its runs exist already."""
    combinations = plan_grid(workspace, request, grid_request, reporter)
    first = combinations[0]
    found = [workspace.find("run", one.job.name) for one in combinations]
    done = [_trial_of_run(run, _begin(n, combinations[n - 1]))
            for n, run in enumerate(found, 1) if run is not None and run.is_complete]  # fmt: skip
    left = len(combinations) - len(done)
    estimate = first.settings.estimate(workspace, measure=request.measure)
    values = {name: [one.options[name] for one in combinations] for name in first.options}
    plan = {
        "model": first.settings.model,
        "trials": len(combinations),
        "trials_done": len(done),
        "epochs_per_trial": first.settings.epochs,
        "space": {name: str(Choices(tuple(dict.fromkeys(each)))) for name, each in values.items()},
        "fixed": request.fixed,
        "memory_bytes": estimate.memory_bytes,
        "seconds": estimate_seconds(done, left, request.config.time_limit, estimate.seconds),
    }
    return TuneResult(
        study=None,
        dataset=first.settings.dataset.name,
        model=first.settings.model,
        monitor=first.settings.monitor,
        trials=[],
        best=None,
        command=None,
        plan=plan,
    )


def run_grid(
    workspace: Workspace,
    combinations: Sequence[Combination],
    time_limit: float | None,
    on_event: OnTuneEvent,
) -> list[Trial]:
    """Train the runs that do not exist yet; return a trial for each combination that was begun.

    Args:
        workspace: the work directory of the runs.
        combinations: what to train.
        time_limit: in seconds; no training begins after it.
        on_event: called with the events of `tuning.events` and of each training.

    Raises:
        ArtefactError: another run has the name of one of these.
        KeyboardInterrupt: Ctrl-C was pressed; the run can be resumed.
    """
    began = time.monotonic()
    trials: list[Trial] = []
    seconds: list[float] = []
    for number, one in enumerate(combinations, 1):
        spent = time.monotonic() - began
        if time_limit is not None and trials and spent >= time_limit:
            break

        def report(kind: type[TrialStarted] | type[TrialEnded], trial: Trial, left: int) -> None:
            expected = left * sum(seconds) / len(seconds) if seconds else None
            best = best_trial(trials, combinations[0].settings.monitor)
            on_event(kind(trial=trial, trials=len(combinations), best=best, seconds_left=expected))

        begun = _begin(number, one)
        report(TrialStarted, begun, len(combinations) - number + 1)
        trial_began = time.monotonic()
        trials.append(_train_one(workspace, one, begun, on_event))
        if trials[-1].seconds is not None:
            seconds.append(time.monotonic() - trial_began)
        report(TrialEnded, trials[-1], len(combinations) - number)
    return trials


def _begin(number: int, one: Combination) -> Trial:
    options = {name: written(value) for name, value in one.options.items()}
    dataset = one.settings.dataset.name
    return Trial(number=number, options=options, state="running", run=one.job.name, dataset=dataset)


def _train_one(
    workspace: Workspace, combination: Combination, begun: Trial, on_event: OnTuneEvent
) -> Trial:
    """Train a run, resume it, or find that it is complete."""
    from sbrcli.models.training.backend import release_memory

    job = combination.job
    found = workspace.find("run", job.name)
    is_begun = found is not None and not found.is_complete and settings_of(found) == job.settings()
    began = time.monotonic()
    try:
        if isinstance(job, BaselineJob):
            train_baseline(workspace, job, validate, workspace.reporter)
        else:
            train(workspace, job, validate, on_event, resume=is_begun)
    except (TrainingError, ConfigError) as error:
        return replace(begun, state="failed", error=str(error), run=None,
                       seconds=round(time.monotonic() - began, 3))  # fmt: skip
    if not isinstance(job, BaselineJob) and (found is None or not found.is_complete):
        release_memory()
    return _trial_of_run(workspace.open("run", job.name), begun)


def _trial_of_run(run: Run, begun: Trial) -> Trial:
    rows = run.epochs or []
    best = next((row for row in rows if row["epoch"] == run.best_epoch), {})
    metrics = {name: figure for name, figure in best.items() if "@" in name and figure is not None}
    state: State = "complete"
    return replace(
        begun,
        state=state,
        valid_mrr=metrics.get("mrr@20"),
        metrics=metrics,
        seconds=training_seconds(run),
        epochs=len(rows),
        best_epoch=run.best_epoch,
    )
