"""`sbr blend`: make a run of other runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.completion import complete_runs
from sbrcli.cli.options import Invocation, subcommand
from sbrcli.cli.tables import Table

if TYPE_CHECKING:
    from sbrcli.workflow.make_blend import BlendResult

Runs = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN RUN…",
        help="Two runs or more of one dataset: networks, baselines, or other seeds of one network.",
        show_default=False,
        autocompletion=complete_runs,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name of the blend. \\[default: from the dataset and the runs]",
        autocompletion=complete_runs,
    ),
]
Equal = Annotated[
    bool,
    typer.Option(
        "--equal",
        help="Give all runs the same weight, such as when no valid split is left to choose on.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing run of the same name.")
]


def register(app: typer.Typer) -> None:
    """Add `blend` to the application."""
    example = "sbr blend ratings-user-1x100 ratings-user-1x100-seed2 --name both"
    subcommand(app, example=example)(blend)


def blend(
    invocation: Invocation,
    runs: Runs,
    *,
    name: Name = None,
    equal: Equal = False,
    overwrite: Overwrite = False,
) -> None:
    """Make a new run that scores by the weighted mean of other runs of one dataset.

    The weights are chosen by mrr@20 on the valid split. The new run holds a copy of their models,
    so that it needs no other run; evaluate, compare, report, recommend and serve take it like any
    other. The blend of one network with a baseline is also made by sbr evaluate --hybrid.
    """
    from sbrcli.workflow.make_blend import blend_runs

    workspace, out = invocation.workspace, invocation.output
    result = blend_runs(workspace, runs, name, out, is_equal=equal, overwrite=overwrite)
    out.note(f"run {result.run} on dataset {result.dataset}")
    if result.already_there:
        out.note(f"run {result.run} already exists, made of the same runs")
    elif result.choice is not None:
        out.note(_gain_in_words(result))
    out.show(result, _tables)


def _gain_in_words(result: "BlendResult") -> str:
    choice = result.choice or {}
    error, best = choice["standard_error"], result.members[choice["best_alone"]].run
    uncertain = "unknown" if error is None else f"{error:.4f}"
    return (
        f"gain over {best}, the best of the runs, in mrr@20 on {choice['events']:,} next items of "
        f"valid (standard error): {choice['gain']:+.4f} ({uncertain})"
    )


def _tables(result: "BlendResult") -> Iterator[Table]:
    columns = ("run", "model", "weight", "recall@20", "mrr@20")
    trials = {tuple(t["weights"]): t["metrics"] for t in (result.choice or {}).get("trials", ())}
    rows = []
    for place, one in enumerate(result.members):
        alone = tuple(float(place == own) for own in range(len(result.members)))
        metrics = trials.get(alone, {})
        rows.append(
            [
                one.run,
                one.model,
                f"{one.weight:.4g}",
                metrics.get("recall@20"),
                metrics.get("mrr@20"),
            ]
        )
    chosen = trials.get(tuple(one.weight for one in result.members), result.metrics or {})
    rows.append([result.run, "blend", "1", chosen.get("recall@20"), chosen.get("mrr@20")])
    yield Table(f"Run {result.run} (valid)", columns, rows, bold=[len(rows) - 1])
