"""The options of `sbr train` that name things on disk or choose what the command does.

Those of the model and its training are declared in `sbrcli.config`.
"""

from typing import Annotated

import typer

from sbrcli.cli.completion import complete_runs, complete_words
from sbrcli.models.baselines.registry import BASELINES
from sbrcli.models.registry import DEFAULT_FAMILY, FAMILIES, find_family

_PRESETS = dict.fromkeys(name for model in FAMILIES for name in find_family(model).presets)

Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        autocompletion=complete_words(_PRESETS),
        help=f"Named set of options ({', '.join(_PRESETS)}); options you pass override it.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        autocompletion=complete_words((*FAMILIES, *BASELINES)),
        help=f"Network ({', '.join(FAMILIES)}), or baseline ({', '.join(BASELINES)}). "
        f"\\[default: {DEFAULT_FAMILY}]",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="Name of the run. \\[default: from the dataset, the layers and the options that "
        "differ]",
        autocompletion=complete_runs,
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing run of the same name.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Resume the run that was interrupted last, or the one that --name names."
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Start from the weights and options of a complete run; options you pass override "
        "its own.",
        autocompletion=complete_runs,
    ),
]
Finish = Annotated[
    str | None,
    typer.Option(
        "--finish",
        metavar="RUN",
        autocompletion=complete_runs,
        help="Complete an interrupted run with its best epoch so far, without training.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Print the plan, and the memory and disk that training takes, without training.",
    ),
]
Measure = Annotated[
    bool,
    typer.Option("--measure", help="With --dry-run: time a few steps, and estimate the time too."),
]
