"""Detect the format of a log by its first bytes: its compression and its type of file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from sbrcli.config.checks import require
from sbrcli.config.reading import ReadConfig
from sbrcli.errors import DataError
from sbrcli.log.columns.dates import pattern_of
from sbrcli.log.columns.times import is_iso_time
from sbrcli.log.events import TIMESTAMP
from sbrcli.log.files.compression import name_compression
from sbrcli.log.files.foreign import FOREIGN_BYTES, refuse_foreign
from sbrcli.log.files.opening import (
    LONGEST_LINE_BYTES,
    EmptyLogError,
    opened,
    recognise_compression,
    too_long,
)
from sbrcli.log.files.parts import find_parts, plain_date
from sbrcli.log.files.samples import Sample
from sbrcli.log.files.text_encodings import find_encoding
from sbrcli.log.files.typed_files import MAGIC_BYTES, name_typed
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.preambles import headers_below, skip_comments
from sbrcli.log.formats.quotes import with_plain_quotes, with_quotes
from sbrcli.log.formats.quoting import decide_quoting
from sbrcli.log.formats.registry import recognise_file
from sbrcli.log.formats.text_layouts import recognise_text

SAMPLE_BYTES = 1 << 16

_WHOLE_LINE = re.compile(rb"[^\r\n][\r\n]")

AS_READ = ReadConfig()
NO_KEYS: Mapping[str, str | None] = MappingProxyType({})


def recognise_log(logs: Path | Sequence[Path], config: ReadConfig = AS_READ) -> LogFormat:
    """Detect the format of a log, of several files that of the first with events; see
    `recognise_format`."""
    parts = find_parts(logs)
    for part in parts:
        try:
            return recognise_format(part.path, config, part.keys)
        except EmptyLogError:
            if part is parts[-1]:
                raise
    raise AssertionError


def recognise_format(
    path: Path, config: ReadConfig = AS_READ, keys: Mapping[str, str | None] = NO_KEYS
) -> LogFormat:
    """Detect the format of a log by its first lines.

    The unit of its times stays "auto" unless the options give it or the times are written dates.

    Args:
        path: a file.
        config: how the user wants it read, which takes precedence.
        keys: values that its path holds, by name; see `parts`.

    Raises:
        DataError: the file cannot be read, is empty or binary, or has no known layout.
        ConfigError: the time format is invalid.
    """
    if config.time_format is not None:
        pattern_of(config.time_format)  # refuse an invalid one before reading
    found = recognise_file(path, config, tuple(keys))
    if found is not None:
        return _with_path_columns(found, keys)
    compression = recognise_compression(path)
    config = replace(config, encoding=find_encoding(path, config.encoding))
    sample = replace(_take_sample(path, config), path_names=tuple(keys))
    if sample.lines[0].lstrip().startswith(("{", "[")) and config.sep is None:
        log_format = _recognise_json_or_text(path, sample.head(), config)
    else:
        log_format = _recognise_table(path, with_plain_quotes(sample, config), config)
    log_format = replace(log_format, compression=compression, encoding=config.encoding)
    log_format = with_quotes(log_format, config)
    return decide_quoting(
        path, _with_path_columns(log_format, keys), is_given=config.quote is not None
    )


def _with_path_columns(log_format: LogFormat, keys: Mapping[str, str | None]) -> LogFormat:
    """Separate the columns whose values the path holds, which are the last ones detected."""
    width = len(log_format.columns) - log_format.num_path_names
    given = []
    for column, key in zip(log_format.columns[width:], log_format.names[width:], strict=True):
        value = plain_date(keys[key]) if column == TIMESTAMP else keys[key]
        if column == TIMESTAMP and value is not None and is_iso_time(value):
            log_format = replace(log_format, time_unit="iso")
        if column is not None:
            given.append((column, key, value))
    if not log_format.num_path_names:
        return log_format
    return replace(
        log_format,
        names=log_format.names[:width],
        columns=log_format.columns[:width],
        path_columns=tuple(given),
        num_path_names=0,
    )


def _recognise_json_or_text(path: Path, sample: Sample, config: ReadConfig) -> LogFormat:
    """Detect the format of a log that begins with a bracket, as JSON does and an id may."""
    from sbrcli.log.formats.json_lines import recognise_json

    try:
        found = recognise_json(path, sample, config)
    except DataError as no_json:
        if len(sample.lines[0]) > LONGEST_LINE_BYTES:
            raise  # too long for delimited text as well, which would take seconds to look through
        try:
            return recognise_text(path, with_plain_quotes(sample, config), config)
        except DataError:
            raise no_json from None
    for option in ("quote", "escape", "header"):
        asked = getattr(config, option)
        require(asked is None, f"{option} is for delimited text, and {path} is {found.name}", asked)
    return found


def _recognise_table(path: Path, sample: Sample, config: ReadConfig) -> LogFormat:
    """Detect the format of delimited text below any comments and report lines."""
    sample, config = skip_comments(sample, config)
    try:
        found = recognise_text(path, sample.head(), config)
    except DataError:
        below = headers_below(sample, config) if config.header is not False else []
        if not below:
            raise
        sample = below[0]
        found = recognise_text(path, sample.head(), replace(config, header=True))
    above = sample.first_line - 1
    return replace(found, skipped_lines=above + found.has_header, num_lines_above=above)


def _take_sample(path: Path, config: ReadConfig) -> Sample:
    """Return the first non-empty lines of a file, at least one."""
    with opened(path, config.encoding) as file:
        data = more = file.read(SAMPLE_BYTES)
        refuse_foreign(path, data[:FOREIGN_BYTES], is_text=b"\0" not in data)
        # A line end that the last block begins with belongs to the byte before it.
        while more and not _WHOLE_LINE.search(data, max(0, len(data) - len(more) - 1)):
            if len(data) > LONGEST_LINE_BYTES:
                if data.lstrip().startswith((b"[", b"{")):
                    break  # perhaps JSON without line ends
                raise too_long(path, 1)
            more = file.read(len(data))
            data += more
        is_cut = bool(more and file.read(1))
    typed = name_typed(data[:MAGIC_BYTES]) or name_compression(data[:MAGIC_BYTES])
    if typed is not None:
        raise DataError(f"{path}: {typed} within an archive", hint="unpack it first")
    if b"\0" in data:
        raise _binary(path, config)
    # A character cut off by the end of the sample is no error; an invalid one is reported with its
    # line later.
    text = data.decode("utf-8-sig", errors="replace")
    every = re.split(r"\r\n|\n|\r", text)
    lines = [line for line in every if line]
    if not lines:
        raise EmptyLogError(
            f"{path}: the file is empty", hint="a log has one event a line: who, what and when"
        )
    # If the sample ends within a line, that line may be incomplete.
    whole = max(1, len(lines) - (is_cut and not text.endswith(("\n", "\r"))))
    numbers = [number for number, line in enumerate(every, start=1) if line]
    return Sample(numbers[:whole], lines[:whole])


def _binary(path: Path, config: ReadConfig) -> DataError:
    hint = "sbr reads text, Parquet, Arrow and ORC, and text also as .gz, .bz2, .xz, .zst or .zip"
    if config.encoding is None:
        hint += "; text of two bytes a letter needs --encoding utf-16"
    return DataError(f"{path}: binary data, not text", hint=hint)
