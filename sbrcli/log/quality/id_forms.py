"""Report ids written in two ways, in quotes, with decimals, with spaces or with invisible
characters.
"""

import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

_NUMBER = re.compile(r"\+?0*([0-9]+)(?:[.,]0*)?")
_OTHER_FORM = r"^\s|\s$|^\+[0-9]|^0[0-9]|^[+]?[0-9]+[.,]0*$"
"""Ids that may be written differently elsewhere."""

_INVISIBLE = "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
_ODDLY_INVISIBLE = (
    "[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\ufeff]"
    "|^[\u200c\u200d]|[\u200c\u200d]$|[ -~][\u200c\u200d]|[\u200c\u200d][ -~]"
)
"""Joiners and non-joiners between letters of Persian, Hindi or an emoji are spelling."""

_BYTE_ORDER_MARK = "\ufeff"

_CODED = {
    r"%[0-9A-Fa-f]{2}": unquote,
    r"&(?:[A-Za-z]{2,8}|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});": html.unescape,
    r"^https?://": lambda text: _ADDRESS.sub("", text).rstrip("/"),
    r"^'[^']+$": lambda text: text[1:],
    r"^[{]?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}[}]?$": lambda text: (
        text.strip("{}").replace("-", "").lower()
    ),
}
"""Patterns of ids in the encoding of addresses, HTML, Excel or UUIDs, with the function that
decodes them."""

_ADDRESS = re.compile("^https?://(?:www[.])?")

_MAX_CODED = 100_000
_MIN_PAIRS = 5

_SIGNS = "[-_ #]"
"""Signs between the parts of an id, which may differ between systems."""

_PREFIXED = r"^[A-Za-z]{1,5}[-_:#]?([0-9]+)$"
_MIN_PREFIXED = 0.5

_QUOTED = r"""^(?:'.+'|`.+`|“.+”|‘.+’|«.+»|=".+")$"""  # noqa: RUF001
_DECIMAL = r"^[0-9]+\.0+$"
_ROUNDED = r"^[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+$"

_NEARLY_ALL = 0.9
_MIN_LETTERS = 4
_WORDS = "[A-Z].*[ @]|[ @].*[A-Z]"
"""Names of several words, and e-mail addresses, whose case often varies."""
_FIRST = 100


def find_odd_forms(role: str, written: pa.StringArray) -> Iterator[str]:
    """Yield warnings about ids that may be split in two, or unknown elsewhere, by how they are
    written.

    Args:
        role: user, session or item.
        written: distinct ids as text.
    """
    yield from _invisible(role, written)
    yield from _spaced(role, written)
    yield from _quoted(role, written)
    yield from _marked(role, written)
    yield from _as_numbers(role, written)
    yield from _two_ways(role, written)


def _matching(written: pa.StringArray, pattern: str) -> list[str]:
    return written.filter(pc.match_substring_regex(written, pattern)).to_pylist()  # pyright: ignore


def _invisible(role: str, written: pa.StringArray) -> Iterator[str]:
    if pc.all(pc.string_is_ascii(written)).as_py():  # pyright: ignore
        return
    found = _matching(written, _ODDLY_INVISIBLE)
    if not found:
        return
    letter = next(iter(re.findall(_INVISIBLE, found[0])))
    shown = re.sub(_INVISIBLE, lambda match: f"\\u{ord(match[0]):04x}", found[0])
    sentence = (
        f"{len(found):,} {role} id{' holds' if len(found) == 1 else 's hold'} an invisible letter, "
        f"as '{shown}' does: it differs from the id without it."
    )
    if letter == _BYTE_ORDER_MARK:
        yield (
            f"{sentence} It is a byte order mark, as joined files have one each. Take it out: "
            r"sed 's/\xef\xbb\xbf//g' LOG > NEW"
        )
    else:
        yield f"{sentence} Take it out."


