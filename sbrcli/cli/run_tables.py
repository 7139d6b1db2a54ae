"""The tables of `sbr runs`: all runs, datasets and studies, or one of them."""

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sbrcli.cli import output
from sbrcli.cli.tables import Table, Unit, figure_in_short, size_in_words

if TYPE_CHECKING:
    from sbrcli.artefacts.dataset import Dataset
    from sbrcli.artefacts.run import Run
    from sbrcli.workflow.runs import DatasetRow, Details, Listing, RunRow

_STATE = ("state", "made", "size", "valid", "test")
_FIGURES = ("valid_mrr", "valid_recall", "test_mrr", "test_recall")


def list_tables(listing: "Listing") -> Iterator[Table]:
    """Yield the tables of everything there is; a terminal gets shorter ones than a pipe."""
    if output.is_terminal(sys.stdout):
        yield from _for_person(listing)
        return
    columns = ("run", "dataset", "status", "epoch", "epochs", "bytes", "created_at", *_FIGURES)
    yield Table("Runs", columns, [[getattr(row, name) for name in columns] for row in listing.runs])
    columns = ("dataset", "status", "bytes", "created_at", "log", "session")
    columns += ("events", "sessions", "items")
    rows = [[getattr(row, name) for name in columns] for row in listing.datasets]
    yield Table("Datasets", columns, rows)
    columns = ("study", "model", "dataset", "status", "trials", "complete", "best_mrr")
    columns += ("bytes", "created_at")
    rows = [[getattr(row, name) for name in columns] for row in listing.studies]
    if rows:
        yield Table("Studies", columns, rows)


def _for_person(listing: "Listing") -> Iterator[Table]:
    """Yield what fits into 80 columns."""
    # By default, the name of a run begins with that of its dataset.
    has_datasets = any(not row.run.startswith(row.dataset or "") for row in listing.runs)
    rows = [
        (
            row.run,
            *([row.dataset] if has_datasets else []),
            *(_state(row), _date(row.created_at), size_in_words(row.bytes)),
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
                (row.dataset, row.log, row.status, _date(row.created_at), size_in_words(row.bytes),
                 row.events, row.sessions)
                for row in listing.datasets
            ], whole=("dataset", "log", *_STATE),
        )  # fmt: skip
    if listing.studies:
        yield Table(
            "Studies, with mrr@20 of the best trial",
            ("study", "model", "state", "made", "size", "trials", "mrr@20"),
            [
                (row.study, row.model, row.status, _date(row.created_at), size_in_words(row.bytes),
                 row.trials, None if row.best_mrr is None else figure_in_short(row.best_mrr))
                for row in listing.studies
            ], whole=("study", "model", *_STATE),
        )  # fmt: skip


def detail_tables(details: "Details") -> Iterator[Table]:
    """Yield the tables of one run or dataset: summary, options and metrics."""
    from sbrcli.artefacts.run import Run

    artefact = details.artefact
    facts = _facts(details, artefact)
    shown = [(name, value) for name, value in facts.items() if value not in (None, "")]
    yield Table(f"{details.kind} {details.name}", ("what", "value"), shown)
    options = [(name.replace("_", "-"), _plain(v)) for name, v in artefact.config.items()]
    yield Table("Options", ("option", "value"), options)
    if isinstance(artefact, Run):
        yield from _run_tables(details, artefact)
        return
    columns = ("events", "sessions", "items")
    columns += ("first_time", "last_time") if artefact.has_times else ()
    rows = [
        [name, *(_moment(getattr(split, column)) for column in columns)]
        for name, split in artefact.splits.items()
        if split is not None
    ]
    yield Table("Splits", ("split", *columns), rows)


def _run_tables(details: "Details", run: "Run") -> Iterator[Table]:
    """Yield the tables of a run's members, epochs and evaluations."""
    if details.members:
        rows = [(one.run, one.model, one.weight) for one in details.members]
        yield Table("Members", ("run", "model", "weight"), rows, whole=("run",))
    if run.epochs:
        columns = ("epoch", "loss", "recall@20", "mrr@20", "seconds")
        rows = [[epoch.get(column) for column in columns] for epoch in run.epochs]
        yield Table("Epochs", columns, rows, units={"seconds": Unit.SECONDS})
    if details.evaluations:
        columns = ("recall@20", "mrr@20", "ndcg@20")
        rows = [[way, *(found["metrics"].get(column) for column in columns)]
                for way, found in details.evaluations.items()]  # fmt: skip
        yield Table("Evaluated", ("on", *columns), rows)


def _facts(details: "Details", artefact: "Dataset | Run") -> dict[str, Any]:
    """Return the summary of a run or dataset, without options and metrics."""
    from sbrcli.artefacts.run import Run

    facts: dict[str, Any] = {
        "state": _state(details.summary),
        "path": details.path,
        "size": size_in_words(details.summary.bytes),
        "made": _second(artefact.created_at),
        "completed": _second(artefact.completed_at),
    }
    if isinstance(artefact, Run):
        facts |= {"stopped": artefact.stopped, "sbr": artefact.sbr_version}
        return facts | _run_facts(artefact)
    source = artefact.source
    facts |= {"sbr": artefact.sbr_version, "log": source.name, "rows": source.rows}
    for what, counts in artefact.dropped.items():
        sizes = {"events": counts.events, "sessions": counts.sessions, "items": counts.items}
        words = ", ".join(f"{n:,} {of}" for of, n in sizes.items() if n)
        facts[f"dropped: {what.replace('_', ' ')}"] = words
    return facts | {"fingerprint": artefact.fingerprint}


def _run_facts(run: "Run") -> dict[str, Any]:
    return {
        "dataset": run.dataset.name,
        "begun from": run.parent.run if run.parent else None,
        "parameters": run.parameters,
        "items": run.network.get("num_items"),
        "best epoch": run.best_epoch,
        "refit epochs": len(run.refit.epochs) or None if run.refit else None,
        "precision": run.precision,
        "versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    }


def _state(row: "RunRow | DatasetRow") -> str:
    epoch = getattr(row, "epoch", None)
    if row.status not in ("training", "interrupted") or epoch is None:
        return row.status
    return f"{row.status}, epoch {epoch} of {getattr(row, 'epochs', None) or '?'}"


def _both(mrr: float | None, recall: float | None) -> str | None:
    return (
        None
        if mrr is None or recall is None
        else f"{figure_in_short(mrr)} {figure_in_short(recall)}"
    )


def _moment(value: Any) -> Any:
    """Write a time to the minute; leave a number unchanged."""
    return value[:16].replace("T", " ") if isinstance(value, str) else value


def _second(written: str | None) -> str | None:
    """Write a time to the second, ISO 8601."""
    return written and datetime.fromisoformat(written).isoformat(timespec="seconds")


def _date(written: str | None) -> str | None:
    return None if written is None else written[:10]


def _plain(value: Any) -> Any:
    """Write an option as typed on a command line."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if value is None or isinstance(value, bool) else str(value)
