"""The known layouts: a new one is a module with `HEADERLESS` or `HEADED`, and one line here."""

from collections.abc import Iterator
from importlib import import_module

from sbrcli.log.formats.layouts.layout import Headed, Headerless

LAYOUTS = [
    "sbrcli.log.formats.layouts.recbole",
    "sbrcli.log.formats.layouts.movielens",
    "sbrcli.log.formats.layouts.yoochoose",
    "sbrcli.log.formats.layouts.foursquare",
    "sbrcli.log.formats.layouts.taobao",
    "sbrcli.log.formats.layouts.amazon",
    "sbrcli.log.formats.layouts.gowalla",
    "sbrcli.log.formats.layouts.diginetica",
    "sbrcli.log.formats.layouts.retailrocket",
    "sbrcli.log.formats.layouts.gru4rec",
]
"""The modules; of several layouts that fit a log, the first one is taken."""


def headerless_layouts() -> Iterator[Headerless]:
    """Yield the layouts of tables without a header."""
    for module in LAYOUTS:
        yield from getattr(import_module(module), "HEADERLESS", ())


def headed_layouts() -> Iterator[Headed]:
    """Yield the layouts that are known by their header."""
    for module in LAYOUTS:
        yield from getattr(import_module(module), "HEADED", ())
