"""Skip what is above a table: comments, Excel's `sep=;`, and report lines."""

import re
from dataclasses import replace

from sbrcli.config.reading import ReadConfig
from sbrcli.log.columns.matching import match_columns
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.files.samples import Sample
from sbrcli.log.formats.separators import likely_separators, may_quote, split_fields

_EXCEL = re.compile(r'"?sep=(\\t|.)"?[,;\t]*', re.IGNORECASE)
_COMMENT = re.compile(r"\s*(?:#|%|//)")
_PLAINLY_COMMENT = re.compile(r"\s*(?:#|%|//)[#%/]*(?:[\s!-]|\Z)")
_NAMES_BEHIND = re.compile(r"\s*[#%/]+\s*(?:fields:\s*)?", re.IGNORECASE)
_FURTHEST_LINES = 60


def skip_comments(sample: Sample, config: ReadConfig) -> tuple[Sample, ReadConfig]:
    """Return the sample below its comment lines, and the configuration with Excel's separator.

    If the last comment line names the columns of the table below, it is the header.
    """
    excel = _EXCEL.fullmatch(sample.lines[0])
    if excel is not None and len(sample.lines) > 1:
        if config.sep is None:
            config = replace(config, sep=excel[1])
        sample = sample.below(1)
    comments = next(
        (at for at, line in enumerate(sample.lines) if not _COMMENT.match(line)), len(sample.lines)
    )
    if comments in (0, len(sample.lines)):
        return sample, config
    below = sample.below(comments)
    separators = likely_separators(below, config)
    last = _NAMES_BEHIND.sub("", sample.lines[comments - 1], count=1)
    if config.header is not False and _is_header(last, below, separators, config):
        named = sample.below(comments - 1)
        return replace(named, lines=[last, *named.lines[1:]]), config
    if any(_is_row(line, below.lines[0], separators) for line in sample.lines[:comments]):
        return sample, config
    return below, config


def headers_below(sample: Sample, config: ReadConfig) -> list[Sample]:
    """Return, for each line that may be a header below report lines, the sample from it on.

    Such a line names user or session, item and time; the line below has as many fields, and no line
    above has.
    """
    found = []
    for at in range(1, min(_FURTHEST_LINES, len(sample.lines) - 1)):
        here = sample.below(at)
        separators = likely_separators(here, config)
        for separator in separators:
            if not _is_header(here.lines[0], here.below(1), (separator,), config):
                continue
            width = len(split_fields(here.lines[0], separator, may_quote(separator)))
            above = (
                split_fields(line, separator, may_quote(separator)) for line in sample.lines[:at]
            )
            if not any(len(row) == width and all(row) for row in above):
                found.append(here)
                break
    return found


def _is_header(line: str, below: Sample, separators: tuple[str, ...], config: ReadConfig) -> bool:
    for separator in separators:
        names = split_fields(line, separator, may_quote(separator))
        row = split_fields(below.lines[0], separator, may_quote(separator))
        found = set(match_columns(names, config.named_columns))
        has_owner = bool(found & {USER_ID, SESSION_ID})
        if len(names) == len(row) and has_owner and {ITEM_ID, TIMESTAMP} <= found:
            return True
    return False


def _is_row(line: str, row: str, separators: tuple[str, ...]) -> bool:
    """Return whether a line that begins like a comment may be a row like the one below it.

    A sentence contains commas and spaces, but no tabs and no `::`.
    """
    if _PLAINLY_COMMENT.match(line):
        separators = tuple(one for one in separators if one in ("\t", "::"))
    widths = (
        (len(split_fields(text, s, may_quote(s))) for text in (line, row)) for s in separators
    )
    return any(here == there > 1 for here, there in widths)
