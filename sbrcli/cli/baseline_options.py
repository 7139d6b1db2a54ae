"""The options of `sbr evaluate` and `sbr train` that the registry of baselines decides."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from sbrcli.errors import UsageError
from sbrcli.models.baselines.baseline import Baseline
from sbrcli.models.baselines.options import write_options
from sbrcli.models.baselines.registry import (
    BASELINES,
    parse_names,
    partner_names,
    with_options,
)


def registered_settings() -> dict[str, dict[str, Any]]:
    """Return what completes the declarations of `EvaluateConfig` that name baselines."""
    *first, last = partner_names()
    return {
        "baselines": {
            "names": ", ".join(BASELINES),
            "choices": ("all", *BASELINES),
            "parse": parse_names,
        },
        "hybrid": {"names": f"{', '.join(first)} or {last}"},
    }


def check_model_options(
    model: str | None, baselines: Mapping[str, str], verb: str = "train"
) -> None:
    """Check that a run's options of baselines are those of its model.

    Args:
        model: the name of the model.
        baselines: the texts of options that the user gave, by the baseline's name.
        verb: what the command does, for the hint.

    Raises:
        UsageError: one is of another model.
    """
    for name in baselines:
        if name != model:
            raise UsageError(
                f"--{name} would do nothing: it has the options of --model {name}",
                hint=f"leave --{name} out, or {verb} with: --model {name}",
            )


def require_no_network_options(model: str, values: Mapping[str, Any]) -> None:
    """Check that no option of networks is given for a baseline.

    Args:
        model: the baseline's name.
        values: the values of these options, by name; None or False where they are not given.

    Raises:
        UsageError: one is given.
    """
    given = [name for name, value in values.items() if value not in (None, False)]
    if given:
        flag = f"--{given[0].replace('_', '-')}"
        raise UsageError(
            f"{flag} is for networks; {model} is a baseline, which is fitted in one pass",
            hint=f"leave {flag} out; sbr train --help lists the options of each model",
        )


def takes_baseline_options(
    parameter: str, panel: str | None = None
) -> Callable[[Callable], Callable]:
    """Replace a parameter of a subcommand's function by an option for each baseline with options.

    Args:
        parameter: the function's keyword-only parameter, which takes a dictionary of the texts
            that the user gave, by the baseline's name; the options take its place in the help.
        panel: the panel of the help that lists them.
    """
    declared = {baseline.name.replace("-", "_"): baseline for baseline in with_options()}

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def run(*words: Any, **values: Any) -> None:
            texts = {baseline.name: values.pop(key) for key, baseline in declared.items()}
            given = {name: text for name, text in texts.items() if text is not None}
            function(*words, **{parameter: given}, **values)

        own = inspect.signature(function)
        options = [_parameter(key, baseline, panel) for key, baseline in declared.items()]
        parameters = []
        for name, kept in own.parameters.items():
            parameters += options if name == parameter else [kept]
        run.__signature__ = own.replace(parameters=parameters)  # pyright: ignore
        return run

    return decorate


def _parameter(key: str, baseline: Baseline, panel: str | None) -> inspect.Parameter:
    """Return the parameter that Typer makes an option of."""
    defaults = write_options(baseline.options())
    spaced = defaults.replace(",", ", ")  # lines of the help break at spaces only
    settings = typer.Option(
        f"--{baseline.name}",
        metavar="OPTIONS",
        help=f"{baseline.help} \\[default: {spaced}]",
        rich_help_panel=panel,
    )
    return inspect.Parameter(
        key,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[str | None, settings],
        default=None,
    )
