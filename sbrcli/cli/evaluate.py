"""`sbr evaluate`: the metrics of a run, with their evaluation protocol."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.baseline_options import registered_settings, takes_baseline_options
from sbrcli.cli.completion import complete_runs
from sbrcli.cli.evaluation_tables import evaluation_tables
from sbrcli.cli.option_groups import takes_options, takes_read_options
from sbrcli.cli.options import Invocation, RunArgument, RunName, one_name, subcommand
from sbrcli.cli.output import Output
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.errors import UsageError
from sbrcli.models.baselines.options import configure_baselines
from sbrcli.models.baselines.registry import partner_names

if TYPE_CHECKING:
    from sbrcli.evaluation.evaluate import Evaluation

HybridFrom = Annotated[
    str | None,
    typer.Option(
        "--hybrid-from",
        metavar="RUN",
        help="Take over the hybrid chosen for another run, as a run trained with --refit has no "
        "valid split to choose on.",
        autocompletion=complete_runs,
    ),
]
PerEvent = Annotated[
    Path | None,
    typer.Option(
        "--per-event",
        metavar="FILE",
        help="Write a Parquet file with one row per target: model, session, position, target, "
        "rank, score.",
    ),
]


NewLogPath = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="LOG",
        allow_dash=True,
        help="Score this log instead of a split, such as today's events with yesterday's run: a "
        "file, a folder, or - for standard input. It is read and cut into sessions as the run's "
        "dataset was; the metrics are printed but not stored.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `evaluate` to the application."""
    has_config = takes_options("config", EvaluateConfig, completed=registered_settings())
    has_baselines = takes_baseline_options("baselines")
    subcommand(app, example="sbr evaluate ratings-user-1x100 -k 10,20")(
        has_config(has_baselines(takes_read_options(evaluate)))
    )


def evaluate(
    invocation: Invocation,
    *,
    named: RunArgument = None,
    run: RunName = None,
    config: EvaluateConfig,
    hybrid_from: HybridFrom = None,
    baselines: dict[str, str],
    per_event: PerEvent = None,
    log: NewLogPath = None,
    reading: ReadConfig,
) -> None:
    """Rank every next item of a split among all items: recall, mrr and ndcg at each k.

    The metrics are printed with their evaluation protocol, and both are stored in the run's
    evaluation.json. With --log, a new log is scored instead of a split.
    """
    from sbrcli.evaluation.per_event import check_place
    from sbrcli.workflow.evaluation_request import EvaluationRequest, evaluate_as_requested

    if hybrid_from is not None:
        config = replace(config, hybrid=True)
    _check_baselines(baselines, config)
    if per_event is not None:
        check_place(per_event)
    _check_log(log, config, reading, per_event)
    request = EvaluationRequest(
        run=one_name(named, run, "--run"),
        config=config,
        baselines=baselines,
        hybrid_from=hybrid_from,
        per_event=per_event,
        log=log,
        reading=reading,
    )
    evaluation = evaluate_as_requested(invocation.workspace, request, invocation.output)
    _show(invocation.output, evaluation, config)


def _show(out: Output, evaluation: "Evaluation", config: EvaluateConfig) -> None:
    from sbrcli.evaluation.metrics import find_wide_cuts
    from sbrcli.workflow.contenders import HYBRID

    for text in find_wide_cuts(config.ks, evaluation.protocol.candidates):
        out.warn(text)
    if evaluation.verdict:
        out.note(evaluation.verdict)
    for row in evaluation.leaderboard or ():
        if row.model == HYBRID:
            out.note(f"the hybrid has {row.options}")
    out.show(evaluation, lambda shown: evaluation_tables(shown, config.ks))


def _check_log(
    log: Path | None, config: EvaluateConfig, reading: ReadConfig, per_event: Path | None
) -> None:
    """Refuse options that need --log, and options that cannot be combined with it."""
    if log is None:
        if reading != ReadConfig():
            raise UsageError(
                "options that say how a log is read need --log", hint="sbr evaluate --log LOG"
            )
        return
    others = {
        "--split valid": config.split != "test",
        "--notebook-coverage": config.notebook_coverage,
        "--per-event": per_event is not None,
    }
    for option, is_given in others.items():
        if is_given:
            raise UsageError(
                f"{option} scores a split of the dataset, and cannot be combined with --log",
                hint=f"leave {option} or --log out",
            )


def _check_baselines(explicit: dict[str, str], config: EvaluateConfig) -> None:
    """Check the baselines' options that were given, before a run is opened."""
    configure_baselines(explicit)
    compared = (*config.baselines, *(partner_names() if config.hybrid else ()))
    idle = [name for name in explicit if name not in compared]
    if idle:
        raise UsageError(
            f"--{idle[0]} has no effect: {idle[0]} is not among the compared models",
            hint=f"sbr evaluate --baselines {idle[0]} --{idle[0]} OPTIONS",
        )
