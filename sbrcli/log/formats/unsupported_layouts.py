"""Name texts that hold events in another form than a table, with the command that converts them."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.columns.matching import listed
from sbrcli.log.files.compression import LINE_READERS
from sbrcli.log.files.opening import recognise_compression
from sbrcli.log.files.samples import Sample
from sbrcli.log.files.text_encodings import RECODE

_UUID = "[0-9a-f-]*"
_KNOWN = {
    rf"user_[0-9]+\t[0-9-]+T[0-9:]+Z\t{_UUID}\t[^\t]*\t{_UUID}\t[^\t]*": (
        "the layout of Last.fm-1K",
        "--columns user=1,time=2,item=6 takes the tracks by their names, item=4 the artists",
    ),
    rf"[0-9a-f]{{40}}\t{_UUID}\t[^\t]*\t[0-9]+": (
        "the layout of Last.fm-360K, which has plays and no times",
        "--no-time --no-header --columns user=1,item=3 takes the artists in the order of the file",
    ),
    r"[0-9]+\tU[0-9]+\t[0-9]+/[0-9]+/[0-9]+ [0-9:]+ [AP]M\t[N0-9 ]*\t[-N0-9 ]+": (
        "the layout of MIND",
        "--columns user=2,time=3,item=5 --list-sep space takes the news that were clicked",
    ),
}
"""Known layouts without a header that need a choice, by a pattern of their first line."""

_ATTRIBUTE = re.compile(r"\s*@attribute\s+('[^']*'|\"[^\"]*\"|\S+)\s", re.IGNORECASE)
_DRAWN = re.compile(r"\s*[-+|:=][-+|:= ]*[-=]{3}[-+|:= ]*[+|][-+|:= ]*")
_FURTHEST_LINES = 60
_IN_SINGLE_QUOTES = re.compile("'.*'")
_BLOCK = re.compile(r"[^,;\s:]+:")


def refuse_blocks(path: Path, lines: Sequence[str]) -> None:
    """Raise DataError for blocks of rows below their item (501:), as in the Netflix Prize.

    Raises:
        DataError: the lines are such blocks.
    """
    if len(lines) < 2 or not _BLOCK.fullmatch(lines[0]) or lines[1].count(",") < 1:
        return
    width = 1 + len(lines[1].split(","))
    columns = "item=1,user=2" + (",rating=3" if width > 3 else "") + f",time={width}" * (width > 2)
    program = '/:\\r?$/ {sub(/:.*/, ""); item = $0; next} {print item "," $0}'
    command = piped(path, f"awk '{program}'")
    raise DataError(
        f"{path}: blocks of rows, each below a line with its item, such as {lines[0]}",
        hint=f"write the item into each row: {command} > log.csv; "
        f"then read log.csv with --columns {columns}",
    )


def refuse_drawn(path: Path, lines: Sequence[str]) -> None:
    """Raise DataError for tables with a line drawn between header and rows, and for ARFF files.

    Raises:
        DataError: the lines are one of these formats.
    """
    if any(_ATTRIBUTE.match(line) for line in lines[:_FURTHEST_LINES]):
        names = [m[1].strip("'\"") for line in lines if (m := _ATTRIBUTE.match(line)) is not None]
        command = piped(path, "sed '1,/^@data/Id'")
        raise DataError(
            f"{path} is an ARFF file of Weka, which names its columns above the rows: "
            f"{listed(names)}",
            hint=f"take its header off: {command} > log.csv; then read log.csv with --no-header "
            "--columns user=NUMBER,item=NUMBER,time=NUMBER",
        )
    if any(_DRAWN.fullmatch(line) for line in lines[:3]):
        program = r"/^[-+| :=]*$/d; /|/!d; s/^ *|* *//; s/ *|* *$//; s/ *| */,/g"
        command = piped(path, f"sed '{program}'")
        raise DataError(
            f"{path}: a table drawn with lines, as psql, mysql and Markdown have it",
            hint=f"export it as CSV, or take the lines off: {command} > log.csv",
        )


def piped(path: Path, command: str) -> str:
    """Return a shell command on a file, with decompression if needed."""
    name, reader = shlex.quote(str(path)), line_reader(path)
    return f"{command} {name}" if reader is None else f"{reader} {name} | {command}"


def line_reader(path: Path) -> str | None:
    """Return the command that prints a compressed file; None for one that is not compressed."""
    return LINE_READERS.get(recognise_compression(path) or "")


def _hint_of_lists(path: Path, lines: Sequence[str], separator: str) -> str | None:
    """Return how to read lines of items, one session each; None if the lines are no such lists.

    They are not if all have the same length, or if most have only one field.
    """
    split = (line.split(None if separator.isspace() else separator) for line in lines)
    rows = [row for row in split if row]  # a line of spaces has no field
    lengths = list(map(len, rows))
    if len(set(lengths)) < 2 or 2 * lengths.count(1) > len(lengths):
        return None
    option = "" if separator.isspace() else f"-F{shlex.quote(separator)} "
    out = " " if separator.isspace() else separator
    # SPMF ends an item set with -1, and a sequence with -2.
    test = "if ($i !~ /^-[12]$/) " if all(row[-1] == "-2" for row in rows) else ""
    program = f'{{for (i = 1; i <= NF; i++) {test}print NR "{out}" $i}}'
    command = piped(path, f"awk {option}'{program}'")
    hint = (
        f"if each line holds the items of a session, give each a line of its own: {command} > "
        "log.txt; then read log.txt with --no-time --no-header --columns session=1,item=2"
    )
    if not _begin_with_owners(rows):
        return hint
    colon = 'sub(/:$/, "", $1); ' if all(row[0].endswith(":") for row in rows) else ""
    program = f'{{{colon}for (i = 2; i <= NF; i++) print $1 "{out}" $i}}'
    return f"{hint}; if it begins with a user: awk {option}'{program}', and --columns user=1,item=2"


def _begin_with_owners(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether each row begins with an id that occurs nowhere else, such as its user's."""
    firsts = {row[0] for row in rows}
    others = {field for row in rows for field in row[1:]}
    return len(rows) > 1 and len(firsts) == len(rows) and not firsts & others


