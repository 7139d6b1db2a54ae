"""`sbr runs`: which runs and datasets there are; one of them in full; delete some."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sbrcli.cli import output
from sbrcli.cli.completion import complete_both
from sbrcli.cli.options import Invocation, subcommand
from sbrcli.cli.tables import Table
from sbrcli.errors import UsageError

if TYPE_CHECKING:
    from sbrcli.evaluation.listing import DatasetRow, Details, Listing, RunRow
    from sbrcli.evaluation.removal import Target

_STATE = ("state", "made", "size", "valid", "test")
_FIGURES = ("valid_mrr", "valid_recall", "test_mrr", "test_recall")
Action = Annotated[
    Literal["list", "show", "rm"],
    typer.Argument(
        metavar="[list|show|rm]",
        help="list (unless given), show NAME in full, or rm: delete each NAME.",
        show_default=False,
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[NAME]...",
        help="A run or dataset; runs/NAME or datasets/NAME where both have the name.",
        show_default=False,
        autocompletion=complete_both,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="rm: delete without asking.")]


@dataclass(frozen=True, slots=True)
class Removal:
    """What `sbr runs rm` has deleted."""

    removed: list[dict[str, Any]]


def register(app: typer.Typer) -> None:
    """Add `runs` to the application."""
    subcommand(app, example="sbr runs show user-1x100")(runs)


def runs(
    invocation: Invocation,
    *,
    action: Action = "list",
    names: Names = None,
    yes: Yes = False,
) -> None:
    """List runs and datasets with size, state and figures; show one in full; delete some.

    The figures are mrr and recall at 20: of a run's best epoch on valid, and on test where
    sbr evaluate has kept them. rm asks on a terminal, needs --yes elsewhere, deletes each
    folder at once, and refuses what another process is writing.
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
        raise UsageError("--yes goes with rm alone", hint="leave it out")


def _list(invocation: Invocation) -> None:
    from sbrcli.evaluation.listing import list_all

    listing = list_all(invocation.workspace)
    invocation.output.show(listing, _list_tables)
    for row in (*listing.runs, *listing.datasets):
        if row.problem:
            invocation.output.warn(row.problem)
    if not listing.runs and not listing.datasets:
        root = invocation.workspace.root
        invocation.output.note(f"nothing in {root} so far; sbr preprocess LOG makes a dataset")


def _show(invocation: Invocation, written: str) -> None:
    from sbrcli.evaluation.listing import show_one
    from sbrcli.evaluation.removal import resolve

    details = show_one(invocation.workspace, *resolve(invocation.workspace, written))
    invocation.output.show(details, _detail_tables)
    if details.summary.problem:
        invocation.output.warn(details.summary.problem)


def _remove(invocation: Invocation, names: Sequence[str], *, yes: bool) -> None:
    from sbrcli.evaluation.removal import find_targets, remove

    out, removed = invocation.output, []
    targets = find_targets(invocation.workspace, names)
    if not yes and not _confirm(targets):
        out.note("nothing is removed")
        targets = []
    for target in targets:
        is_back = remove(invocation.workspace, target)
        removed.append({"kind": target.kind, "name": target.name, "bytes": target.bytes})
        out.note(f"removed {target.kind} {target.name}, {_size(target.bytes)}")
        if is_back:
            out.note(f"the {target.kind} {target.name} that it was to replace is back")
        if target.trained:
            out.note(
                f"trained on it, and no longer to be evaluated or resumed: "
                f"{', '.join(target.trained)}"
            )
    columns = ("kind", "name", "bytes")
    out.show(
        Removal(removed),
        lambda shown: [Table("Removed", columns, [list(row.values()) for row in shown.removed])],
    )


