"""`sbr evaluate`: how good a run is, and by which protocol that was found."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sbrcli.cli.options import Invocation, RunName, subcommand
from sbrcli.cli.output import Table
from sbrcli.config import EvaluateConfig

if TYPE_CHECKING:
    from sbrcli.evaluation.evaluate import Evaluation, Protocol

DEFAULTS = EvaluateConfig()

Split = Annotated[Literal["test", "valid"], typer.Option("--split", help="The split to score.")]
Ks = Annotated[
    list[int] | None,
    typer.Option(
        "-k",
        metavar="K",
        help="Cut the ranking here; may be given more than once. "
        f"[default: {', '.join(map(str, DEFAULTS.ks))}]",
    ),
]
ExcludeSeen = Annotated[
    bool,
    typer.Option(
        "--exclude-seen",
        help="Take the session's earlier items out of the candidates, as sbr recommend does.",
    ),
]
NotebookCoverage = Annotated[
    bool,
    typer.Option(
        "--notebook-coverage",
        help="Score only the events that the source notebook's loader reached, to set beside its "
        "printed figures.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `evaluate` to the application."""
    subcommand(app, example="sbr evaluate -k 10 -k 20")(evaluate)


def evaluate(
    invocation: Invocation,
    *,
    run: RunName = None,
    split: Split = DEFAULTS.split,
    k: Ks = None,
    exclude_seen: ExcludeSeen = DEFAULTS.exclude_seen,
    notebook_coverage: NotebookCoverage = DEFAULTS.notebook_coverage,
) -> None:
    """Rank every next item of a split among all items: recall, mrr and ndcg at each k.

    The protocol is printed beside the figures, and both are kept in the run's
    evaluation.json.
    """
    from sbrcli.evaluation.runs import evaluate_run

    config = EvaluateConfig(
        split=split,
        ks=tuple(dict.fromkeys(k)) if k else DEFAULTS.ks,
        exclude_seen=exclude_seen,
        notebook_coverage=notebook_coverage,
    )
    evaluation = evaluate_run(
        invocation.workspace.open("run", run),
        invocation.workspace,
        config,
        lambda total: invocation.output.progress(total, "events", "evaluate"),
    )
    invocation.output.show(evaluation, lambda shown: _tables(shown, config))


def _tables(evaluation: "Evaluation", config: EvaluateConfig) -> Iterator[Table]:
    title = f"Run {evaluation.run} on {evaluation.split}"
    yield _metrics_table(title, evaluation.metrics, config)
    if evaluation.protocol.unknown_events:
        title = "Unknown next items counted as misses"
        yield _metrics_table(title, evaluation.metrics_unknown_as_miss, config)
    rows = [
        *_protocol_rows(evaluation.protocol),
        ("events per second", evaluation.events_per_second),
    ]
    yield Table("Protocol", ("protocol", "value"), rows)


def _metrics_table(title: str, metrics: dict[str, float], config: EvaluateConfig) -> Table:
    names = ("recall", "mrr", "ndcg")
    rows = [(k, *(metrics[f"{name}@{k}"] for name in names)) for k in config.ks]
    return Table(title, ("k", *names), rows)


def _protocol_rows(protocol: "Protocol") -> Iterator[tuple[str, object]]:
    yield "dataset", protocol.dataset
    yield "first time", protocol.first_time
    yield "last time", protocol.last_time
    yield "coverage", protocol.coverage
    yield "next items scored", protocol.events
    yield "sessions", protocol.sessions
    yield "unknown next items, left out", protocol.unknown_events
    yield "candidates", protocol.candidates
    yield "session's earlier items", "left out" if protocol.exclude_seen else "are candidates"
    yield "next items seen before", protocol.seen_targets
    yield "tie rule", protocol.tie_rule
    yield "tie share", protocol.tie_share
