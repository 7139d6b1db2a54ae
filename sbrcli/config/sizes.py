"""The sizes of a network's layers, as families of networks read them from the command line.

`--hsz` is an option of several families, which must read it in the same way.
"""

from sbrcli.errors import OptionError


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
