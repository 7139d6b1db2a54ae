"""Options that belong together: declared as a table, and given to a subcommand as one thing."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any


def takes_options(
    parameter: str,
    options: Mapping[str, tuple[Any, Any]],
    gather: Callable[[dict[str, Any]], Any],
) -> Callable[[Callable], Callable]:
    """Replace a subcommand's options by one parameter that holds what is built from them.

    Args:
        parameter: the function's keyword-only parameter; its place in the help is the options'.
        options: each option's annotation and default, by the name that it has in Python.
        gather: makes the parameter's value of the options' values.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def run(*words: Any, **values: Any) -> None:
            gathered = gather({name: values.pop(name) for name in options})
            function(*words, **{parameter: gathered}, **values)

        own = inspect.signature(function)
        parameters = []
        for name, kept in own.parameters.items():
            parameters += _declared(options) if name == parameter else [kept]
        run.__signature__ = own.replace(parameters=parameters)  # pyright: ignore
        return run

    return decorate


def _declared(options: Mapping[str, tuple[Any, Any]]) -> list[inspect.Parameter]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(name, keyword, annotation=annotation, default=default)
        for name, (annotation, default) in options.items()
    ]
