"""The specification of a dataset, and whether an existing one was made from the same."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sbrcli.artefacts.dataset import Dataset, Source, SourceFile
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.training import differences
from sbrcli.dataset.cuts import DEFAULT_DAYS, LONG_DAYS
from sbrcli.dataset.log_names import name_file, word_for_log
from sbrcli.dataset.storage import ITEMS_FILE, split_path
from sbrcli.errors import ArtefactError
from sbrcli.log.reading import hash_file

_MAX_BYTES = 80
"""The maximum length of a default name, which leaves room for the options of a run."""

OTHER_FILES = {
    "titles": ("titles", "other titles"),
    "test_log": ("a test log", "another test log"),
    "valid_log": ("a valid log", "another valid log"),
}
"""The other files that a dataset can be made from, and how each is named in messages."""


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """The specification of a dataset.

    Args:
        config: the options, with an explicit session rule.
        reading: how its log is read.
        source: name and sha256 of the log and of each of `OTHER_FILES`; None if it is not given.
    """

    config: PrepareConfig
    reading: ReadConfig
    source: Source

    def options(self) -> dict[str, Any]:
        """Return the value of every option, for the manifest."""
        columns = sorted(self.reading.named_columns.items())
        written = ",".join(f"{role}={name}" for role, name in columns) or None
        return asdict(self.config) | asdict(replace(self.reading, columns=written))

    def name(self) -> str:
        """Return the default name of a dataset, from its log and options, as in ratings-gap-3600.

        If it would be too long, a hash replaces the options.
        """
        log, words = word_for_log(self.source), self.earlier_name()
        name = f"{log}-{words}"
        if len(name.encode()) <= _MAX_BYTES:
            return name
        rule = str(self.config.session).replace(":", "-")
        return f"{log}-{rule}-{hashlib.sha256(words.encode()).hexdigest()[:6]}"

    def earlier_name(self) -> str:
        """Return the default name that earlier versions of sbr used, without the log."""
        name = default_name(self.config)
        if self.reading.events:
            kinds = "-".join(self.reading.events)
            name += "-event-" + "".join(c if c.isalnum() else "-" for c in kinds)[:60]
        return f"{name}-given-split" if self.source.test_log else name


def default_options() -> dict[str, Any]:
    """Return every option's default, as a manifest stores it."""
    return asdict(PrepareConfig()) | asdict(ReadConfig())


def default_name(config: PrepareConfig) -> str:
    """Return the session rule and every other option that is not the default, as part of a name.

    With `session="gap:3600", across_users=True` it is gap-3600-across-users.
    """
    options = differences(replace(config, session=None, across_users=False), PrepareConfig())
    words = [str(config.session).replace(":", "-")]
    words += ["across-users"] * config.across_users
    for option, value in options.items():
        words.append(option.replace("_", "-"))
        words += [] if isinstance(value, bool) else [_plain(value)]
    return "-".join(words)


def describe_files(paths: Sequence[Path], called: Sequence[Path]) -> SourceFile:
    """Return the names and the SHA-256 of a log's files, for the manifest.

    For several files, `sha256` is the hash of their hashes in order, and `parts` lists each.

    Args:
        paths: the files, at least one.
        called: the user's name of each; - is standard input.

    Raises:
        DataError: one of them cannot be read.
    """
    names = [name_file(path) for path in called]
    parts = [SourceFile(name, hash_file(path)) for name, path in zip(names, paths, strict=True)]
    if len(parts) == 1:
        return parts[0]
    joined = "".join(f"{part.sha256}\n" for part in parts)
    together = hashlib.sha256(joined.encode()).hexdigest()
    return SourceFile(", ".join(names), together, parts)


def require_same(existing: Dataset, spec: DatasetSpec) -> None:
    """Check that a dataset is intact and was made from the same files and options.

    Raises:
        ArtefactError: it was not, or it is damaged.
    """
    difference = _differs_in(existing, spec)
    if difference:
        raise ArtefactError(
            f"dataset {existing.name} already exists, made {difference}",
            hint="--overwrite replaces it, --name keeps both",
        )
    stored = [name for name, split in existing.splits.items() if split is not None]
    stored += ["valid_full"] if existing.train_full else []
    for path in [existing.path / ITEMS_FILE, *(split_path(existing.path, name) for name in stored)]:
        if not path.exists():
            raise ArtefactError(
                f"{path} is damaged: it is missing", hint="--overwrite makes the dataset again"
            )


def _plain(value: float | str) -> str:
    """Format a number exactly and as short as possible: 30.0 is 30, 0.5 stays; so do words."""
    return str(value).removesuffix(".0")


def _shown(value: object) -> object:
    return "by default" if value is None else value


def _with_todays_days(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset's options as they would be written today.

    Before shares existed, the default was 30 days for every log. It still is for logs of a year or
    more, and if nothing is split by date.
    """
    made_with = dataset.config
    if "test_share" in made_with:
        return made_with
    by_date = made_with.get("split", "date") == "date" and dataset.source.test_log is None
    if by_date and _time_span(dataset) < timedelta(days=LONG_DAYS):
        return made_with
    return made_with | {
        option: None
        for option in ("valid_days", "test_days")
        if made_with.get(option, DEFAULT_DAYS) == DEFAULT_DAYS
    }


def _time_span(dataset: Dataset) -> timedelta:
    """Return the time from the first event of a dataset to its last; 0 without times."""
    splits = [split for split in dataset.splits.values() if split is not None]
    times = [
        datetime.fromisoformat(time)
        for split in splits
        for time in (split.first_time, split.last_time)
        if time is not None
    ]
    return max(times) - min(times) if times else timedelta()


def _differs_in(dataset: Dataset, spec: DatasetSpec) -> str | None:
    """Return how a dataset's options differ from the requested ones; None if they do not."""
    differences = []
    if dataset.source.sha256 != spec.source.sha256:
        differences.append(f"of another log ({dataset.source.name})")
    for option, (one, another) in OTHER_FILES.items():
        was, asked = dataset.source.others[option], spec.source.others[option]
        if (was and was.sha256) != (asked and asked.sha256):
            differences.append(f"with {another}" if was else f"without {one}")
    # An option newer than the dataset has its default.
    made_with = default_options() | _with_todays_days(dataset)
    others = [
        f"{option.replace('_', '-')} {_shown(made_with[option])}, not {_shown(value)}"
        for option, value in spec.options().items()
        if made_with[option] != value
    ]
    differences += [f"with {', '.join(others)}"] if others else []
    return "; ".join(differences) or None
