"""What `sbr evaluate` is asked for: a split of the run's dataset, or a new log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.errors import UsageError
from sbrcli.evaluation.evaluate import Evaluation
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.chosen_run import name_run, open_run
from sbrcli.workflow.evaluate import evaluate_run


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What `sbr evaluate` is asked for."""

    run: str | None = None
    """The run; None for the latest."""

    config: EvaluateConfig
    baselines: Mapping[str, str] = field(default_factory=dict)
    """The options of a baseline, as in "k=50,sample=500", by its name."""

    hybrid_from: str | None = None
    """The run whose hybrid is taken over."""

    per_event: Path | None = None
    """The file to write, with one row for each model and target."""

    log: Path | None = None
    """The log to score; None for the split of the configuration."""

    reading: ReadConfig = field(default_factory=ReadConfig)
    """How the log is read."""


def evaluate_as_requested(
    workspace: Workspace, request: EvaluationRequest, reporter: Reporter = SILENT
) -> Evaluation:
    """Evaluate a run on a split of its dataset or on a new log, and report which run it is.

    Raises:
        UsageError: options are given of a baseline that is the run itself.
        ArtefactError, ConfigError, DataError: see `evaluate_run` and `evaluate_log`.
    """
    run = open_run(workspace, request.run, reporter)
    _check_own_options(run, request.baselines)
    config, baselines, hybrid_from = request.config, request.baselines, request.hybrid_from
    if request.log is None:
        evaluation = evaluate_run(
            run, workspace, config, baselines, request.per_event, hybrid_from, reporter
        )
    else:
        from sbrcli.workflow.evaluate_log import NewLog, evaluate_log  # which loads pandas

        new = NewLog(request.log, request.reading)
        evaluation = evaluate_log(run, workspace, config, new, baselines, hybrid_from, reporter)
    name_run(run, reporter)
    return evaluation


def _check_own_options(run: "Run", explicit: Mapping[str, str]) -> None:
    """Refuse options of a baseline that is the run itself, which keeps those it was fitted with."""
    if run.model in explicit:
        name = run.model
        raise UsageError(
            f"--{name} has no effect: run {run.name} is a {name} itself, with its own options",
            hint=f"fit another one: sbr train --dataset {run.dataset.name} --model {name} "
            f"--{name} OPTIONS",
        )
