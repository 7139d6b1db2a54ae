"""`sbr export`: write a run for another runtime."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sbrcli.cli.option_groups import takes_options
from sbrcli.cli.options import Invocation, RunArgument, RunName, one_name, subcommand
from sbrcli.cli.tables import Table, size_in_words
from sbrcli.config.export import ExportConfig

if TYPE_CHECKING:
    from sbrcli.workflow.export import Export

Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Folder to create. \\[default: the run's name and the format]",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier export.")]


def register(app: typer.Typer) -> None:
    """Add `export` to the application."""
    subcommand(app, example="sbr export --format onnx --out model")(export)


@takes_options("config", ExportConfig)
def export(
    invocation: Invocation,
    *,
    named: RunArgument = None,
    run: RunName = None,
    config: ExportConfig,
    out: Out = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a run's network for another runtime: ONNX, TensorFlow or Keras.

    The folder holds the model, the ids of its items (items.json), and a model card (README.md)
    with its inputs and outputs, code that uses it, and its stored figures. The network alone is
    exported: the partner of a hybrid is not.
    """
    from sbrcli.workflow.export import export_named

    name = one_name(named, run, "--run")
    exported = export_named(
        invocation.workspace, name, config, out, invocation.output, overwrite=overwrite
    )
    invocation.output.show(exported, _tables)
    if not exported.is_new:
        invocation.output.note(f"{exported.path} is this export already; nothing was written")
    else:
        invocation.output.note(
            f"wrote {exported.path}, {size_in_words(exported.bytes)}; its README.md shows how to "
            "use it"
        )


def _tables(exported: "Export") -> Iterator[Table]:
    row = (exported.path, exported.format, exported.run, exported.bytes)
    yield Table("Export", ("path", "format", "run", "bytes"), [row], whole=("path", "run"))
