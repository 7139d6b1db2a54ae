"""Draw a plot as an SVG element of a page; the only module that imports matplotlib."""

import io
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sbrcli.report.html import visible
from sbrcli.report.svg import COLOURS, embed_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 380
"""The width of a plot, in units of 1/11 of the font size; about that of a phone in points."""

WIDE = 860
"""The width of a plot that fills the page on a wide screen."""

_UNITS_PER_INCH = 72
_TOP, _BOTTOM = 6, 40
"""The margins above and below the axes of a plot, in units."""

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sbr",
    "text.parse_math": False,
    "font.size": 11,
    "text.color": COLOURS["ink"],
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": COLOURS["soft"],
    "axes.labelcolor": COLOURS["soft"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": COLOURS["soft"],
    "ytick.color": COLOURS["soft"],
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "grid.color": COLOURS["line"],
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
}


def can_draw() -> bool:
    """Return whether matplotlib is installed; without it, pages have no plots."""
    # It would write to stderr while it builds its cache, and if the cache cannot be written.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def draw_plot(
    name: str,
    alt: str,
    paint: "Callable[[Axes], None]",
    *,
    height: float = 220,
    width: float = WIDTH,
    margins: tuple[float, float] | None = None,
) -> str:
    """Draw a plot, deterministically; return an empty text if plots cannot be drawn.

    Args:
        name: unique on the page; letters and dashes.
        alt: the alternative text for screen readers. paint: draws on the axes, only in `COLOURS`.
        height, width: in units.
        margins: left and right of the axes, in units, to align several plots; by default, what the
            labels need.
    """
    if not can_draw():
        return ""
    import matplotlib
    from matplotlib.figure import Figure

    written = io.StringIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # independent of the user's settings
        matplotlib.rcParams.update(_SETTINGS)  # pyright: ignore
        size = (width / _UNITS_PER_INCH, height / _UNITS_PER_INCH)
        figure = Figure(figsize=size, layout=None if margins else "constrained")
        paint(figure.add_subplot())
        if margins:
            left, right = margins
            top, bottom = 1 - _TOP / height, _BOTTOM / height
            figure.subplots_adjust(left / width, bottom, 1 - right / width, top)
        figure.savefig(written, format="svg")
    return embed_svg(written.getvalue(), name, visible(alt))
