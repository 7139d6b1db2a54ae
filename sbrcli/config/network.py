"""Options that several families of networks have, declared alike for each.

Each family declares its options in an order of its own, which names of runs follow.
"""

from typing import Any

from sbrcli.config.options import SearchRange, option
from sbrcli.errors import OptionError

PANEL = "Network"


def parse_sizes(text: str) -> tuple[int, ...]:
    """Read the units of one or several layers, as in "100,50".

    Raises:
        OptionError: one is not a whole number.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise OptionError(
            f"hsz must be a whole number, or one for each layer with commas between. "
            f"Received: {text}"
        ) from error


def sizes_option(default: int, text: str) -> Any:
    """Return the field of `--hsz`, (units,) or one number for each layer.

    Args:
        default: the units.
        text: the help.
    """
    return option(
        (default,),
        text,
        panel=PANEL,
        metavar="N[,N…]",
        parse=parse_sizes,
        minimum=1,
        maximum=100_000,
        expected="1 to 100,000",
        search=SearchRange(32, 256, is_log=True),
    )


def dropout_option(default: float, text: str) -> Any:
    """Return the field of a dropout, which is higher by default for short sessions.

    Args:
        default: the share that is dropped.
        text: the help.
    """
    return option(
        default,
        text,
        panel=PANEL,
        short_sessions=0.3,
        minimum=0,
        below=1,
        search=SearchRange(0.0, 0.6),
    )
