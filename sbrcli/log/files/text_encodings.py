"""Detect the encoding of a text if its first bytes show it, else suggest encodings."""

import codecs
import re
from pathlib import Path
from unicodedata import category

from sbrcli.log.files.opening import opened

RECODE = "say in which encoding it is, as in --encoding latin-1"
"""Hint for a text in another encoding."""

_SAMPLE_BYTES = 1 << 12
_MARKS = (
    (codecs.BOM_UTF8, None),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, longer ones before their prefixes. None is UTF-8."""

_WIDE = (("utf-32-le", 4), ("utf-32-be", 4), ("utf-16-le", 2), ("utf-16-be", 2))
_MANY_BYTES = ("gb18030", "shift_jis", "euc_kr", "big5")
_ONE_BYTE = ("cp1252", "cp1251")
_FOREIGN = re.compile('[^,;|\t"\n]*[\udc80-\udcff][^,;|\t"\n]*')
_SHOWN_LETTERS = 20
_NO_TEXT = frozenset({"Cc", "Cn", "Co", "Cs"})
"""Unicode categories that no text contains: controls, unassigned, private and surrogates."""


def find_encoding(path: Path, named: str | None) -> str | None:
    """Return the encoding of a text; None is UTF-8.

    A byte order mark takes precedence over the encoding that the user gives. Without either, UTF-16
    and UTF-32 are detected by their zero bytes.

    Args:
        path: a file, compressed or not.
        named: the encoding that the user gives.

    Raises:
        DataError: the file cannot be read.
    """
    with opened(path) as file:
        data = file.read(_SAMPLE_BYTES)
    for mark, encoding in _MARKS:
        if data.startswith(mark) and _is_text(data, encoding or "utf-8", len(mark)):
            return encoding
    if named is not None or b"\0" not in data:
        return named
    return next((name for name, width in _WIDE if _is_text(data, name, width)), None)


def _is_text(data: bytes, encoding: str, width: int) -> bool:
    """Return whether bytes, possibly cut at the end, are whole lines of text."""
    if encoding == "utf-8":
        return True
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data[: len(data) // width * width])
    except UnicodeError:
        return False
    num_plain = sum(letter.isascii() for letter in text)  # ids, times, separators, line ends
    are_letters = not _NO_TEXT & {category(c) for c in set(text) - set("\r\n\t\x01\x1f")}
    return are_letters and bool(set(text) & set("\r\n")) and 4 * num_plain >= len(text)


def recode_hint(text: str) -> str:
    """Return a hint for a text that is not UTF-8, with its words in likely encodings.

    Args:
        text: a row, with invalid bytes as surrogates.
    """
    match = _FOREIGN.search(text)
    if match is None:
        return RECODE
    data = match[0].encode("utf-8", errors="surrogateescape")
    runs = re.findall(rb"[\x80-\xff]+", data)
    are_pairs = all(len(run) % 2 == 0 for run in runs)
    order = (*_MANY_BYTES, *_ONE_BYTE) if are_pairs else (*_ONE_BYTE, *_MANY_BYTES)
    readings: dict[str, str] = {}
    for name in order:
        word = _decoded(data, name)
        if word is not None and word not in readings.values():
            readings[name] = word
    if not readings:
        return RECODE
    words = ", ".join(f"{name} '{word}'" for name, word in readings.items())
    return (
        f"{RECODE}; it may be {words}; or recode it: "
        f"iconv -f {next(iter(readings)).upper()} -t UTF-8 LOG > NEW"
    )


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    is_text = not _NO_TEXT & set(map(category, text))
    return text.strip()[:_SHOWN_LETTERS] if is_text else None
