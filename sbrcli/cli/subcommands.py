"""The subcommands of `sbr`: a new one is a module with `register`, and one line here."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer

from sbrcli.cli.strict import StrictGroup

SUBCOMMANDS = {
    "stats": "sbrcli.cli.stats",
    "preprocess": "sbrcli.cli.preprocess",
    "train": "sbrcli.cli.train",
    "tune": "sbrcli.cli.tune",
    "update": "sbrcli.cli.update",
    "blend": "sbrcli.cli.blend",
    "evaluate": "sbrcli.cli.evaluate",
    "tune-baselines": "sbrcli.cli.tune_baselines",
    "compare": "sbrcli.cli.compare",
    "report": "sbrcli.cli.report",
    "recommend": "sbrcli.cli.recommend",
    "similar": "sbrcli.cli.similar",
    "serve": "sbrcli.cli.serve",
    "export": "sbrcli.cli.export",
    "runs": "sbrcli.cli.runs",
    "demo": "sbrcli.cli.demo",
    "guide": "sbrcli.cli.guide",
}
"""The module of each subcommand, in the order of `sbr --help`."""


class _LazyCommands(MutableMapping[str, Any]):
    """Commands by name; a module is imported when its command is first used."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _load(name, SUBCOMMANDS[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in SUBCOMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(SUBCOMMANDS)

    def __len__(self) -> int:
        return len(SUBCOMMANDS)


def _load(name: str, module: str) -> Any:
    holder = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich"
    )
    import_module(module).register(holder)
    command = typer.main.get_command(holder)
    command.name = name
    return command


class SubcommandGroup(StrictGroup):
    """The command `sbr`, which imports the module of a subcommand only if it is used."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _LazyCommands()
