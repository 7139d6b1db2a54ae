"""Texts that hold events and are no table: what they are, and the command that makes one."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.columns.matching import listed
from sbrcli.log.files.samples import Sample
from sbrcli.log.files.text_encodings import RECODE

_BLOCK = re.compile(r"[^,;\s:]+:")


def refuse_blocks(path: Path, lines: Sequence[str]) -> None:
    """Refuse blocks under a line with their item, as the Netflix Prize has them: 501: above.

    Raises:
        DataError: the lines are such blocks.
    """
    if len(lines) < 2 or not _BLOCK.fullmatch(lines[0]) or lines[1].count(",") < 1:
        return
    width = 1 + len(lines[1].split(","))
    columns = "item=1,user=2" + (",rating=3" if width > 3 else "") + f",time={width}" * (width > 2)
    program = '/:\\r?$/ {sub(/:.*/, ""); item = $0; next} {print item "," $0}'
    raise DataError(
        f"{path}: blocks of rows, each below a line with its item, such as {lines[0]}",
        hint=f"write the item into each row: awk '{program}' {shlex.quote(str(path))} > log.csv; "
        f"then read log.csv with --columns {columns}",
    )


def _hint_of_lists(path: Path, lines: Sequence[str], separator: str) -> str | None:
    """Return how to read lines of items, a session each; None where the lines are no such lists.

    They are none where all are of one length, or where most hold nothing but one field.
    """
    lengths = [len(line.split(separator)) for line in lines]
    if len(set(lengths)) < 2 or 2 * lengths.count(1) > len(lengths):
        return None
    option = "" if separator.isspace() else f"-F{shlex.quote(separator)} "
    out = " " if separator.isspace() else separator
    program = f'{{for (i = 1; i <= NF; i++) print NR "{out}" $i}}'
    return (
        "if each line holds the items of a session, give each a line of its own: awk "
        f"{option}'{program}' {shlex.quote(str(path))} > log.txt; then read log.txt with --no-time "
        "--no-header --columns session=1,item=2"
    )


def unknown_layout(path: Path, sample: Sample, fields: list[str], separator: str) -> DataError:
    """Return the error of a text that is in no known layout.

    Args:
        path: the file.
        sample: its first lines.
        fields: those of the first line.
        separator: what most likely stands between them.
    """
    line = sample.lines[0]
    if "\ufffd" in line:
        return DataError(f"{path} line {sample.first_line}: not UTF-8 text", hint=RECODE)
    hint = (
        "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first line "
        "names them, --columns user=1,item=2,time=3 where it does not; without a time, --no-time"
    )
    return DataError(
        f"{path}: not a layout that sbr knows; its first line has {listed(fields)}",
        hint=_hint_of_lists(path, sample.lines, separator) or hint,
    )
