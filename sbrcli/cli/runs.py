"""`sbr runs`: list runs, datasets and studies, show one in full, delete some."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sbrcli.cli import output
from sbrcli.cli.completion import complete_all
from sbrcli.cli.options import Invocation, subcommand
from sbrcli.cli.run_tables import detail_tables, list_tables
from sbrcli.cli.tables import Table, size_in_words
from sbrcli.errors import UsageError

if TYPE_CHECKING:
    from sbrcli.workflow.remove import Target

Action = Annotated[
    Literal["list", "show", "rm"],
    typer.Argument(
        metavar="[list|show|rm]",
        help="list (the default), show (NAME in full), or rm (delete each NAME).",
        show_default=False,
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="Name of a run, dataset or study (rm alone); runs/NAME, datasets/NAME or "
        "studies/NAME if several have it.",
        show_default=False,
        autocompletion=complete_all,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="rm: delete without confirmation.")]


@dataclass(frozen=True, slots=True)
class Removal:
    """The result of `sbr runs rm`."""

    removed: list[dict[str, Any]]


def register(app: typer.Typer) -> None:
    """Add `runs` to the application."""
    subcommand(app, example="sbr runs show ratings-user-1x100")(runs)


def runs(
    invocation: Invocation,
    *,
    action: Action = "list",
    names: Names = None,
    yes: Yes = False,
) -> None:
    """List runs, datasets and studies with size, state and metrics; show one; delete some.

    Studies are those of sbr tune. The metrics are mrr and recall at 20: of a run's best epoch on
    valid, and on test if sbr evaluate has stored them. rm asks for confirmation on a terminal,
    needs --yes elsewhere, and refuses to delete what another process is writing.
    """
    named = names or []
    _check_words(action, named, yes=yes)
    if action == "rm":
        _remove(invocation, named, yes=yes)
    elif action == "show":
        _show(invocation, named[0])
    else:
        _list(invocation)


def _check_words(action: str, names: Sequence[str], *, yes: bool) -> None:
    if action == "list" and names:
        raise UsageError("list takes no name", hint=f"sbr runs show {names[0]}")
    if action == "show" and len(names) != 1:
        raise UsageError("show takes one name", hint="sbr runs lists the names there are")
    if action == "rm" and not names:
        raise UsageError("rm takes at least one name", hint="sbr runs lists the names there are")
    if yes and action != "rm":
        raise UsageError("--yes is for rm only", hint="leave it out")


def _list(invocation: Invocation) -> None:
    from sbrcli.workflow.runs import list_all

    listing = list_all(invocation.workspace)
    invocation.output.show(listing, list_tables)
    for row in (*listing.runs, *listing.datasets, *listing.studies):
        if row.problem:
            invocation.output.warn(row.problem)
    if not listing.runs and not listing.datasets and not listing.studies:
        root = invocation.workspace.root
        invocation.output.note(f"nothing in {root} so far; sbr preprocess LOG makes a dataset")


def _show(invocation: Invocation, written: str) -> None:
    from sbrcli.workflow.runs import show_named

    details = show_named(invocation.workspace, written)
    invocation.output.show(details, detail_tables)
    if details.summary.problem:
        invocation.output.warn(details.summary.problem)


def _remove(invocation: Invocation, names: Sequence[str], *, yes: bool) -> None:
    from sbrcli.workflow.remove import remove_named

    out = invocation.output

    def report(target: "Target", is_back: bool) -> None:
        out.note(f"removed {target.kind} {target.name}, {size_in_words(target.bytes)}")
        if is_back:
            out.note(f"restored the {target.kind} {target.name}, which it was replacing")
        if target.trained:
            out.note(
                f"trained on it, and can no longer be evaluated or resumed: "
                f"{', '.join(target.trained)}"
            )

    confirm = None if yes else _confirm
    targets = remove_named(invocation.workspace, names, confirm, report)
    removed = [{"kind": one.kind, "name": one.name, "bytes": one.bytes} for one in targets]
    columns = ("kind", "name", "bytes")
    if not removed:
        out.note("nothing is removed")
    if not removed and not out.as_json:
        return
    out.show(
        Removal(removed),
        lambda shown: [Table("Removed", columns, [list(row.values()) for row in shown.removed])],
    )


def _confirm(targets: Sequence["Target"]) -> bool:
    """Ask for confirmation before deleting.

    Raises:
        UsageError: stdin is not a terminal.
    """
    if not output.is_terminal(sys.stdin):
        named = " ".join(target.written for target in targets)
        raise UsageError("rm asks for confirmation, and there is no terminal to ask on",
                         hint=f"sbr runs rm --yes {named}")  # fmt: skip
    for target in targets:
        line = f"{target.kind} {target.name}, {size_in_words(target.bytes)}"
        if target.trained:
            line += f"; trained on it: {', '.join(target.trained)}"
        sys.stderr.write(output.printable(line) + "\n")
    sys.stderr.write("delete? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D leaves the cursor in the line
        sys.stderr.write("\n")
    return answer.strip().lower() in ("y", "yes")
