"""`sbr serve`: answer requests for recommendations over HTTP."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from sbrcli.cli.option_groups import takes_options
from sbrcli.cli.options import Invocation, RunArgument, RunName, one_name, subcommand
from sbrcli.config.serving import ServeConfig
from sbrcli.errors import ConfigError

_NEEDED = ("starlette", "uvicorn", "httptools", "prometheus_client")

Hybrid = Annotated[
    bool, typer.Option("--hybrid", help="Serve the blend that sbr evaluate --hybrid has chosen.")
]
Titles = Annotated[
    Path | None,
    typer.Option("--titles", metavar="FILE", help="File of item ids and titles to answer with."),
]


def register(app: typer.Typer) -> None:
    """Add `serve` to the application."""
    subcommand(app, example="sbr serve --port 8000 --workers 2 --follow")(serve)


def missing_packages(*others: str) -> list[str]:
    """Return the packages that `sbr serve` and others need, and that are not installed."""
    return [name for name in (*_NEEDED, *others) if find_spec(name) is None]


@takes_options("config", ServeConfig)
def serve(
    invocation: Invocation,
    *,
    named: RunArgument = None,
    run: RunName = None,
    config: ServeConfig,
    hybrid: Hybrid = False,
    titles: Titles = None,
) -> None:
    """Answer requests for recommendations over HTTP, until Ctrl-C or SIGTERM.

    POST /v1/recommend returns what sbr recommend --json prints; GET /openapi.json describes all
    endpoints, and the address that is printed shows a page to try them in a browser.
    """
    missing = missing_packages(*(() if config.items_table is None else ("pyarrow",)))
    if missing:
        raise ConfigError(
            f"sbr serve needs packages that are not installed: {', '.join(missing)}",
            hint="pip install '.[serve]' in the folder of sbr",
        )
    # Requests are scored side by side: threads within a product would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from sbrcli.serve.supervisor import serve
    from sbrcli.serve.worker import ServedRun

    name = one_name(named, run, "--run")
    served = ServedRun(invocation.workspace, name, hybrid, titles, config.items_table)
    serve(served, config, invocation.output)