def _marked(role: str, written: pa.StringArray) -> Iterator[str]:
    marked = _matching(written, r"^'[0-9]+$")
    if marked and len(marked) >= _NEARLY_ALL * len(written):
        yield (
            f"{role.capitalize()} ids begin with the apostrophe by which Excel marks text, as "
            f"{marked[0]} does. It is a part of the id, which --items and titles do not have. Take "
            "such apostrophes out."
        )


def _spaced(role: str, written: pa.StringArray) -> Iterator[str]:
    trimmed = pc.utf8_trim_whitespace(written)  # pyright: ignore
    at = pc.index(pc.not_equal(trimmed, written), True).as_py()  # pyright: ignore
    if at >= 0:
        yield (
            f"{role.capitalize()} ids begin or end with a space, as '{written[at]}' does. It is a "
            "part of the id, which --items and titles do not have. Take such spaces out."
        )


def _quoted(role: str, written: pa.StringArray) -> Iterator[str]:
    quoted = _matching(written, _QUOTED)
    if not quoted:
        return
    inner = pa.array([text.removeprefix("=")[1:-1] for text in quoted], pa.string())
    have_twins = pc.any(pc.is_in(inner, written)).as_py()  # pyright: ignore
    if not have_twins and len(quoted) < _NEARLY_ALL * len(written):
        return
    one = quoted[0]
    remedy = """--quote "'" takes them off.""" if one.startswith("'") else "Take them off."
    yield (
        f"{len(quoted):,} {role} id{'' if len(quoted) == 1 else 's'} of {len(written):,} stand in "
        f"quotes, as {one} does, which are a part of the id. {remedy}"
    )


def _as_numbers(role: str, written: pa.StringArray) -> Iterator[str]:
    for pattern, meaning in (
        (_DECIMAL, "with decimals, as programs write numbers of a column with gaps"),
        (_ROUNDED, "rounded, as Excel does, so that several ids may have become one"),
    ):
        if not len(_matching(written[:_FIRST], pattern)):
            continue
        found = _matching(written, pattern)
        if len(found) >= _NEARLY_ALL * len(written):
            yield (
                f"{role.capitalize()} ids are written {meaning}: {found[0]}. They stay as they "
                "are. Write them as whole numbers."
            )


def _two_ways(role: str, written: pa.StringArray) -> Iterator[str]:
    pairs = _pairs_of_numbers(written, _matching(written, _OTHER_FORM))
    pairs += _pairs_of_letters(written)
    for pattern, plain_form in _CODED.items():
        pairs += _pairs_of_codes(written, pattern, plain_form)
    pairs += _pairs_of_prefixes(written)
    pairs += _pairs_of_signs(written)
    if pairs:
        one, other = pairs[0]
        yield (
            f"{len(pairs):,} {role} id{' is' if len(pairs) == 1 else 's are'} written in two ways, "
            f"as '{one}' and '{other}', and counted as two. Write each id in one way."
        )


def _pairs_of_numbers(written: pa.StringArray, others: list[str]) -> list[tuple[str, str]]:
    if not others:
        return []
    plain = list(map(_plain_form, others))
    is_written = pc.is_in(pa.array(plain, pa.string()), written).to_pylist()  # pyright: ignore
    forms = {one: one for one, is_there in zip(plain, is_written, strict=True) if is_there}
    pairs = [(forms.setdefault(one, text), text) for one, text in zip(plain, others, strict=True)]
    return [pair for pair in pairs if pair[0] != pair[1]]


def _pairs_of_codes(
    written: pa.StringArray, pattern: str, plain_form: Callable[[str], str]
) -> list[tuple[str, str]]:
    """Return pairs of ids that are equal after decoding."""
    coded = _matching(written, pattern)[:_MAX_CODED]
    if not coded:
        return []
    first: dict[str, str] = {}
    pairs = []
    for text in coded:
        one = first.setdefault(plain_form(text), text)
        pairs += [(one, text)] * (one != text)
    plain = pa.array(list(first), pa.string())
    is_there = pc.is_in(plain, written).to_pylist()  # pyright: ignore
    both = zip(first.items(), is_there, strict=True)
    return pairs + [pair for pair, is_twin in both if is_twin and pair[0] != pair[1]]


