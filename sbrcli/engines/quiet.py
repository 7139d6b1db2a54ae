"""Leave it to sbr to report what happens to a cluster."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def quiet(loggers: Sequence[str], package: str) -> Iterator[None]:
    """Silence loggers, and the warnings of a package, for as long as the context lasts."""
    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]
    for logger in found:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=package)
            yield
    finally:
        for logger, level in zip(found, levels, strict=True):
            logger.setLevel(level)
