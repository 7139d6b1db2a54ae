"""Make rules from the user's lists of ids and conditions on the items' attributes."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.items import RunItems
from sbrcli.config.recommendation import LINES, Condition, GroupLimit, RuleConfig
from sbrcli.errors import DataError, UsageError
from sbrcli.log.session_lines import parse_session
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.rules import Cap, Rules

IntArray = npt.NDArray[np.integer]
BoolArray = npt.NDArray[np.bool_]

_MAX_NAMED = 5
"""The number of unknown ids that a warning names; the others are counted."""

_MAX_STORED = 64
"""Conditions, and columns, whose arrays of items are stored."""


def make_rules(config: RuleConfig, items: RunItems, reporter: Reporter = SILENT) -> Rules:
    """Make the rules that the options of `sbr recommend` describe.

    Args:
        config: the options.
        items: the run's items.
        reporter: receives the ids that the run does not know, and how the table was read.

    Raises:
        DataError: a file of ids or the table cannot be read, or shares no item with the run.
        ConfigError: the table lacks a column, or a value is of another kind than its column.
        UsageError: a list names no id.
    """
    only = None if config.only is None else read_ids(config.only, "--only")
    exclude = () if config.exclude is None else read_ids(config.exclude, "--exclude")
    rules = Rules(len(items.ids)).with_ids(items, only=only, exclude=exclude)
    listed = {"only": len(set(only or ())), "exclude": len(set(exclude))}
    for name, ids in rules.unknown.items():
        if ids:
            more = len(ids) - _MAX_NAMED
            reporter.warn(
                f"the run does not know {len(ids):,} of the {listed[name]:,} ids of --{name}: "
                + ", ".join(ids[:_MAX_NAMED])
                + (f" and {more:,} more" if more > 0 else "")
            )
    if config.items_table is None:
        return rules
    return add_table_rules(rules, items, config.items_table, config.where, config.max_per, reporter)


def add_table_rules(
    rules: Rules,
    items: RunItems,
    path: Path,
    where: Iterable[Condition] = (),
    max_per: Iterable[GroupLimit] = (),
    reporter: Reporter = SILENT,
) -> Rules:
    """Add the rules of `ItemAttributes.add_rules`; arguments and errors as there."""
    return ItemAttributes(items, path, reporter).add_rules(rules, where, max_per)


class ItemAttributes:
    """The attributes of a run's items; what rules need of them is stored when it is first used.

    Args:
        items: the run's items.
        path: the table of attributes.
        reporter: receives how many of the run's items the table has.

    Raises:
        DataError: the table cannot be read, or has none of the run's items.
    """

    def __init__(self, items: RunItems, path: Path, reporter: Reporter = SILENT) -> None:
        from sbrcli.log.item_table import read_item_table

        self._table = read_item_table(path)
        self._rows = self._table.rows_of(items.ids)
        self._is_there = self._rows >= 0
        if not self._is_there.any():
            raise DataError(
                f"{path}: its column {self._table.id_column} holds no item of the run",
                hint="name the column with the ids of the log item_id",
            )
        reporter.note(
            f"{path.name}: ids in column {self._table.id_column}; it has "
            f"{np.count_nonzero(self._is_there):,} of the run's {len(self._rows):,} items"
        )
        self._is_met = lru_cache(_MAX_STORED)(self._find_met)
        self._groups = lru_cache(_MAX_STORED)(self._find_groups)

    def add_rules(
        self, rules: Rules, where: Iterable[Condition], max_per: Iterable[GroupLimit]
    ) -> Rules:
        """Add conditions on items' attributes, and limits of groups.

        Args:
            rules: those before.
            where: conditions that an item must meet; one that the table lacks meets none.
            max_per: limits; an item that the table lacks counts towards none.

        Raises:
            ConfigError: the table lacks a column, or a value is of another kind than its column.
        """
        for condition in where:
            rules = rules.with_kept(f"where {condition}", self._is_met(condition))
        for limit in max_per:
            groups = self._groups(limit.column)
            rules = rules.with_cap(Cap(f"max-per {limit}", groups, limit.most))
        return rules

    def _find_met(self, condition: Condition) -> BoolArray:
        return self._is_there & self._table.meeting(condition)[self._rows]

    def _find_groups(self, column: str) -> IntArray:
        return np.where(self._is_there, self._table.groups(column)[self._rows], -1)


def read_ids(texts: str, option: str) -> list[str]:
    """Read the ids of an option that was given once or several times.

    Args:
        texts: one a line, each a list of ids, or @ and the path of a file of such lines.
        option: its name, for errors.

    Raises:
        DataError: a file cannot be read, or is not text.
        UsageError: there is no id.
    """
    ids: list[str] = []
    for text in texts.split(LINES):
        lines = _read_lines(Path(text[1:])) if text.startswith("@") else [text]
        for line in lines:
            ids += parse_session(line)
    if not ids:
        raise UsageError(
            f"{option} names no item",
            hint=f"{option} 3186,1270, or {option} @FILE with ids on its lines",
        )
    return ids


def _read_lines(path: Path) -> Sequence[str]:
    from sbrcli.log.files.opening import opened  # which loads SQLite

    with opened(path) as file:
        data = file.read()
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not text in UTF-8", hint="write item ids, one a line or separated by commas"
        ) from error
