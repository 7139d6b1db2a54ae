"""Rows that can not be events: the first is named, or all are left out and counted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.files import explained
from sbrcli.log.formats import LogFormat
from sbrcli.log.rows import MEND, JudgedRow, WrongRowError, judge_rows
from sbrcli.log.separators import split_fields

TYPES = "ids are text or whole numbers, times are timestamps or numbers since 1970"
"""What Parquet's columns must hold."""


@dataclass(frozen=True, slots=True)
class BadRows:
    """How many rows were left out, and what was wrong with the first of them."""

    count: int
    first: str

    def after(self, earlier: "BadRows | None") -> "BadRows":
        """Add those that were left out before."""
        return self if earlier is None else BadRows(earlier.count + self.count, earlier.first)


def name_wrong_row(path: Path, wrong: WrongRowError) -> DataError:
    """Name the first wrong row by its line; failing that, say what the fast reader said.

    Raises:
        DataError: the file itself is damaged.
    """
    if wrong.log_format.kind == "parquet":
        return DataError(f"{path}: {wrong}", hint=TYPES)
    for at, row in enumerate(_judge(path, wrong.log_format)):
        if row.complaint is not None:
            message, hint = row.complaint
            if at == 0 and _names_columns(row.text, wrong.log_format):
                hint = f"if line {row.line} names the columns, add --header; else {MEND}"
            word = wrong.log_format.row_word
            return DataError(f"{path} {word} {row.line}: {message}", hint=hint)
    said = str(wrong).splitlines()[0]
    return DataError(
        f"{path}: it can not be read: {said}",
        hint="mend what that says, or write the log in another format, as Parquet",
    )


def _names_columns(row: str, log_format: LogFormat) -> bool:
    """Return whether the first row of a text without header may be one: no field holds a digit."""
    if log_format.kind != "text" or log_format.has_header:
        return False
    fields = split_fields(row.rstrip("\n"), log_format.separator, is_quoted=False)
    return len(fields) == len(log_format.columns) and not any(
        any(map(str.isdigit, field)) for field in fields
    )


def write_good_rows(path: Path, log_format: LogFormat, copy: Path) -> tuple[LogFormat, BadRows]:
    """Copy the rows that can be events, as plain text without header.

    Returns:
        The format of the copy, and what was left out.

    Raises:
        DataError: the file is damaged, or no row of it can be an event.
    """
    kept = count = 0
    first = ""
    with explained(copy), copy.open("w", encoding="utf-8", newline="") as file:
        for row in _judge(path, log_format):
            if row.complaint is None:
                file.write(row.text)
                kept += 1
            else:
                first = first or f"{log_format.row_word} {row.line}: {row.complaint[0]}"
                count += 1
    if not kept:
        raise DataError(
            f"{path}: none of {count:,} rows can be an event; the first is wrong on {first}",
            hint="see whether --columns, --sep and --time-unit say what the log has",
        )
    plain = replace(
        log_format,
        skipped_lines=0,
        num_lines_above=0,
        document=None,
        compression=None,
        encoding=None,
        has_open_quotes=False,
    )
    return plain, BadRows(count, first)


def _judge(path: Path, log_format: LogFormat) -> Iterator[JudgedRow]:
    if log_format.kind == "json":
        from sbrcli.log.json_rows import judge_objects

        return judge_objects(path, log_format)
    return judge_rows(path, log_format)
