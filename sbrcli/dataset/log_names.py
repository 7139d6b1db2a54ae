"""The name of a log: for a person, and as the beginning of a dataset's default name."""

import unicodedata
from pathlib import Path

from sbrcli.artefacts.dataset import SourceFile

STANDARD_INPUT = "standard input"
"""The name of a piped log in the manifest."""

_SUFFIXES = (
    *(".gz", ".bz2", ".xz", ".zst", ".zip", ".snappy", ".lz4"),
    *(".csv", ".tsv", ".tab", ".psv", ".dat", ".data", ".txt", ".text", ".log", ".inter"),
    *(".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".parq", ".arrow", ".feather", ".ipc"),
    ".orc",
)
"""Suffixes that name the format of a file, not its content."""

_MAX_BYTES = 40
"""The maximum length of this part of a name; the options of dataset and run follow it."""

_DEVICES = ("/dev/", "/proc/")


def name_file(path: Path) -> str:
    """Return the name of a log's file or folder for the manifest; `-` and pipes are standard input.

    A folder given as `.` or `..` is named by its real name.
    """
    if path == Path("-") or str(path).startswith(_DEVICES):
        return STANDARD_INPUT
    return path.name if path.name not in ("", "..") else path.resolve().name


def name_of_log(source: SourceFile) -> str:
    """Return the name of a dataset's log: its file name without the suffixes of its format.

    `ratings.dat` is ratings, `clicks.csv.gz` clicks; for several files it is the name of the first
    and the number of the others.
    """
    parts = source.parts or [source]
    first = _without_suffixes(parts[0].name)
    return first if len(parts) == 1 else f"{first} and {len(parts) - 1} more"


def word_for_log(source: SourceFile) -> str:
    """Return a log's name for a folder name: letters of any script, digits, `-`, `_`, dots.

    `Clicks (May 2026).csv` is Clicks-May-2026; standard input is stdin. It has 1 to 40 bytes.
    """
    name = name_of_log(source)
    if name == STANDARD_INPUT:
        return "stdin"
    kept = [c if _is_letter(c) or c in "._-" else " " for c in unicodedata.normalize("NFC", name)]
    words = "-".join("".join(kept).split())
    while "--" in words:
        words = words.replace("--", "-")
    short = words.strip("-._").encode()[:_MAX_BYTES].decode(errors="ignore")
    return short.strip("-._") or "log"


def _is_letter(c: str) -> bool:
    """Return whether a character is a letter, a combining mark or a digit, of any script."""
    return unicodedata.category(c)[0] in "LMN"


def _without_suffixes(name: str) -> str:
    while (path := Path(name)).suffix.lower() in _SUFFIXES:
        name = path.stem
    return name
