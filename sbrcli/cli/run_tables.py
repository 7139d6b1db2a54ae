"""The tables of `sbr runs`: all runs and datasets, or one of them."""

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sbrcli.cli import output
from sbrcli.cli.tables import Table, Unit, figure_in_short, size_in_words

if TYPE_CHECKING:
    from sbrcli.workflow.runs import DatasetRow, Details, Listing, RunRow

_STATE = ("state", "made", "size", "valid", "test")
_FIGURES = ("valid_mrr", "valid_recall", "test_mrr", "test_recall")


def list_tables(listing: "Listing") -> Iterator[Table]:
    """Yield the tables of all runs and datasets; a terminal gets shorter ones than a pipe."""
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


def detail_tables(details: "Details") -> Iterator[Table]:
    """Yield the tables of one run or dataset: summary, options and metrics."""
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
        columns = ("events", "sessions", "items")
        if not manifest.get("config", {}).get("no_time"):
            columns += ("first_time", "last_time")
        splits = [(n, s) for n, s in manifest.get("splits", {}).items() if isinstance(s, Mapping)]
        rows = [
            [name, *(_moment(split.get(column)) for column in columns)] for name, split in splits
        ]
        yield Table("Splits", ("split", *columns), rows)
        return
    if epochs := manifest.get("epochs"):
        columns = ("epoch", "loss", "recall@20", "mrr@20", "seconds")
        rows = [[epoch.get(column) for column in columns] for epoch in epochs]
        yield Table("Epochs", columns, rows, units={"seconds": Unit.SECONDS})
    if details.evaluations:
        columns = ("recall@20", "mrr@20", "ndcg@20")
        rows = [[way, *(found["metrics"].get(column) for column in columns)]
                for way, found in details.evaluations.items()]  # fmt: skip
        yield Table("Evaluated", ("on", *columns), rows)


def _facts(details: "Details") -> dict[str, Any]:
    """Return the summary of a run or dataset, without options and metrics."""
    manifest, summary = details.manifest, details.summary
    facts = {
        "state": _state(summary),
        "path": details.path,
        "size": size_in_words(summary.bytes),
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
    """Return an entry of a manifest, which another version of sbr may have written differently."""
    found = manifest.get(entry)
    return found if isinstance(found, Mapping) else {}


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


def _date(written: str | None) -> str | None:
    return None if written is None else written[:10]


def _plain(value: Any) -> Any:
    """Write an option as typed on a command line."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return value if value is None or isinstance(value, bool) else str(value)
