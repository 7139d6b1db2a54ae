"""The options of reading a log, for what its first lines do not show."""

import codecs
import re
from dataclasses import dataclass

from sbrcli.config.checks import require, require_option
from sbrcli.config.options import Options, option
from sbrcli.errors import ConfigError, OptionError

ROLES = ("user", "session", "item", "time", "event", "rating")
"""The roles of columns that `--columns` assigns."""

ID_ROLES = ("user", "session", "item")
"""The roles of columns with ids, for `--drop-id`."""

TIME_UNITS = (
    *("auto", "s", "ms", "us", "ns", "ds", "cs", "min", "h", "d"),
    *("ticks", "filetime", "webkit", "apple", "mac", "ntp", "gps", "excel", "excel1904"),
    *("matlab", "julian"),
    *("digits", "yymmdd", "mmdd"),
)
"""Units of numeric times; see `sbrcli.log.columns.epochs`."""

NO_QUOTE = "none"

SPACES = r"\s+"
"""The separator for runs of spaces or tabs, which separate nothing at the ends of a line."""

_SEPARATOR_WORDS = {
    **{"tab": "\t", "comma": ",", "semicolon": ";", "space": " ", "spaces": SPACES},
    **{"pipe": "|", "colon": ":", "^A": "\x01", "^B": "\x02", r"\s+": SPACES},
}
_ESCAPES = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([0-7]{3})|(t))")


PANEL = "Input format (auto-detected; set these to override)"