def _pairs_of_signs(written: pa.StringArray) -> list[tuple[str, str]]:
    """Return pairs of ids that differ in the signs between their parts: SKU-501, SKU501 and
    SKU_501.

    Signs between two numbers are kept, as 1-23 is not 12-3.
    """
    few = written[:_MAX_CODED]
    if not pc.any(pc.match_substring_regex(few, f"{_SIGNS}.*[^0-9]|[^0-9].*{_SIGNS}|^#")).as_py():  # pyright: ignore
        return []
    plain = pc.replace_substring_regex(few, f"^{_SIGNS}+|{_SIGNS}+$", "")  # pyright: ignore
    plain = pc.replace_substring_regex(plain, f"{_SIGNS}+", "-")  # pyright: ignore
    plain = pc.replace_substring_regex(plain, "([A-Za-z])-?([0-9])", r"\1-\2")  # pyright: ignore
    first: dict[str, str] = {}
    pairs = []
    for form, text in zip(plain.to_pylist(), few.to_pylist(), strict=True):
        one = first.setdefault(form, text)
        pairs += [(one, text)] * (one.strip() != text.strip() and bool(form))
    return pairs if len(pairs) >= _MIN_PAIRS or len(few) <= _FIRST else []


def _pairs_of_prefixes(written: pa.StringArray) -> list[tuple[str, str]]:
    """Return pairs of a number and itself with a prefix, such as 71 and u71, if many are so.

    A few may be different things, such as the products 2 and C2 of a shop.
    """
    prefixed = _matching(written, _PREFIXED)
    if not prefixed:
        return []
    numbers = pa.array([re.sub("^[^0-9]+", "", text) for text in prefixed], pa.string())
    is_there = pc.is_in(numbers, written).to_pylist()  # pyright: ignore
    triples = zip(numbers.to_pylist(), prefixed, is_there, strict=True)
    pairs = [(number, text) for number, text, is_twin in triples if is_twin]
    return pairs if len(pairs) >= max(2, _MIN_PREFIXED * len(prefixed)) else []


def _plain_form(text: str) -> str:
    """Return an id without outer spaces, leading zeros, a plus and decimals of zero."""
    found = _NUMBER.fullmatch(text.strip())
    return found[1] if found else text.strip()


def _pairs_of_letters(written: pa.StringArray) -> list[tuple[str, str]]:
    """Return pairs of ids that differ in the case of all letters, or in Unicode normalisation.

    Random ids differ in the case of some letters, but hardly ever of all.
    """
    is_long = pc.greater_equal(pc.utf8_length(written), _MIN_LETTERS)  # pyright: ignore
    is_upper = pc.and_(pc.utf8_is_upper(written), is_long)  # pyright: ignore
    is_other = pc.or_(is_upper, pc.match_substring_regex(written, _WORDS))  # pyright: ignore
    is_ascii = pc.string_is_ascii(written)  # pyright: ignore
    others = written.filter(pc.or_(is_other, pc.invert(is_ascii)))  # pyright: ignore
    if not len(others):
        return []
    is_cased = pc.or_(pc.utf8_is_upper(others), pc.match_substring_regex(others, _WORDS))  # pyright: ignore
    plain = pc.if_else(is_cased, pc.utf8_lower(others), others)  # pyright: ignore
    plain = pc.utf8_normalize(plain, "NFKC")  # pyright: ignore
    is_twin = pc.and_(pc.not_equal(plain, others), pc.is_in(plain, written))  # pyright: ignore
    pairs = zip(plain.filter(is_twin), others.filter(is_twin), strict=True)
    return [(one.as_py(), other.as_py()) for one, other in pairs]
