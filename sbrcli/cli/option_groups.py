"""A subcommand's options, made from the declarations of a configuration (see `config.options`)."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, replace
from typing import Annotated, Any, Literal, get_origin, get_type_hints

import typer

from sbrcli.cli.completion import complete_list, complete_words
from sbrcli.config.options import Option, Options, declared_options, option_name

Completed = Mapping[str, Mapping[str, Any]]
"""What a registry adds to declarations, by field: attributes of `Option`, and the `names` that its
help has a place for."""


@dataclass(frozen=True, slots=True)
class _Declared:
    """One option of a configuration: its field, its declaration and its type."""

    field: Field[Any]
    option: Option
    kind: Any
    is_explicit: bool
    """Whether its value is None where the user does not give it."""

    also: tuple[tuple[str, "_Declared"], ...] = ()
    """The families that have an option of the same name, with its declaration there."""

    implied: tuple[tuple[str, Any], ...] = ()
    """The families whose options imply a default of their own, with it."""

    def as_parameter(self) -> inspect.Parameter:
        """Return the parameter that Typer makes the option of."""
        annotation, default = self._value_kind()
        settings: dict[str, Any] = {
            "metavar": self._metavar(),
            "help": self.option.help,
            "rich_help_panel": self.option.panel,
        }
        if default is None and (shown := self._default_in_words()):
            settings["help"] += f" \\[default: {shown}]"
        if self.option.choices and get_origin(annotation) is not Literal:
            complete = complete_list if self.option.is_repeatable else complete_words
            settings["autocompletion"] = complete(self.option.choices)
        return inspect.Parameter(
            self.field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[annotation, typer.Option(*self._flags(), **settings)],
            default=default,
        )

    def read(self, value: Any) -> Any:
        """Return the configuration's value for one of the command line."""
        if value is None:
            return None if self.is_explicit else self.field.default
        text = self.option.joint.join(value) if self.option.is_repeatable else value
        return text if self.option.parse is None else self.option.parse(text)

    def _value_kind(self) -> tuple[Any, Any]:
        """Return the type that Typer reads, and the default."""
        if self.option.is_repeatable:
            return list[str] | None, None
        if self.option.parse is not None:
            return str | None, None
        if not self.is_explicit:
            # The configuration checks the choices that it declares, but not those of a registry.
            if self.option.choices != self.field.metadata["option"].choices:
                return Literal[self.option.choices], self.field.default
            return self.kind, self.field.default
        is_choice = get_origin(self.kind) is Literal
        return (str if is_choice else self.kind) | None, None

    def _flags(self) -> list[str]:
        flag = self.option.flag or f"--{option_name(self.field, self.option)}"
        first = f"{flag}/--no-{flag.lstrip('-')}" if self._may_be_denied() else flag
        return [first] if self.option.other_flag is None else [first, self.option.other_flag]

    def _may_be_denied(self) -> bool:
        return self.kind == bool | None or (self.kind is bool and self.field.default is True)

    def _metavar(self) -> str | None:
        if self.option.metavar is not None or not self.is_explicit or self.kind is bool:
            return self.option.metavar
        if self.option.choices:
            return "|".join(self.option.choices)
        return "N" if self.kind is int else "X"

    def _default_in_words(self) -> str:
        default = self.field.default
        if self.option.shown_default is not None or default is None or default is False:
            return self.option.shown_default or ""
        if default is True:
            return "on" if self.option.short_sessions is None else "on; short sessions: off"
        shown = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
        short = self.option.short_sessions
        shown = shown if short is None else f"{shown}; short sessions: {short}"
        others = ((model, one._default_in_words()) for model, one in self.also)
        differing = [f"{model}: {words}" for model, words in others if words != shown]
        return "; ".join([shown, *differing, *(f"{model}: {own}" for model, own in self.implied)])


def takes_options(
    parameter: str,
    config: type,
    *,
    explicit: bool = False,
    completed: Completed | None = None,
) -> Callable[[Callable], Callable]:
    """Replace a parameter of a subcommand's function by the options that a configuration declares.

    Args:
        parameter: the function's keyword-only parameter, which takes a `config`; the options take
            its place in the help.
        config: a dataclass with options (see `config.options`).
        explicit: give the function a dictionary of the values by their fields' names instead,
            None where the user gave none, so that other defaults can take their place.
        completed: what a registry adds to declarations.
    """
    group = _declarations(config, completed, is_explicit=explicit)
    return _takes(parameter, group, dict if explicit else config)


def takes_family_options(
    parameter: str,
    families: Mapping[str, type[Options]],
    shared: type[Options],
    completed: Completed | None = None,
) -> Callable[[Callable], Callable]:
    """Replace a parameter by the options of all families and those that every family has.

    The function gets a dictionary, as with `explicit` of `takes_options`. Each family's options are
    in a panel of their own. An option that several families have is in the first one's panel.

    Args:
        parameter: the function's keyword-only parameter.
        families: the own options of each family, by its name.
        shared: the options that every family has.
        completed: what a registry adds to the shared declarations.

    Raises:
        TypeError: two families declare an option of one name with different types.
    """
    group: dict[str, _Declared] = {}
    for model, options in families.items():
        for one in _declarations(options, is_explicit=True):
            first = group.get(one.field.name)
            if first is None:
                panel = f"{one.option.panel or 'Network'} (--model {model})"
                group[one.field.name] = replace(one, option=replace(one.option, panel=panel))
            elif (first.kind, first.option.parse) == (one.kind, one.option.parse):
                group[one.field.name] = replace(first, also=(*first.also, (model, one)))
            else:
                raise TypeError(f"{one.field.name} of {model} has another type elsewhere")
    implied = {model: options.own_defaults({}) for model, options in families.items()}
    every = [
        replace(one, implied=tuple(
            (model, own[one.field.name]) for model, own in implied.items() if one.field.name in own
        ))
        for one in _declarations(shared, completed, is_explicit=True)
    ]  # fmt: skip
    return _takes(parameter, [*group.values(), *every], dict)


def _declarations(
    config: type, completed: Completed | None = None, *, is_explicit: bool
) -> list[_Declared]:
    kinds = get_type_hints(config)
    return [
        _Declared(
            field,
            _complete(option, (completed or {}).get(field.name)),
            kinds[field.name],
            is_explicit,
        )
        for field, option in declared_options(config)
        if option.help is not None
    ]


def _takes(
    parameter: str, group: list[_Declared], make: Callable[..., object]
) -> Callable[[Callable], Callable]:
    """Replace a function's parameter by options, of whose values `make` makes its argument."""

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def run(*words: Any, **values: Any) -> None:
            read = {one.field.name: one.read(values.pop(one.field.name)) for one in group}
            function(*words, **{parameter: make(**read)}, **values)

        own = inspect.signature(function)
        parameters = []
        for name, kept in own.parameters.items():
            parameters += [one.as_parameter() for one in group] if name == parameter else [kept]
        run.__signature__ = own.replace(parameters=parameters)  # pyright: ignore
        return run

    return decorate


def _complete(option: Option, added: Mapping[str, Any] | None) -> Option:
    """Return a declaration with what a registry adds to it."""
    if added is None or option.help is None:
        return option
    settings = dict(added)
    return replace(option, help=option.help.format(names=settings.pop("names")), **settings)


def takes_read_options(function: Callable) -> Callable:
    """Add the options of reading a log to a function, as its `ReadConfig` parameter `reading`."""
    from sbrcli.config.reading import ReadConfig

    return takes_options("reading", ReadConfig)(function)
