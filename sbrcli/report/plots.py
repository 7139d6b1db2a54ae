"""A plot as an SVG element of a page; the only module that knows matplotlib."""

import io
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sbrcli.errors import ConfigError
from sbrcli.report.html import visible
from sbrcli.report.svg import COLOURS, embed_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 340
"""Of every plot, in units of which a font has 10; about as many as a phone has points."""

_UNITS_PER_INCH = 72

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sbr",
    "text.parse_math": False,
    "font.size": 10,
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


def require_matplotlib() -> None:
    """Check that plots can be drawn.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    # Where its cache cannot be written, and while it builds one, it would say so on stderr.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"sbr report draws its plots with matplotlib, which cannot be imported: {error}",
            hint="pip install matplotlib, or pip install '.[report]' in the folder of sbr",
        ) from error


def draw_plot(name: str, alt: str, paint: "Callable[[Axes], None]", *, height: float = 200) -> str:
    """Draw a plot; the same one gives the same text.

    Args:
        name: unlike that of any other plot of the page; letters and dashes.
        alt: what one would tell of it to who cannot see it.
        paint: draws on the axes, in `COLOURS` alone.
        height: in units, of which the plot is `WIDTH` wide.
    """
    import matplotlib
    from matplotlib.figure import Figure

    written = io.StringIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever the user's own settings are
        matplotlib.rcParams.update(_SETTINGS)  # pyright: ignore
        size = (WIDTH / _UNITS_PER_INCH, height / _UNITS_PER_INCH)
        figure = Figure(figsize=size, layout="constrained")
        paint(figure.add_subplot())
        figure.savefig(written, format="svg")
    return embed_svg(written.getvalue(), name, visible(alt))
