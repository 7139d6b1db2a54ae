"""The options of `sbr evaluate` that the registry of baselines decides."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

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


def takes_baseline_options(parameter: str) -> Callable[[Callable], Callable]:
    """Replace a parameter of a subcommand's function by an option for each baseline with options.

    Args:
        parameter: the function's keyword-only parameter, which takes a dictionary of the texts
            that the user gave, by the baseline's name; the options take its place in the help.
    """
    declared = {baseline.name.replace("-", "_"): baseline for baseline in with_options()}

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def run(*words: Any, **values: Any) -> None:
            texts = {baseline.name: values.pop(key) for key, baseline in declared.items()}
            given = {name: text for name, text in texts.items() if text is not None}
            function(*words, **{parameter: given}, **values)

        own = inspect.signature(function)
        options = [
            _parameter(key, f"--{baseline.name}", baseline.help, baseline.options())
            for key, baseline in declared.items()
        ]
        parameters = []
        for name, kept in own.parameters.items():
            parameters += options if name == parameter else [kept]
        run.__signature__ = own.replace(parameters=parameters)  # pyright: ignore
        return run

    return decorate


def _parameter(key: str, flag: str, meaning: str, defaults: Any) -> inspect.Parameter:
    """Return the parameter that Typer makes an option of."""
    spaced = write_options(defaults).replace(",", ", ")  # lines of the help break at spaces only
    settings = typer.Option(flag, metavar="OPTIONS", help=f"{meaning} \\[default: {spaced}]")
    return inspect.Parameter(
        key,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[str | None, settings],
        default=None,
    )
