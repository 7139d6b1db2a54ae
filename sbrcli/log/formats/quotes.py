"""Apply the quotes and escapes that the user gives."""

import re
from dataclasses import replace

from sbrcli.config.reading import NO_QUOTE, ReadConfig
from sbrcli.errors import ConfigError
from sbrcli.log.files.samples import Sample
from sbrcli.log.formats.log_format import LogFormat
from sbrcli.log.formats.separators import may_quote


def with_plain_quotes(sample: Sample, config: ReadConfig) -> Sample:
    """Return a sample in usual quotes, with the same fields but not the same characters."""
    return replace(sample, lines=[_plainly_quoted(line, config) for line in sample.lines])


def _plainly_quoted(line: str, config: ReadConfig) -> str:
    if config.escape is not None:
        line = re.sub(re.escape(config.escape) + ".", "_", line)
    if config.quote == NO_QUOTE:
        return line.replace('"', "'")
    return line.translate(_SWAPPED) if config.quote == "'" else line


_SWAPPED = str.maketrans("'\"", "\"'")


def with_quotes(log_format: LogFormat, config: ReadConfig) -> LogFormat:
    """Return the format of a text with the given quote and escape.

    Raises:
        ConfigError: fields between such separators cannot be quoted or escaped.
    """
    is_given = config.escape is not None or config.quote not in (None, NO_QUOTE)
    if log_format.kind != "text" or (config.quote is None and config.escape is None):
        return log_format
    if is_given and not may_quote(log_format.separator):
        raise ConfigError(
            f"quote and escape need a separator of one byte. Received: {log_format.separator!r}"
        )
    if config.quote == NO_QUOTE:
        return replace(log_format, is_quoted=False, escape=config.escape)
    return replace(log_format, is_quoted=True, quote=config.quote or '"', escape=config.escape)