def unknown_layout(path: Path, sample: Sample, fields: list[str], separator: str) -> DataError:
    """Return the error for a text without a known layout.

    Args:
        path: the file.
        sample: its first lines.
        fields: those of the first line.
        separator: the most likely separator between them.
    """
    line = sample.lines[0]
    if "\ufffd" in line:
        return DataError(f"{path} line {sample.first_line}: not UTF-8 text", hint=RECODE)
    if len(fields) > 2 and all(_IN_SINGLE_QUOTES.fullmatch(field) for field in fields):
        return DataError(
            f"{path}: the fields of its first line stand in single quotes: {listed(fields)}",
            hint="""--quote "'" takes them off""",
        )
    hint = (
        "say which column is what: --columns user=NAME,item=NAME,time=NAME where the first line "
        "names them, --columns user=1,item=2,time=3 where it does not; without a time, --no-time"
    )
    if path.suffix.lower() in (".yml", ".yaml"):
        return DataError(
            f"{path} is a YAML file, which sbr does not read",
            hint=f"write it as JSON lines: yq -o=json -I=0 '.[]' {shlex.quote(str(path))} > "
            "log.jsonl",
        )
    known = next(
        (hint for shape, hint in _KNOWN.items() if re.fullmatch(shape, "\t".join(fields))), None
    )
    if known is not None:
        return DataError(
            f"{path}: {known[0]}, without a header; its first line has {listed(fields)}",
            hint=known[1],
        )
    if len(fields) == 1:
        hint = f"say what stands between the fields, as in --sep '#'; {hint}"
    return DataError(
        f"{path}: not a layout that sbr knows; its first line has {listed(fields)}",
        hint=_hint_of_lists(path, sample.lines, separator) or hint,
    )
