"""The options that say how a log is read, which every subcommand that reads one has."""

from functools import partial
from typing import Annotated, Any

import typer

from sbrcli.cli.gathered import takes_options
from sbrcli.config.reading import ReadConfig

READING = "Input format (auto-detected; set these to override)"
"""The help panel of these options."""

DEFAULTS = ReadConfig()

_option = partial(typer.Option, rich_help_panel=READING)

Columns = Annotated[
    list[str] | None,
    _option(
        metavar="ROLE=NAME",
        help="Columns by role (user, session, item, time, event or rating), separated by commas or "
        "repeated: user=who,item=what. Without a header, use numbers from 1. A time in several "
        "columns is time=date+time.",
    ),
]
Separator = Annotated[
    str | None,
    _option(
        metavar="TEXT",
        help="Field separator: any characters (\\t and \\x01 count as one), or tab, space, spaces "
        "(runs of them), comma, semicolon, pipe.",
    ),
]
Quote = Annotated[
    str | None,
    _option(
        metavar="QUOTE",
        help="Quote character: none, \" or '. \\[default: double quotes, if fields are quoted]",
    ),
]
Escape = Annotated[
    str | None,
    _option(
        metavar="CHARACTER",
        help="Escape character, mostly \\ (as MySQL writes it).",
    ),
]
Header = Annotated[
    bool | None,
    _option(
        "--header/--no-header",
        help="Whether the first line is a header with column names.",
    ),
]
TimeUnit = Annotated[
    str,
    _option(
        metavar="UNIT",
        help="Unit of numeric times: auto; s, ms, us, ns, ds, cs, min, h, d since "
        "1970; ticks (.NET), filetime (Windows), webkit, apple (since 2001), mac (1904), ntp "
        "(1900), gps; days of excel, excel1904, matlab, julian; digits (20210331), yymmdd, mmdd.",
    ),
]
TimeFormat = Annotated[
    str | None,
    _option(
        metavar="FORMAT",
        help="Format of written dates, such as '%d/%m/%Y %H:%M'; unambiguous ones are detected.",
    ),
]
NoTime = Annotated[
    bool,
    _option(
        "--no-time",
        help="Take the events in file order, for a log without times: sbr preprocess LOG --no-time "
        "--split last.",
    ),
]
Encoding = Annotated[
    str | None,
    _option(
        metavar="NAME",
        help="Text encoding, such as latin-1. \\[default: UTF-8]",
        rich_help_panel=READING,
    ),
]
Event = Annotated[
    list[str] | None,
    _option(
        metavar="KIND",
        help="Read only events of this type, such as view; several are separated by commas or "
        "repeated.",
    ),
]
DropId = Annotated[
    list[str] | None,
    _option(
        metavar="ROLE=ID",
        help="Leave out the events of a placeholder id of a user, session or item, such as "
        "user=-,guest; can be repeated.",
    ),
]
ListSeparator = Annotated[
    str | None,
    _option(
        metavar="TEXT",
        help="Separator of the lists in the item column, written as for --sep; each item becomes "
        "an event of its row's user and time.",
    ),
]
SkipBadRows = Annotated[
    bool,
    _option(
        "--skip-bad-rows",
        help="Skip rows that cannot be events, and count them.",
    ),
]
_KINDS = {
    "columns": Columns,
    "sep": Separator,
    "quote": Quote,
    "escape": Escape,
    "header": Header,
    "time_unit": TimeUnit,
    "time_format": TimeFormat,
    "no_time": NoTime,
    "encoding": Encoding,
    "event": Event,
    "drop_id": DropId,
    "list_sep": ListSeparator,
    "skip_bad_rows": SkipBadRows,
}


def _gather(values: dict[str, Any]) -> ReadConfig:
    """Make a ReadConfig of the options' values; a repeated option is a list with commas."""
    for name in ("columns", "event", "drop_id"):
        values[name] = None if values[name] is None else ",".join(values[name])
    return ReadConfig(**values)


takes_read_options = takes_options(
    "reading",
    {name: (kind, getattr(DEFAULTS, name)) for name, kind in _KINDS.items()},
    _gather,
)
"""Add these options to a subcommand's function, which takes a ReadConfig as `reading`."""
