"""Write a planned dataset: a file per split, or a folder of parts."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from sbrcli.arrays import IntArray
from sbrcli.artefacts.checksums import FILES, checksums_below
from sbrcli.artefacts.dataset import Counts
from sbrcli.artefacts.manifests import MANIFEST, new_manifest, write_json
from sbrcli.dataset.fingerprint import Mix, identify, mix
from sbrcli.dataset.parts import Part
from sbrcli.dataset.plan import Plan
from sbrcli.dataset.sessionize import id_codes, session_offsets
from sbrcli.dataset.split_rule import Seen, SplitRule
from sbrcli.dataset.storage import IS_TARGET, Items, Split, id_column, write_items, write_split
from sbrcli.dataset.summary import summarise
from sbrcli.dataset.tally import Tally
from sbrcli.dataset.timeline import TargetSpan, Timeline, find_targets
from sbrcli.engines.engine import Engine
from sbrcli.engines.temporary_files import delete_temporary
from sbrcli.errors import DataError
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP
from sbrcli.sessions import Sessions

_NAMES: tuple[Split, ...] = ("train", "valid", "test")


@dataclass(frozen=True, slots=True)
class Place:
    """A part, and where it stands in each split.

    Args:
        part: the part.
        begins: by split, the events and the sessions of the parts before it.
        number: the number of its files; None if a split is one file.
    """

    part: Part
    begins: Mapping[Split, tuple[int, int]]
    number: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """What was written of a part, or of several."""

    mixes: Mapping[Split, Mix]
    spans: Mapping[Split, TargetSpan]

    def __add__(self, other: "Written") -> "Written":
        return Written(
            {name: one + other.mixes[name] for name, one in self.mixes.items()},
            {name: one + other.spans[name] for name, one in self.spans.items()},
        )


def write_dataset(
    engine: Engine, folder: Path, plan: Plan, items: Items, made_of: Mapping[str, Any]
) -> None:
    """Write every file of a dataset; the manifest comes last.

    Args:
        engine: writes the parts.
        folder: an empty one.
        plan: of the dataset.
        items: its items.
        made_of: the manifest's entries on the source and the options.

    Raises:
        DataError: the files do not hold what was planned, as the log changed meanwhile.
    """
    write_items(folder, items)
    places = [
        Place(part, begins, part.number if plan.is_in_parts else None)
        for part, begins in zip(plan.parts, plan.begins, strict=True)
    ]
    written = engine.merge(
        write_part,
        places,
        plan.rule,
        plan.seen,
        plan.vocabulary.index_of_code,
        pa.array(items.ids, pa.string()),
        plan.sizes.tables["train"].last,
        folder.absolute(),
        combine=Written.__add__,
    )
    delete_temporary(folder)
    tables = plan.sizes.tables
    for name, one in written.mixes.items():
        if (one.events, one.sessions) != (tables[name].events, tables[name].sessions):
            raise DataError(
                f"{one.events:,} events were written to {name}, and {tables[name].events:,} "
                "planned: a file changed meanwhile",
                hint="run the command again",
            )
    identified = {name: written.mixes[name] for name in _NAMES if name in written.mixes}
    # It distinguishes two datasets only if it contains more than valid.
    if "valid_full" in tables and tables["valid_full"].events > tables["valid"].events:
        identified["valid_full"] = written.mixes["valid_full"]
    has_times = not made_of["config"]["no_time"]
    figures = {
        "splits": {name: _summarise(tables.get(name)) for name in _NAMES},
        "timeline": _describe_targets(plan, written) if has_times else {},
        "train_full": _entry(plan.train_full),
        "dropped": {reason: asdict(counts) for reason, counts in plan.dropped.items()},
        "fingerprint": identify(items.ids, identified),
        FILES: checksums_below(folder),
    }
    write_json(folder / MANIFEST, new_manifest("dataset") | dict(made_of) | figures)


def write_part(
    place: Place,
    rule: SplitRule,
    seen: Seen,
    index_of_code: IntArray,
    item_ids: pa.Array,
    train_last: float,
    folder: Path,
) -> Written:
    """Write a part of every split.

    Args:
        place: the part, and where it stands.
        rule: how it is split.
        seen: which items can have been learned.
        index_of_code: (categories,) the item index of each category.
        item_ids: (items,) by index.
        train_last: the time of the last event of train.
        folder: of the dataset.
    """
    mixes, spans = {}, {}
    for name, events in rule.settle(place.part, seen).tables.items():
        sessions = arrange(events, index_of_code)
        if len(events):
            write_split(folder, name, sessions, _session_ids(events), item_ids, place.number)
        mixes[name] = mix(sessions, *place.begins[name])
        if name in ("valid", "test"):
            spans[name] = find_targets(sessions, train_last)
    return Written(mixes, spans)


def arrange(events: pd.DataFrame, index_of_code: IntArray) -> Sessions:
    """Return a split's table as arrays."""
    targets = events[IS_TARGET].to_numpy() if IS_TARGET in events else None
    indices = index_of_code[id_codes(events, ITEM_ID)]
    return Sessions(indices, session_offsets(events), events[TIMESTAMP].to_numpy(), targets)


def _summarise(size: Tally | None) -> dict[str, Any] | None:
    return size and asdict(summarise(size))


def _entry(counts: Counts | None) -> dict[str, int] | None:
    return counts and asdict(counts)


def _describe_targets(plan: Plan, written: Written) -> dict[str, dict[str, Any]]:
    train_last = plan.sizes.tables["train"].last
    timelines = {
        name: Timeline.spanning(written.spans[name], train_last)
        for name in ("valid", "test")
        if name in written.spans
    }
    return {name: asdict(one) for name, one in timelines.items() if one is not None}


def _session_ids(events: pd.DataFrame) -> pa.Array:
    """Return the session ids of the events as they are written in the log."""
    ids = events[SESSION_ID]
    if isinstance(ids.dtype, pd.CategoricalDtype):
        texts = pa.array(ids.cat.categories.to_numpy(), pa.string())
        return id_column(id_codes(events, SESSION_ID), texts)
    return pa.array(ids.to_numpy())
