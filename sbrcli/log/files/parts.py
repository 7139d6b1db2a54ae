"""List the files of one log: those named, those in folders, and the `key=value` folders of their
paths.
"""

import filecmp
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from sbrcli.errors import DataError
from sbrcli.log.files.opening import explained, folder_without_log
from sbrcli.log.files.typed_files import name_typed_file

_NULL = "__HIVE_DEFAULT_PARTITION__"
_KEY = re.compile(r"(\w[^=]*)=(.+)", re.DOTALL)
_DOCUMENT_NAMES = re.compile(r"(readme|licen[cs]e|copying|changelog|notice|citation)\b.*", re.I)
_DOCUMENT_SUFFIXES = frozenset(
    {".md", ".rst", ".html", ".htm", ".pdf", ".png", ".jpg", ".md5", ".sha1", ".sha256", ".sh"}
    | {".py", ".ipynb", ".sql", ".crc"}
)
_BACKUPS = frozenset({".bak", ".backup", ".old", ".orig", ".tmp", ".copy", ".save", ".swp"})
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".snappy", ".lz4")


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a log, with the values that its path holds for all its events.

    Args:
        path: the file.
        keys: values of `key=value` folders, decoded; None is Hive's null.
    """

    path: Path
    keys: Mapping[str, str | None] = field(default_factory=dict)


def find_parts(logs: Path | Sequence[Path]) -> list[Part]:
    """Return the files of a log in the order given, with the files of its folders.

    Raises:
        DataError: a file is named twice, or a folder is not one log; see `list_parts`.
    """
    paths = [logs] if isinstance(logs, Path) else logs
    parts = [part for path in paths for part in list_parts(path)]
    seen: set[str] = set()
    for part in parts:
        real = os.path.realpath(part.path)
        if real in seen:
            raise DataError(
                f"{part.path} is read twice",
                hint="name each file once, and no file beside a folder that holds it",
            )
        seen.add(real)
    return parts


def list_skipped_files(logs: Path | Sequence[Path]) -> list[Path]:
    """Return the documents and empty files in folders, which are not read.

    Raises:
        DataError: a folder cannot be read.
    """
    paths = [logs] if isinstance(logs, Path) else logs
    return [file for path in paths if path.is_dir() for file in _files(path) if _is_none(file)]


def list_parts(path: Path) -> list[Part]:
    """Return the files of a folder that hold events, sorted by path.

    Hidden files, names that begin with an underscore, empty files and documents (README, *.md and
    the like) hold none. A file is its own only part.

    Raises:
        DataError: the folder cannot be read, holds no log or files of several types, or is a table
            (Delta, Iceberg, Hudi) whose own log decides which files count.
    """
    if not path.is_dir():
        return [Part(path, _path_keys(path))]
    found = [file for file in _files(path) if not _is_none(file)]
    if not found:
        raise folder_without_log(path)
    _require_one_kind(path, found)
    _refuse_copies(path, found)
    return [Part(file, _path_keys(file)) for file in found]


def is_document(path: Path) -> bool:
    """Return whether a file documents the log and is not a part of it."""
    plain = path.suffix.lower() in _DOCUMENT_SUFFIXES
    return plain or _DOCUMENT_NAMES.fullmatch(path.name) is not None


def _files(folder: Path) -> list[Path]:
    with explained(folder):
        return sorted(_unlinked(list(_walk(folder, frozenset()))))


def _is_none(file: Path) -> bool:
    """Return whether a file is a document or empty."""
    with explained(file):
        return is_document(file) or not file.stat().st_size


def _walk(folder: Path, above: frozenset[str]) -> Iterator[Path]:
    """Yield the files below a folder, also in linked folders, without following cycles of links."""
    real = os.path.realpath(folder)
    if real in above:
        return
    _refuse_table(folder)
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or (entry.name[0] == "_" and "=" not in entry.name):
                continue
            if entry.is_dir():
                yield from _walk(folder / entry.name, above | {real})
            elif entry.is_file():
                yield folder / entry.name
            elif entry.is_symlink():
                raise DataError(
                    f"{folder / entry.name} is a broken link",
                    hint="repair the link or delete it",
                )


def _unlinked(files: list[Path]) -> list[Path]:
    """Leave out links to files in the same folder, such as latest.csv."""
    real = {os.path.realpath(file) for file in files if not file.is_symlink()}
    return [f for f in files if not f.is_symlink() or os.path.realpath(f) not in real]


def _refuse_table(folder: Path) -> None:
    """Raise DataError if a folder is a table whose own log decides which files count."""
    name, command = None, ""
    if (folder / "_delta_log").is_dir():
        name, scan = "a Delta table", "delta_scan"
    elif next(folder.glob("metadata/*.metadata.json"), None) is not None:
        name, scan = "an Iceberg table", "iceberg_scan"
    elif (folder / ".hoodie").is_dir():
        raise DataError(
            f"{folder} is a Hudi table: its own log says which of its files count, and sbr does "
            "not read that log",
            hint="write what it holds into Parquet, in Spark: "
            f"spark.read.format('hudi').load('{folder}').write.parquet('log')",
        )
    else:
        return
    command = f"COPY (FROM {scan}('{folder}')) TO 'log.parquet'"
    raise DataError(
        f"{folder} is {name}: its own log says which of its files count, and sbr does not read "
        "that log",
        hint=f'write what it holds into one file: duckdb -c "{command}"',
    )


def _require_one_kind(folder: Path, files: list[Path]) -> None:
    kinds: dict[str, list[str]] = {}
    for path in files:
        kind = name_typed_file(path) or "no Parquet"
        kinds.setdefault(kind, []).append(str(path.relative_to(folder)))
    if len(kinds) > 1:
        (one, these), (other, those) = list(kinds.items())[:2]
        raise DataError(
            f"{folder} holds files of several kinds: {_some(these)} {_be(these)} {one}, "
            f"{_some(those)} {_be(those)} {other}",
            hint="name the files that hold the events, or take the others out of the folder",
        )


def _refuse_copies(folder: Path, files: list[Path]) -> None:
    """Raise DataError if a file has a compressed, converted or backup copy next to it."""
    seen: dict[Path, Path] = {}
    for path in files:
        stem = path
        if stem.name.endswith("~"):
            stem = stem.with_name(stem.name[:-1])
        while stem.suffix.lower() in _BACKUPS.union(_COMPRESSED):
            stem = stem.with_suffix("")
        if stem.suffix.lower() in (".parquet", ".pq", ".parq"):
            stem = stem.with_suffix("")
        if stem in seen:
            raise DataError(
                f"{folder} holds both {seen[stem].relative_to(folder)} and "
                f"{path.relative_to(folder)}, which seem to be copies of each other",
                hint="name the files that hold the events, or take the copy out of the folder",
            )
        seen[stem] = path


def find_twins(parts: Sequence[Part]) -> list[tuple[Path, Path]]:
    """Return pairs of files with equal bytes, each in the order given.

    Raises:
        DataError: a file cannot be read.
    """
    by_size: dict[int, list[Path]] = {}
    pairs = []
    for part in parts if len(parts) > 1 else ():
        with explained(part.path):
            if not part.path.is_file():
                continue
            others = by_size.setdefault(part.path.stat().st_size, [])
            twin = next((p for p in others if filecmp.cmp(p, part.path, shallow=False)), None)
        if twin is not None:
            pairs.append((twin, part.path))
        else:
            others.append(part.path)
    return pairs


def _path_keys(path: Path) -> dict[str, str | None]:
    """Return the values that the folders of a path hold in Hive's way: event=view/date=2021-03-01.

    Folders year=, month=, day= and hour= are joined into one date.
    """
    matches = (_KEY.fullmatch(name) for name in path.parts[:-1])
    keys = {m[1]: None if m[2] == _NULL else unquote(m[2]) for m in matches if m}
    lower = {key.lower(): value for key, value in keys.items()}
    numbers = [lower.get(name) for name in ("year", "month", "day")]
    if all(n is not None and n.isdecimal() for n in numbers) and "date" not in lower:
        hour = lower.get("hour")
        keys["date"] = "-".join(f"{int(n or 0):02d}" for n in numbers)
        if hour is not None and hour.isdecimal():
            keys["date"] += f"T{int(hour):02d}:00"
    return keys


def plain_date(value: str | None) -> str | None:
    """Return the date of a path with hyphens: 20210301 becomes 2021-03-01; other values stay."""
    if value is None or not re.fullmatch(r"(19|20)\d{6}", value):
        return value
    try:
        return datetime.strptime(value, "%Y%m%d").date().isoformat()
    except ValueError:
        return value


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _be(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
