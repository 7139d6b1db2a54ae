"""Who works on a log, and in how much memory: the result does not depend on it."""

import re
from dataclasses import dataclass

from sbrcli.config.options import Options, option
from sbrcli.errors import OptionError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?)(i?)B?", re.IGNORECASE)


def read_bytes(text: str) -> int:
    """Return the number of bytes of a size such as 1GB, 1.5 GiB or 800M.

    Raises:
        OptionError: it is not a size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise OptionError(
            f"memory is a size. Received: {text}", hint="write it as 800MB, 4GB or 1.5GiB"
        )
    unit = found[2].upper()
    base = 2 ** (10 * "KMGT".find(unit) + 10) if found[3] and unit else _UNITS[unit]
    return round(float(found[1]) * base)


@dataclass(frozen=True, kw_only=True)
class EngineConfig(Options):
    """How much of the machine a command uses for a log; its result is the same whatever it is."""

    memory: int | None = option(
        None,
        "Memory to use, such as 4GB. A log that needs more is processed in parts on the disk of "
        "the work directory. \\[default: half of what is free]",
        metavar="SIZE",
        parse=read_bytes,
    )
    processes: int = option(
        1,
        "Number of processes that work on the parts; they share --memory.",
        metavar="N",
        minimum=1,
    )
    parts: int | None = option(None)
    """The number of parts, instead of as many as the memory needs; None leaves it to that."""
