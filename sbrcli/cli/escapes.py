"""Escape characters that act on a terminal or break a line."""

import re

UNSAFE = re.compile(
    "[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0001]"
)
"""Control characters, line ends, bidirectional overrides, half surrogate pairs, language tags."""


def printable(text: str) -> str:
    r"""Replace what would act on a terminal or break a line by its escape, as in `\x1b`.

    What is merely invisible is spelling, and stays: joiners, spaces of any width, soft hyphens.
    """
    return text if text.isprintable() else UNSAFE.sub(lambda c: ascii(c[0])[1:-1], text)
