"""A progress bar that leaves out what the terminal has no room for, instead of cutting its end."""

from typing import Any

# This module is imported only where a bar is drawn.
from tqdm import tqdm  # noqa: TID253
from tqdm.utils import disp_len  # noqa: TID253

_HEAD = "{l_bar}{bar}|"
_COUNT = " {n_fmt}/{total_fmt}{unit}"
_TIME = " [{elapsed}<{remaining}"
_SHORTEST_BAR = 5
"""Columns of the drawing itself, below which something else is left out."""

_FORMATS = (
    _HEAD + _COUNT + _TIME + "{postfix}, {rate_noinv_fmt}]",
    _HEAD + _COUNT + _TIME + "{postfix}]",
    _HEAD + _TIME + "{postfix}]",
    _HEAD + _COUNT + _TIME + "]",
    _HEAD + _TIME + "]",
    _HEAD,
)
"""What a bar shows, the most first."""


class FittingBar(tqdm):
    """A bar of the fullest format that fits; the first one has the rate."""

    def __init__(self, *, has_rate: bool, **settings: Any) -> None:
        self._formats = _FORMATS if has_rate else _FORMATS[1:]
        super().__init__(**settings)

    def __str__(self) -> str:
        """Return the line that is drawn."""
        facts: dict[str, Any] = dict(self.format_dict)
        width = facts["ncols"]
        if facts["total"] is None or width is None:
            return super().__str__()
        for shape in self._formats:
            shortest = shape.replace("{bar}", f"{{bar:{_SHORTEST_BAR}}}")
            if disp_len(_line(facts, shortest, None)) <= width:
                return _line(facts, shape, width)
        return _line(facts, _HEAD, width)


def _line(facts: dict[str, Any], shape: str, width: int | None) -> str:
    settings: dict[str, Any] = {**facts, "bar_format": shape, "ncols": width}
    return tqdm.format_meter(**settings)
