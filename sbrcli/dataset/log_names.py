"""What a log is called: for a person, and as the first words of a dataset's default name."""

import unicodedata
from pathlib import Path

from sbrcli.artefacts.dataset import SourceFile

STANDARD_INPUT = "standard input"
"""What the manifest calls a log that was piped."""

_SUFFIXES = (
    *(".gz", ".bz2", ".xz", ".zst", ".zip", ".snappy", ".lz4"),
    *(".csv", ".tsv", ".tab", ".psv", ".dat", ".data", ".txt", ".text", ".log", ".inter"),
    *(".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".parq", ".arrow", ".feather", ".ipc"),
    ".orc",
)
"""What a file's name says of its format, and not of its content."""

_MAX_BYTES = 40
"""A dataset's name has room for its options behind this, and a run's for its own behind those."""

_DEVICES = ("/dev/", "/proc/")


def name_file(path: Path) -> str:
    """Return what the manifest calls a log's file or folder; `-` and pipes are standard input.

    A folder that is given as `.` or `..` has its own name.
    """
    if path == Path("-") or str(path).startswith(_DEVICES):
        return STANDARD_INPUT
    return path.name if path.name not in ("", "..") else path.resolve().name


def name_of_log(source: SourceFile) -> str:
    """Return what to call a dataset's log: its file's name without what says the format.

    `ratings.dat` is ratings, `clicks.csv.gz` clicks; of several files it is the first one's name
    and how many more there are.
    """
    parts = source.parts or [source]
    first = _without_suffixes(parts[0].name)
    return first if len(parts) == 1 else f"{first} and {len(parts) - 1} more"


def word_for_log(source: SourceFile) -> str:
    """Return a log's name as part of a folder's: letters of any script, digits, `-`, `_`, dots.

    `Clicks (May 2026).csv` is Clicks-May-2026; standard input is stdin. It has 40 bytes at most,
    and never none.
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
    """Return whether this is a letter, a mark on one, or a digit, of any script."""
    return unicodedata.category(c)[0] in "LMN"


def _without_suffixes(name: str) -> str:
    while (path := Path(name)).suffix.lower() in _SUFFIXES:
        name = path.stem
    return name
