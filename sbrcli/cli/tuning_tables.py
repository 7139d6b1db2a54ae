"""The tables of `sbr tune`: trials, importance, and the plan of a dry run."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sbrcli.cli import output
from sbrcli.cli.tables import Table, Unit, size_in_words
from sbrcli.cli.train import plain_option
from sbrcli.cli.training_progress import write_duration

if TYPE_CHECKING:
    from sbrcli.workflow.tuning.result import TuneResult


def result_tables(result: "TuneResult") -> Iterator[Table]:
    """Return the trials of a study or grid, and the importance of its options."""
    what = f"Study {result.study}" if result.study else "Grid"
    title = f"{what} on dataset {result.dataset}, metrics on valid"
    best = [at for at, one in enumerate(result.trials) if result.best == one]
    if output.is_terminal(sys.stdout):
        columns, rows = _rows_for_person(result)
    else:
        columns, rows = _rows_for_pipe(result)
    stars = ["*" if at in best else "" for at in range(len(rows))]
    rows = [[*row, star] for row, star in zip(rows, stars, strict=True)]
    units = {"seconds": Unit.SECONDS}
    yield Table(title, [*columns, "best"], rows, whole=("state",), units=units, bold=best)
    if result.importance:
        shares = [[name.replace("_", "-"), share] for name, share in result.importance.items()]
        yield Table("Importance of the options", ("option", "share"), shares,
                    units={"share": Unit.SHARE})  # fmt: skip


def _rows_for_pipe(result: "TuneResult") -> tuple[list[str], list[list[object]]]:
    """Return a column for each option."""
    names = list(dict.fromkeys(name for trial in result.trials for name in trial.options))
    flags = [name.replace("_", "-") for name in names]
    rows: list[list[object]] = []
    for trial in result.trials:
        cells = [plain_option(trial.options.get(name)) for name in names]
        state = trial.state if trial.error is None else f"{trial.state}: {trial.error}"
        rows.append([trial.number, *cells, trial.valid_mrr, trial.epochs, trial.seconds, state])
    return ["trial", *flags, "mrr@20", "epochs", "seconds", "state"], rows


def _rows_for_person(result: "TuneResult") -> tuple[list[str], list[list[object]]]:
    """Return one column for all options, which a narrow terminal can wrap."""
    from sbrcli.workflow.tuning.result import shown_options

    rows: list[list[object]] = [
        [one.number, shown_options(one.options), one.valid_mrr, one.epochs, one.seconds, one.state]
        for one in result.trials
    ]
    return ["trial", "options", "mrr@20", "epochs", "seconds", "state"], rows


def plan_tables(result: "TuneResult") -> Iterator[Table]:
    """Return what a search would try, and what it takes."""
    plan = dict(result.plan)
    space, fixed = plan.pop("space"), plan.pop("fixed")
    defaults = plan.pop("defaults", {})
    seconds, memory = plan.pop("seconds"), plan.pop("memory_bytes")
    rows = [[name.replace("_", " "), plain_option(value)] for name, value in plan.items()]
    if memory is not None:
        rows.append(["memory of a trial", f"about {size_in_words(memory)}"])
    took = f"not measured; --measure {'fits once' if memory is None else 'times a few steps'}"
    rows.append(["time", took if seconds is None else f"up to {write_duration(seconds)}"])
    yield Table("What would be done", ("option", "value"), rows)
    rows = [[name.replace("_", "-"), values, plain_option(defaults.get(name))]
            for name, values in space.items()]  # fmt: skip
    yield Table("What would be searched", ("option", "values", "default"), rows)
    if fixed:
        rows = [[name.replace("_", "-"), plain_option(value)] for name, value in fixed.items()]
        yield Table("What is fixed", ("option", "value"), rows)
