"""Options that belong together reach a subcommand as one parameter."""

import inspect

import pytest

from sbrcli.cli.gathered import takes_options


@pytest.fixture
def told() -> list[object]:
    return []


@pytest.fixture
def function(told: list[object]):
    @takes_options("sizes", {"width": (int, 3), "height": (int | None, None)}, dict.items)
    def draw(colour: str, *, sizes: object, bold: bool = False) -> None:
        told.append((colour, dict(sizes), bold))  # pyright: ignore

    return draw


def test_options_stand_where_the_parameter_stood(function):
    parameters = inspect.signature(function).parameters
    assert list(parameters) == ["colour", "width", "height", "bold"]
    assert parameters["width"].annotation is int
    assert (parameters["width"].default, parameters["height"].default) == (3, None)


def test_their_values_come_gathered(function, told):
    function("red", width=1, height=2, bold=True)
    assert told == [("red", {"width": 1, "height": 2}, True)]
