"""From a log to a dataset on disk: what `sbr preprocess` does."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from sbrcli.config import PrepareConfig, differences
from sbrcli.dataset.arrangement import Arrangement, arrange, to_sessions
from sbrcli.dataset.fingerprint import fingerprint
from sbrcli.dataset.sessions import default_rule, id_codes
from sbrcli.dataset.storage import (
    ITEMS_FILE,
    Items,
    Sessions,
    id_column,
    split_path,
    write_items,
    write_split,
)
from sbrcli.dataset.summary import PreparedDataset, damaged_manifest, summarise
from sbrcli.errors import ArtefactError
from sbrcli.log.events import SESSION_ID
from sbrcli.log.formats import recognise_format
from sbrcli.log.reading import hash_file, read_log
from sbrcli.log.titles import read_titles
from sbrcli.manifests import MANIFEST, new_manifest, write_json
from sbrcli.session_rule import SessionRule
from sbrcli.workspace import Folder, Workspace, check_name


def prepare_dataset(
    log: Path,
    config: PrepareConfig,
    workspace: Workspace,
    *,
    name: str | None = None,
    overwrite: bool = False,
    titles: Path | None = None,
) -> PreparedDataset:
    """Make a dataset of a log, or find that it has been made.

    Args:
        log: the log's file.
        config: how.
        workspace: where the dataset goes.
        name: the dataset's; by default its session rule and the options that are not the default.
        overwrite: make it anew, whatever stands under its name.
        titles: a file of the items' titles, kept in the dataset.

    Returns:
        What the dataset holds, times in UTC.

    Raises:
        ConfigError: the name can not be one.
        DataError: a file can not be read, or a split comes out empty.
        ArtefactError: something else has the name, or the folder can not be written.
    """
    if name is not None:
        check_name("dataset", name)
    config = _resolve(config, log)
    name = name or default_name(config)
    source = _describe_file(log) | {"titles": _describe_file(titles) if titles else None}
    with workspace.locked("dataset", name):
        there = None if overwrite else workspace.find("dataset", name)
        if there is not None:
            _require_same(there, source, config)
            return PreparedDataset.from_folder(there, already_there=True)
        arrangement = arrange(read_log(log).events, config)
        items = arrangement.vocabulary.to_items(read_titles(titles) if titles else None)
        made_of = {"source": source | {"rows": arrangement.num_events}, "config": asdict(config)}
        with workspace.staged("dataset", name) as folder:
            _write(folder, arrangement, items, made_of)
    return PreparedDataset.from_folder(workspace.open("dataset", name))


def default_name(config: PrepareConfig) -> str:
    """Name a dataset by its session rule, and by every other option that is not the default.

    With `session="gap:3600", across_users=True` it is gap-3600-across-users.
    """
    options = differences(replace(config, session=None, across_users=False), PrepareConfig())
    words = [str(config.session).replace(":", "-")]
    words += ["across-users"] * config.across_users
    for option, value in options.items():
        words.append(option.replace("_", "-"))
        words += [] if isinstance(value, bool) else [_plain(value)]
    return "-".join(words)


def _resolve(config: PrepareConfig, log: Path) -> PrepareConfig:
    """Write the session rule into the options, in one way however it was typed."""
    if config.session is None:
        rule = default_rule(recognise_format(log).columns)
    else:
        rule = SessionRule.parse(config.session)
    return replace(config, session=str(rule))


def _plain(number: float) -> str:
    """Write a number exactly and as short as it goes: 30.0 is 30, 0.5 stays."""
    return repr(number).removesuffix(".0")


def _describe_file(path: Path) -> dict[str, Any]:
    return {"name": path.name, "sha256": hash_file(path)}


def _require_same(there: Folder, source: dict[str, Any], config: PrepareConfig) -> None:
    """Let a dataset pass that is whole, and of the same files and options.

    Raises:
        ArtefactError: it is something else, or damaged.
    """
    try:
        difference = _differs_in(there.manifest, source, config)
        kept = [name for name, split in there.manifest["splits"].items() if split is not None]
        kept += ["valid_full"] if there.manifest.get("train_full") else []
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged_manifest(there) from error
    if difference:
        raise ArtefactError(
            f"dataset {there.name} is there already, made {difference}",
            hint="--overwrite replaces it, --name keeps both",
        )
    for path in [there.path / ITEMS_FILE, *(split_path(there.path, name) for name in kept)]:
        if not path.is_file():
            raise ArtefactError(
                f"{path} is damaged: it is missing", hint="--overwrite makes the dataset again"
            )


def _differs_in(
    manifest: dict[str, Any], source: dict[str, Any], config: PrepareConfig
) -> str | None:
    """Say in which way a dataset was made otherwise than is asked for now; None if it was not."""
    was, made_with, wanted = manifest["source"], manifest["config"], asdict(config)
    if was["sha256"] != source["sha256"]:
        return f"of another log ({was['name']})"
    if (was["titles"] or {}).get("sha256") != (source["titles"] or {}).get("sha256"):
        return "with other titles" if was["titles"] else "without titles"
    others = [
        f"{option.replace('_', '-')} {made_with.get(option)}, not {value}"
        for option, value in wanted.items()
        if made_with.get(option) != value
    ]
    return f"with {', '.join(others)}" if others else None


def _write(folder: Path, arrangement: Arrangement, items: Items, made_of: dict[str, Any]) -> None:
    """Write every file of a dataset; the manifest comes last."""
    write_items(folder, items)
    sessions, summaries = {}, {}
    for name, events in arrangement.splits.tables().items():
        summaries[name] = events if events is None else asdict(summarise(events))
        if events is not None:
            sessions[name] = to_sessions(events, arrangement.vocabulary)
            write_split(folder, name, sessions[name], _session_ids(events), items.ids)
    train_full = None
    if arrangement.valid_full is not None:
        whole = to_sessions(arrangement.valid_full, arrangement.vocabulary)
        write_split(folder, "valid_full", whole, _session_ids(arrangement.valid_full), items.ids)
        train_full = _count_both(sessions["train"], whole)
        # Only where it holds more than valid does it tell two datasets apart.
        if len(whole.items) > len(sessions["valid"].items):
            sessions["valid_full"] = whole
    figures = {
        "splits": summaries,
        "train_full": train_full,
        "dropped": {reason: asdict(counts) for reason, counts in arrangement.dropped.items()},
        "fingerprint": fingerprint(items, sessions),
    }
    write_json(folder / MANIFEST, new_manifest("dataset") | made_of | figures)


def _count_both(train: Sessions, valid: Sessions) -> dict[str, int]:
    """Count what training on both would see; their items are the first of the dataset's."""
    return {
        "events": len(train.items) + len(valid.items),
        "sessions": train.num_sessions + valid.num_sessions,
        "items": int(max(train.items.max(), valid.items.max())) + 1,
    }


def _session_ids(events: pd.DataFrame) -> pa.Array:
    """Give the events' session ids as they stand in the log, for the files."""
    ids = events[SESSION_ID]
    if isinstance(ids.dtype, pd.CategoricalDtype):
        return id_column(id_codes(events, SESSION_ID), ids.cat.categories.to_numpy())
    return pa.array(ids.to_numpy())