@dataclass(frozen=True, kw_only=True)
class ReadConfig(Options):
    """How a log is read, stored in a dataset's manifest.

    None and "auto" leave it to recognition.
    """

    columns: str | None = option(
        None,
        f"Columns by role ({', '.join(ROLES[:-1])} or {ROLES[-1]}), separated by commas or "
        "repeated: user=who,item=what. Without a header, use numbers from 1. A time in several "
        "columns is time=date+time.",
        panel=PANEL,
        metavar="ROLE=NAME",
        is_repeatable=True,
    )
    sep: str | None = option(
        None,
        "Field separator: any characters (\\t and \\x01 count as one), or tab, space, spaces "
        "(runs of them), comma, semicolon, pipe.",
        panel=PANEL,
        metavar="TEXT",
    )
    quote: str | None = option(
        None,
        "Quote character: none, \" or '. \\[default: double quotes, if fields are quoted]",
        panel=PANEL,
        metavar="QUOTE",
    )
    escape: str | None = option(
        None,
        "Escape character, mostly \\ (as MySQL writes it).",
        panel=PANEL,
        metavar="CHARACTER",
    )
    header: bool | None = option(
        None, "Whether the first line is a header with column names.", panel=PANEL
    )
    time_unit: str = option(
        "auto",
        "Unit of numeric times: auto; s, ms, us, ns, ds, cs, min, h, d since "
        "1970; ticks (.NET), filetime (Windows), webkit, apple (since 2001), mac (1904), ntp "
        "(1900), gps; days of excel, excel1904, matlab, julian; digits (20210331), yymmdd, mmdd.",
        panel=PANEL,
        metavar="UNIT",
        choices=TIME_UNITS,
    )
    time_format: str | None = option(
        None,
        "Format of written dates, such as '%d/%m/%Y %H:%M'; unambiguous ones are detected.",
        panel=PANEL,
        metavar="FORMAT",
    )
    no_time: bool = option(
        False,
        "Take the events in file order, for a log without times: sbr preprocess LOG --no-time "
        "--split last.",
        panel=PANEL,
    )
    encoding: str | None = option(
        None,
        "Text encoding, such as latin-1. \\[default: UTF-8]",
        panel=PANEL,
        metavar="NAME",
    )
    event: str | None = option(
        None,
        "Read only events of this type, such as view; several are separated by commas or repeated.",
        panel=PANEL,
        metavar="KIND",
        is_repeatable=True,
    )
    drop_id: str | None = option(
        None,
        "Leave out the events of a placeholder id of a user, session or item, such as "
        "user=-,guest; can be repeated.",
        panel=PANEL,
        metavar="ROLE=ID",
        is_repeatable=True,
    )
    list_sep: str | None = option(
        None,
        "Separator of the lists in the item column, written as for --sep; each item becomes "
        "an event of its row's user and time.",
        panel=PANEL,
        metavar="TEXT",
    )
    skip_bad_rows: bool = option(
        False, "Skip rows that cannot be events, and count them.", panel=PANEL
    )

    def check_together(self) -> None:
        """Check what is written in the texts, and that the options about times agree."""
        require_option(
            self.time_format is None or self.time_unit == "auto",
            "time-format is for dates in words, and time-unit for numbers",
            self.time_unit,
        )
        require(
            self.sep is None or (self.sep != "" and not set(self.separator or "") & set('\r\n"\0')),
            "sep must be one character or more, without quotes, line ends and zero bytes",
            repr(self.sep),
        )
        require_option(
            self.quote in (None, NO_QUOTE, '"', "'"),
            f"quote must be {NO_QUOTE}, \" or '",
            repr(self.quote),
        )
        require(
            self.escape is None
            or (len(self.escape) == 1 and self.escape.isascii() and self.escape.isprintable()),
            "escape must be one ASCII character",
            repr(self.escape),
        )
        require(
            self.list_sep is None or self.list_sep != "",
            "list-sep must be one character or more",
            repr(self.list_sep),
        )
        require(self.event is None or bool(self.events), "event must name an event", self.event)
        if self.encoding is not None:
            _check_encoding(self.encoding)
        _ = self.dropped_ids
        named = self.named_columns
        about_times = (self.time_unit != "auto", self.time_format is not None, "time" in named)
        require_option(
            not (self.no_time and any(about_times)),
            "no-time goes with none of time-unit, time-format and a column of the time",
            "no-time",
        )
        require(
            len(set(named.values())) == len(named),
            "columns must name each column once",
            self.columns,
        )
        super().check_together()

    @property
    def named_columns(self) -> dict[str, str]:
        """The log's name of each column that `columns` names, by role.

        Raises:
            ConfigError: `columns` is not written as `user=NAME,item=NAME`.
        """
        named: dict[str, str] = {}
        for part in self.columns.split(",") if self.columns is not None else ():
            role, equals, name = (word.strip() for word in part.partition("="))
            if role not in ROLES or not equals or not name or role in named:
                raise OptionError(
                    f"columns must be written as ROLE=NAME with commas between, each of "
                    f"{', '.join(ROLES)} at most once. Received: {self.columns}",
                    hint="for example --columns user=visitorid,item=itemid,time=timestamp",
                )
            named[role] = name
        return named

    @property
    def dropped_ids(self) -> dict[str, tuple[str, ...]]:
        """The ids whose events are left out, by role.

        Raises:
            ConfigError: `drop_id` is not written as `user=ID,ID,item=ID`.
        """
        dropped: dict[str, tuple[str, ...]] = {}
        role = None
        for part in self.drop_id.split(",") if self.drop_id is not None else ():
            before, equals, after = part.partition("=")
            is_begun = bool(equals) and before.strip() in ID_ROLES
            role = before.strip() if is_begun else role
            if role is None:
                raise OptionError(
                    f"drop-id must be written as ROLE=ID with commas between, each ROLE one of "
                    f"{', '.join(ID_ROLES)}. Received: {self.drop_id}",
                    hint="for example --drop-id user=-,guest,item=0",
                )
            dropped[role] = (*dropped.get(role, ()), after if is_begun else part)
        return dropped

    @property
    def unit_of_times(self) -> str:
        """The explicit unit or format of the times, else "auto"."""
        return self.time_unit if self.time_format is None else self.time_format

    @property
    def events(self) -> tuple[str, ...]:
        """The types of events to read; empty for all."""
        words = self.event.split(",") if self.event is not None else ()
        return tuple(stripped for word in words if (stripped := word.strip()))

    @property
    def separator(self) -> str | None:
        """The field separator, with words such as `tab` resolved."""
        return None if self.sep is None else _separator(self.sep)

    @property
    def list_separator(self) -> str | None:
        """The separator of lists in a cell, with words such as `space` resolved."""
        return None if self.list_sep is None else _separator(self.list_sep)


def _separator(word: str) -> str:
    """Return the separator for a word such as `tab`, or for escapes such as `\\x01`."""
    if word in _SEPARATOR_WORDS:
        return _SEPARATOR_WORDS[word]
    return _ESCAPES.sub(_unescaped, word)


def _unescaped(escape: re.Match[str]) -> str:
    if escape[4]:
        return "\t"
    return chr(int(escape[3], 8) if escape[3] else int(escape[1] or escape[2], 16))


def _check_encoding(name: str) -> None:
    try:
        is_text = codecs.lookup(name)._is_text_encoding  # type: ignore[attr-defined]
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        raise ConfigError(
            f"encoding must be one that Python knows. Received: {name}",
            hint="for example --encoding latin-1, cp1252, shift_jis or utf-16",
        )