def _confirm(targets: Sequence["Target"]) -> bool:
    """Ask whether to delete; where nobody can answer, refuse.

    Raises:
        UsageError: stdin is no terminal.
    """
    if not output.is_terminal(sys.stdin):
        named = " ".join(f"{target.kind}s/{target.name}" for target in targets)
        raise UsageError("rm asks before it deletes, and there is no terminal to ask on",
                         hint=f"sbr runs rm --yes {named}")  # fmt: skip
    for target in targets:
        line = f"{target.kind} {target.name}, {_size(target.bytes)}"
        if target.trained:
            line += f"; trained on it: {', '.join(target.trained)}"
        sys.stderr.write(output.printable(line) + "\n")
    sys.stderr.write("delete? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):  # Ctrl-D, after which the terminal's line goes on
        sys.stderr.write("\n")
    return answer.strip().lower() in ("y", "yes")


def _list_tables(listing: "Listing") -> Iterator[Table]:
    if output.is_terminal(sys.stdout):
        yield from _for_person(listing)
        return
    columns = ("run", "dataset", "status", "epoch", "epochs", "bytes", "created_at", *_FIGURES)
    yield Table("Runs", columns, [[getattr(row, name) for name in columns] for row in listing.runs])
    columns = ("dataset", "status", "bytes", "created_at", "log", "session")
    columns += ("events", "sessions", "items")
    rows = [[getattr(row, name) for name in columns] for row in listing.datasets]
    yield Table("Datasets", columns, rows)


def _for_person(listing: "Listing") -> Iterator[Table]:
    """Give what fits into 80 columns."""
    # A run is called after its dataset unless --name says otherwise.
    has_datasets = any(not row.run.startswith(row.dataset or "") for row in listing.runs)
    rows = [
        (
            row.run,
            *([row.dataset] if has_datasets else []),
            *(_state(row), _date(row.created_at), _size(row.bytes)),
            *(_both(row.valid_mrr, row.valid_recall), _both(row.test_mrr, row.test_recall)),
        )
        for row in listing.runs
    ]
    columns = ("run", *(["dataset"] if has_datasets else []), *_STATE)
    if listing.runs:
        yield Table("Runs, with mrr@20 and recall@20", columns, rows, whole=columns)
    if listing.datasets:
        yield Table(
            "Datasets",
            ("dataset", "log", "state", "made", "size", "events", "sessions"),
            [
                (row.dataset, row.log, row.status, _date(row.created_at), _size(row.bytes),
                 row.events, row.sessions)
                for row in listing.datasets
            ], whole=("dataset", "log", *_STATE),
        )  # fmt: skip


def _detail_tables(details: "Details") -> Iterator[Table]:
    manifest = details.manifest
    facts = {
        name: value for name, value in _facts(details).items() if value not in (None, "", {}, [])
    }
    yield Table(f"{details.kind} {details.name}", ("what", "value"), list(facts.items()))
    options = [
        (name.replace("_", "-"), _plain(v)) for name, v in manifest.get("config", {}).items()
    ]
    yield Table("Options", ("option", "value"), options)
    if details.kind == "dataset":
        columns = ("events", "sessions", "items", "first_time", "last_time")
        splits = [(n, s) for n, s in manifest.get("splits", {}).items() if isinstance(s, Mapping)]
        rows = [
            [name, *(_moment(split.get(column)) for column in columns)] for name, split in splits
        ]
        yield Table("Splits", ("split", *columns), rows)
        return
    if epochs := manifest.get("epochs"):
        columns = ("epoch", "loss", "recall@20", "mrr@20", "seconds")
        rows = [[epoch.get(column) for column in columns] for epoch in epochs]
        yield Table("Epochs", columns, rows)
    if details.evaluations:
        columns = ("recall@20", "mrr@20", "ndcg@20")
        rows = [[way, *(found["metrics"].get(column) for column in columns)]
                for way, found in details.evaluations.items()]  # fmt: skip
        yield Table("Evaluated", ("on", *columns), rows)


def _facts(details: "Details") -> dict[str, Any]:
    """Return what a person wants to know of a run or dataset, options and figures apart."""
    manifest, summary = details.manifest, details.summary
    facts = {
        "state": _state(summary),
        "path": details.path,
        "size": _size(summary.bytes),
        "made": manifest.get("created_at"),
        "completed": manifest.get("completed_at"),
        "stopped": manifest.get("stopped"),
        "sbr": manifest.get("sbr_version"),
    }
    if details.kind == "dataset":
        source = manifest.get("source", {})
        facts |= {"log": source.get("name"), "rows": source.get("rows")}
        for what, counts in _mapping(manifest, "dropped").items():
            words = ", ".join(f"{n:,} {of}" for of, n in counts.items() if n)
            facts[f"dropped: {what.replace('_', ' ')}"] = words
        return facts | {"fingerprint": manifest.get("fingerprint")}
    parent = _mapping(manifest, "parent")
    return facts | {
        "dataset": manifest.get("dataset", {}).get("name"),
        "begun from": parent.get("run"),
        "parameters": manifest.get("parameters"),
        "items": manifest.get("network", {}).get("num_items"),
        "best epoch": manifest.get("best_epoch"),
        "refit epochs": len((manifest.get("refit") or {}).get("epochs", ())) or None,
        "precision": manifest.get("precision"),
        "versions": ", ".join(f"{n} {v}" for n, v in _mapping(manifest, "versions").items()),
    }


def _mapping(manifest: Mapping[str, Any], entry: str) -> Mapping[str, Any]:
    """Return an entry of a manifest that another version of sbr may have written otherwise."""
    found = manifest.get(entry)
    return found if isinstance(found, Mapping) else {}


def _state(row: "RunRow | DatasetRow") -> str:
    epoch = getattr(row, "epoch", None)
    if row.status not in ("training", "interrupted") or epoch is None:
        return row.status
    return f"{row.status}, epoch {epoch} of {getattr(row, 'epochs', None) or '?'}"


def _both(mrr: float | None, recall: float | None) -> str | None:
    return None if mrr is None or recall is None else f"{_share(mrr)} {_share(recall)}"


def _share(figure: float) -> str:
    return f"{figure:.4f}".removeprefix("0")


def _moment(value: Any) -> Any:
    """Write a time to the minute; a number stays one."""
    return value[:16].replace("T", " ") if isinstance(value, str) else value


def _date(written: str | None) -> str | None:
    return None if written is None else written[:10]


def _size(number: int) -> str:
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= of:
            return f"{number / of:.1f} {unit}"
    return f"{number} B"


def _plain(value: Any) -> Any:
    """Write an option as one would type it."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if value is None or isinstance(value, bool) else str(value)
