"""Files of recommendations for many sessions, written part by part, and replaced in one step."""

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.disk import can_hold_file, replacing
from sbrcli.errors import ArtefactError, ConfigError

FORMATS = (".parquet", ".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class Part:
    """The recommendations for some sessions.

    Args:
        ids: (sessions,) of the users, or of the sessions.
        counts: (sessions,) how many items each has.
        items: (rows,) item indices, session after session, best first.
        scores: (rows,) float32.
        by_fallback: (sessions,) whether the fallback chose the items; None without one.
    """

    ids: list[str]
    counts: npt.NDArray[np.integer]
    items: npt.NDArray[np.integer]
    scores: npt.NDArray[np.floating]
    by_fallback: npt.NDArray[np.bool_] | None

    def rows(self) -> Iterator[tuple[int, list[int], list[float]]]:
        """Yield each session's place, items and scores, rounded as in JSON."""
        items, scores = self.items.tolist(), self.scores.tolist()
        end = 0
        for place, count in enumerate(self.counts.tolist()):
            begin, end = end, end + count
            yield place, items[begin:end], [round(score, 6) for score in scores[begin:end]]

    def is_by_fallback(self, place: int) -> bool:
        """Return whether the fallback chose a session's items."""
        return self.by_fallback is not None and bool(self.by_fallback[place])


class Writer(Protocol):
    """Writes parts to a file."""

    def write(self, part: Part) -> None:
        """Write one part after those before it."""


def check_out(path: Path) -> None:
    """Check that a file of recommendations can be written there.

    Raises:
        ConfigError: its name says no known format, or there is no such folder.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(
            f"out must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}. Received: {path}"
        )
    if not can_hold_file(path):
        raise ConfigError(f"out must be a file in a folder that is there. Received: {path}")


@contextmanager
def writing(
    path: Path, owner: str, item_ids: list[str], *, with_fallback: bool
) -> Iterator[Writer]:
    """Yield a writer; the file takes its place at the end, and not at all after an error.

    Parquet and CSV have a row per item: the owner's id, rank, item, score, and with a fallback
    whether it chose the item. JSON lines have a line per session.

    Args:
        path: the file.
        owner: the name of the column of `Part.ids`.
        item_ids: each item's id.
        with_fallback: whether parts say by which session's items the fallback chose.

    Raises:
        ArtefactError: it cannot be written.
    """
    try:
        with replacing(path) as temporary:
            suffix = path.suffix.lower()
            if suffix == ".parquet":
                with _parquet(temporary, owner, item_ids, with_fallback) as writer:
                    yield writer
            else:
                with temporary.open("w", encoding="utf-8", newline="") as file:
                    if suffix == ".csv":
                        yield _CsvWriter(file, owner, item_ids, with_fallback)
                    else:
                        yield _JsonWriter(file, owner, item_ids)
    except OSError as error:
        # PyArrow's errors have a number, but words of their own.
        why = os.strerror(error.errno) if error.errno else str(error)
        raise ArtefactError(f"cannot write {path}: {why}", hint="name another file") from error


class _JsonWriter:
    """Writes one JSON document per session."""

    def __init__(self, file: io.TextIOBase, owner: str, item_ids: list[str]) -> None:
        self._file, self._owner, self._item_ids = file, owner, item_ids

    def write(self, part: Part) -> None:
        for place, items, scores in part.rows():
            document: dict[str, Any] = {
                self._owner: part.ids[place],
                "items": [
                    {"rank": rank, "item": self._item_ids[item], "score": score}
                    for rank, (item, score) in enumerate(zip(items, scores, strict=True), start=1)
                ],
            }
            if part.is_by_fallback(place):
                document["fallback"] = "popularity"
            self._file.write(json.dumps(document, allow_nan=False) + "\n")


class _CsvWriter:
    """Writes one row per item."""

    def __init__(
        self, file: io.TextIOBase, owner: str, item_ids: list[str], with_fallback: bool
    ) -> None:
        self._rows = csv.writer(file, lineterminator="\n")
        self._item_ids, self._with_fallback = item_ids, with_fallback
        self._rows.writerow([owner, "rank", "item", "score", *["fallback"] * with_fallback])

    def write(self, part: Part) -> None:
        for place, items, scores in part.rows():
            more = [int(part.is_by_fallback(place))] * self._with_fallback
            self._rows.writerows(
                (part.ids[place], rank, self._item_ids[item], score, *more)
                for rank, (item, score) in enumerate(zip(items, scores, strict=True), start=1)
            )


@contextmanager
def _parquet(path: Path, owner: str, item_ids: list[str], with_fallback: bool) -> Iterator[Writer]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = pa.array(item_ids, pa.string())
    fields = [(owner, pa.string()), ("rank", pa.int32()), ("item", pa.string())]
    fields += [("score", pa.float32()), *[("fallback", pa.bool_())] * with_fallback]
    schema = pa.schema(fields)

    class ParquetRows:
        """Writes one row group per part."""

        def write(self, part: Part) -> None:
            session = np.repeat(np.arange(len(part.ids)), part.counts)
            begins = np.cumsum(part.counts) - part.counts
            columns = [
                pa.array(part.ids, pa.string()).take(pa.array(session)),
                pa.array((np.arange(len(session)) - begins[session] + 1).astype(np.int32)),
                names.take(pa.array(part.items)),
                pa.array(part.scores.astype(np.float32)),
            ]
            if part.by_fallback is not None:
                columns.append(pa.array(part.by_fallback[session]))
            file.write_table(pa.table(columns, schema=schema))

    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        yield ParquetRows()
