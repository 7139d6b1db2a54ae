"""A configuration's declarations become a subcommand's options, and their values one parameter."""

import inspect
from dataclasses import dataclass
from typing import Any, Literal

import pytest
import typer

from sbrcli.cli.app import app
from sbrcli.cli.option_groups import takes_family_options, takes_options
from sbrcli.config.options import Options, option
from sbrcli.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Sizes(Options):
    width: int = option(3, "How wide.", minimum=1, short_sessions=2)
    shape: Literal["round", "square"] = option("round", "Form.", choices=("round", "square"))
    sides: tuple[int, ...] = option(
        (1, 2),
        "Sides.",
        flag="-s",
        is_repeatable=True,
        parse=lambda t: tuple(map(int, t.split(","))),
    )
    framed: bool | None = option(None, "A frame.")
    hidden: int = option(7)


def drawing(received: list[object], *, explicit: bool):
    @takes_options("sizes", Sizes, explicit=explicit)
    def draw(colour: str, *, sizes: object, bold: bool = False) -> None:
        received.append((colour, sizes, bold))

    return draw


def options_of(function) -> dict[str, Any]:
    app = typer.Typer()
    app.command()(function)
    return {one.name: one for one in typer.main.get_command(app).params}


def test_options_stand_where_the_parameter_stood_and_a_field_without_help_is_none():
    parameters = inspect.signature(drawing([], explicit=False)).parameters
    assert list(parameters) == ["colour", "width", "shape", "sides", "framed", "bold"]


def test_an_option_has_its_fields_type_default_flag_and_help():
    options = options_of(drawing([], explicit=False))
    width, shape, sides, framed = (options[name] for name in ("width", "shape", "sides", "framed"))
    assert (width.type.convert("4", None, None), width.default, width.opts) == (4, 3, ["--width"])
    assert width.help == "How wide."
    assert (list(shape.type.choices), shape.default) == (["round", "square"], "round")
    assert (sides.multiple, sides.default, sides.opts) == (True, None, ["-s"])
    assert sides.help == "Sides. \\[default: 1, 2]"
    assert (framed.opts, framed.secondary_opts) == (["--framed"], ["--no-framed"])


def test_an_explicit_option_has_no_value_of_its_own_and_names_its_default_in_the_help():
    options = options_of(drawing([], explicit=True))
    width, shape = options["width"], options["shape"]
    assert (width.type.convert("4", None, None), width.default, width.metavar) == (4, None, "N")
    assert width.help == "How wide. \\[default: 3; short sessions: 2]"
    assert (shape.default, shape.metavar) == (None, "round|square")
    assert shape.type.convert("oval", None, None) == "oval"
    assert [one.value for one in shape.shell_complete(None, "s")] == ["square"]


def test_the_values_come_as_one_configuration():
    received = []
    draw = drawing(received, explicit=False)
    draw("red", width=1, shape="square", sides=["3", "4,5"], framed=True, bold=True)
    sizes = Sizes(width=1, shape="square", sides=(3, 4, 5), framed=True)
    assert received == [("red", sizes, True)]


def test_what_is_not_given_has_the_default():
    received = []
    drawing(received, explicit=False)("red", width=3, shape="round", sides=None, framed=None)
    assert received == [("red", Sizes(), False)]


def test_explicit_values_come_as_they_were_given():
    received = []
    drawing(received, explicit=True)("red", width=None, shape=None, sides=["6"], framed=None)
    values = {"width": None, "shape": None, "sides": (6,), "framed": None}
    assert received == [("red", values, False)]


@dataclass(frozen=True, kw_only=True)
class Colours(Options):
    width: int = option(5, "Other words.")
    depth: int = option(1, "How deep.", panel="Space")


@dataclass(frozen=True, kw_only=True)
class Shared(Options):
    speed: int = option(9, "How fast.", panel="Run")


def test_options_of_several_families_stand_once_in_the_panel_of_the_first_that_has_them():
    received = []

    @takes_family_options("values", {"one": Sizes, "two": Colours}, Shared)
    def draw(*, values: dict[str, Any]) -> None:
        received.append(values)

    options = options_of(draw)
    own = [name for name in options if "completion" not in name]
    assert own == ["width", "shape", "sides", "framed", "depth", "speed"]
    panels = [options[name].rich_help_panel for name in ("width", "depth", "speed")]
    assert panels == ["Network (--model one)", "Space (--model two)", "Run"]
    assert options["width"].help == "How wide. \\[default: 3; short sessions: 2; two: 5]"
    draw(width=4, shape=None, sides=None, framed=None, depth=2, speed=None)
    assert received == [{**dict.fromkeys(received[0]), "width": 4, "depth": 2}]


def test_two_families_cannot_have_an_option_of_two_types():
    @dataclass(frozen=True, kw_only=True)
    class Other(Options):
        width: float = option(5.0, "How wide.")

    with pytest.raises(TypeError, match=r"^width of two has another type elsewhere$"):
        takes_family_options("values", {"one": Sizes, "two": Other}, Shared)


def test_a_value_out_of_bounds_is_refused_before_the_command_runs():
    received = []
    with pytest.raises(ConfigError, match=r"^width must be at least 1\. Received: 0$"):
        drawing(received, explicit=False)("red", width=0, shape="round", sides=None, framed=None)
    assert received == []


@dataclass(frozen=True, kw_only=True)
class SameSizes(Options):
    width: int = option(3, "How wide.", short_sessions=2)


def test_a_default_that_two_families_share_is_printed_once():
    @takes_family_options("values", {"one": Sizes, "two": SameSizes}, Shared)
    def draw(*, values: dict[str, Any]) -> None:
        raise AssertionError(values)

    assert options_of(draw)["width"].help == "How wide. \\[default: 3; short sessions: 2]"


def test_the_help_shows_the_default_that_a_family_implies():
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name in ("train", "tune"):
        [rate] = [one for one in commands[name].params if "--learning-rate" in one.opts]
        assert rate.help.endswith("\\[default: 0.07; short sessions: 0.1; sasrec: 0.02]")
