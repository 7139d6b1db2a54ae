"""The options of `sbr recommend`: how many items it recommends, which, and by which rules."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from sbrcli.config.options import Options, option
from sbrcli.errors import ConfigError, OptionError

Fallback = Literal["popularity"]
Operator = Literal["=", "!=", "<", "<=", ">", ">="]

PANEL = "Rules on what may be recommended"

LINES = "\n"
"""Joins the texts of an option that is given several times, as ids and values hold commas."""


@dataclass(frozen=True, kw_only=True)
class RecommendConfig(Options):
    """How many items `sbr recommend` recommends, and which."""

    k: int = option(20, "Number of items to recommend.", flag="-k", metavar="K", minimum=1)
    include_seen: bool = option(False, "Allow the session's own items to be recommended.")
    fallback: Fallback | None = option(
        None,
        "If the run knows no item of a session, recommend the most popular items of train.",
        metavar="popularity",
        choices=get_args(Fallback),
    )
    why: bool = option(
        False,
        "For each item, name the events of the session that raised its score most, with their "
        "shares, found by scoring the session again without each event.",
    )


@dataclass(frozen=True, slots=True)
class Condition:
    """What an item's attribute must be, such as `in_stock=1`."""

    column: str
    operator: Operator
    value: str

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """Read COLUMN, an operator and a value; the first operator in the text counts.

        Raises:
            OptionError: there is no operator, or nothing before it.
        """
        found = re.fullmatch(r"\s*([^=!<>]*[^=!<>\s])\s*(!=|<=|>=|==|=|<|>)\s*(.*?)\s*", text)
        if found is None:
            raise OptionError(
                f"where must be a column, one of = != < <= > >=, and a value. Received: {text}",
                hint="--where in_stock=1 --where 'price<=20'",
            )
        column, operator, value = found.groups()
        return cls(column, "=" if operator == "==" else operator, value)  # pyright: ignore

    def __str__(self) -> str:
        """Write the condition as `parse` reads it."""
        return f"{self.column}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class GroupLimit:
    """How many items with one value of an attribute may be recommended, such as `category=3`."""

    column: str
    most: int

    @classmethod
    def parse(cls, text: str) -> "GroupLimit":
        """Read COLUMN=N.

        Raises:
            OptionError: it is written otherwise.
            ConfigError: N is below 1.
        """
        column, _, number = (part.strip() for part in text.rpartition("="))
        if not column or not re.fullmatch(r"[+-]?\d{1,9}", number):
            raise OptionError(
                f"max-per must be a column, = and a number. Received: {text}",
                hint="--max-per category=3",
            )
        if int(number) < 1:
            raise ConfigError(f"max-per must be at least 1. Received: {text}")
        return cls(column, int(number))

    def __str__(self) -> str:
        """Write the limit as `parse` reads it."""
        return f"{self.column}={self.most}"


def parse_conditions(text: str) -> tuple[Condition, ...]:
    """Read conditions, one a line."""
    return tuple(map(Condition.parse, text.split(LINES)))


def parse_limits(text: str) -> tuple[GroupLimit, ...]:
    """Read limits of groups, one a line."""
    return tuple(map(GroupLimit.parse, text.split(LINES)))


@dataclass(frozen=True, kw_only=True)
class RuleConfig(Options):
    """Which items `sbr recommend` may recommend, whatever the session."""

    only: str | None = option(
        None,
        "Recommend only these items: ids as for --items, or @FILE, a file with such ids on its "
        "lines. May be repeated.",
        panel=PANEL,
        metavar="IDS|@FILE",
        is_repeatable=True,
        joint=LINES,
    )
    exclude: str | None = option(
        None,
        "Never recommend these items: ids or @FILE, as for --only. May be repeated.",
        panel=PANEL,
        metavar="IDS|@FILE",
        is_repeatable=True,
        joint=LINES,
    )
    items_table: Path | None = option(
        None,
        "Table of the items' attributes for --where and --max-per: CSV with a header, or Parquet, "
        "with the ids in a column such as item_id, else in the first one.",
        panel=PANEL,
        metavar="FILE",
    )
    where: tuple[Condition, ...] = option(
        (),
        "Recommend only items whose attribute meets a condition with =, !=, <, <=, > or >=, such "
        "as in_stock=1. An item without a value meets none. May be repeated; all must hold.",
        panel=PANEL,
        metavar="COLUMN=VALUE",
        is_repeatable=True,
        joint=LINES,
        parse=parse_conditions,
    )
    max_per: tuple[GroupLimit, ...] = option(
        (),
        "Recommend at most N items with the same value of an attribute, such as category=3. Items "
        "without a value are not limited. May be repeated.",
        panel=PANEL,
        metavar="COLUMN=N",
        is_repeatable=True,
        joint=LINES,
        parse=parse_limits,
    )

    @property
    def are_given(self) -> bool:
        """Whether there is any rule."""
        return self != RuleConfig()

    def check_together(self) -> None:
        """Check that attributes and the table that holds them are given together."""
        needs = [*(f"--where {one}" for one in self.where)]
        needs += [f"--max-per {one}" for one in self.max_per]
        if needs and self.items_table is None:
            raise OptionError(
                f"the table of the items' attributes is missing. Received: {needs[0]}",
                hint="name it: --items-table FILE",
            )
        if self.items_table is not None and not needs:
            raise OptionError(
                f"--items-table does nothing alone. Received: {self.items_table}",
                hint="--where in_stock=1 or --max-per category=3 uses it",
            )
        super().check_together()


@dataclass(frozen=True, kw_only=True)
class SimilarConfig(Options):
    """How many items `sbr similar` shows."""

    k: int = option(10, "Number of similar items.", flag="-k", metavar="K", minimum=1)
