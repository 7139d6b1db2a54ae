"""Find ids that stand for nobody, which logs write if there is no user, session or item."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sbrcli.log.events import ITEM_ID, SESSION_ID, USER_ID
from sbrcli.log.quality.id_counts import IdCounts


def _split_words(text: str) -> frozenset[str]:
    """Return the words between vertical bars."""
    return frozenset(text.split("|"))


_WORDS = _split_words(
    "null|nan|none|nil|nat|na|n/a|n.a.|undefined|missing|empty|unknown|unidentified|unk|-|--|"
    "---|?|??|???|.|\\n|\u2013|\u2014|0x0|null user|no id|noid|blank|<unknown>|<none>|[null]|"
    "[none]|{null}|<nil>|<undefined>|not found|unassigned|n.n.||''|\"\"|not set|(not set)|"
    "(none)|(null)|(empty)|(unknown)|(other)|(direct)|<null>|<na>|#n/a|#null!|#ref!|#value!|"
    "#name?|#div/0!|n/d|(blank)|(missing)|<missing>|<empty>|[object object]|no value|no data|"
    "k.a.|k. a.|unbekannt|inconnu|desconocido|sconosciuto|desconhecido|未知|неизвестно|"
    "null null|none none|not specified|unspecified|not available|"
    "not applicable|not provided|(not provided)|d41d8cd98f00b204e9800998ecf8427e|"
    "da39a3ee5e6b4b0d3255bfef95601890afd80709|"
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)
"""Texts of databases and programs for a missing id, in lower case; the last three are the MD5,
SHA-1 and SHA-256 of an empty text."""

_PERSONS = _split_words(
    "anonymous|anon|anonymous user|anonymoususer|anonymous visitor|guest|guest user|guestuser|"
    "visitor|nobody|no user|nouser|logged out|logged off|"
    "signed out|unregistered|public|no login|nologin|unknown user|unauthenticated|"
    "not authenticated|<anonymous>|(anonymous)|<guest>|(guest)|[deleted]|[removed]|anonym|"
    "anonyme|anonimo|anónimo|gast|invité|invitado|гость|аноним|游客|匿名|ゲスト|deleted user|"
    "test user|default user|dummy user"
) | {"not logged in", "not signed in"}
"""Texts of shops for a person who is not logged in; items may have such names."""

_PLACEHOLDERS = _split_words(
    "test|tests|testing|default|dummy|sample|example|tbd|todo|temp|system|root|admin|"
    "administrator|bot|robot|crawler|spider|batch|user|userid|user id|session|session id|item|"
    "item id|id|other|true|false|yes|no|inf|infinity|deleted|removed|error|invalid|foo|bar|"
    "asdf|all|any|everyone|others|various|misc"
)
"""Words that are ordinary ids unless they have unusually many events."""

_UNFILLED = (
    r"^(?:\$.*|%[a-z(].*|[{<\[(].*[a-z].*[}>\])]|x{2,}|mozilla/.*|.*(?:bot/|crawler|spider).*)$"
)
"""Templates that were not filled in, such as {user_id}; xxx; and crawlers."""

_ZEROS = "^(?:0{8}-?(?:0{4}-?){3}0{12}|(?:0x)?0{8,})$"
"""The UUID of zeros, and other texts of zeros alone."""

_FILLERS = (2**15 - 1, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**53 - 1, 2**63 - 1)
"""The largest numbers of a type, which stand for missing ids, as do nines alone."""

_WHOLE = r"\A-?[0-9]{1,18}(?:\.0*)?\z"

_NEARLY_ALL = 0.9

_SMALL = 1000
"""Larger negative numbers may be hashes."""

_MIN_SHARE = 0.05
_MIN_RATIO = 2
_LARGE_RATIO = 10
"""Least frequency of 0 or -1, compared to all events and to the median of the other ids."""

_FAR = 10
"""Least distance of 0 from the other ids, in units of their spacing."""

_OUTLYING_SHARE = {USER_ID: 0.2, SESSION_ID: 0.2, ITEM_ID: 0.3}
_OUTLYING_RATIO = 50
_MIN_IDS = 20


@dataclass(frozen=True, slots=True)
class PlaceholderId:
    """An id that seems to stand for nobody.

    Args:
        text: the id.
        count: its events.
        is_named: whether the id itself shows it, or else its share of all events.
    """

    text: str
    count: int
    is_named: bool


def find_placeholder_ids(column: str, counted: IdCounts) -> list[PlaceholderId]:
    """Return the ids of a column of the event table that seem to stand for nobody.

    An id of 0, -1 or 99999999 is ordinary if the other ids continue from it, unless its share of
    all events is unusually large.

    Args:
        column: user_id, session_id or item_id.
        counted: its ids.
    """
    counts = counted.counts
    if not len(counts):
        return []
    if (written := counted.texts) is not None:
        is_named = _is_no_id(column, written, _are_frequent(counts))
        found = [
            PlaceholderId(written[at].as_py(), int(counts[at]), True)
            for at in np.flatnonzero(is_named).tolist()
        ]
        numbers, places = _numbers_among(written)
        if len(numbers) and _likely_fillers(numbers):
            odd = _odd_numbers(numbers, counts, places)
            found += [
                PlaceholderId(written[at].as_py(), int(counts[at]), True)
                for at in odd
                if not is_named[at]
            ]
        odd_word = None if found else _find_odd_word(written, counts)
        if odd_word is not None:
            found.append(PlaceholderId(written[odd_word].as_py(), int(counts[odd_word]), False))
    else:
        odd = _odd_numbers(counted.ids, counts, np.arange(len(counts)))
        found = [PlaceholderId(counted.name(at), int(counts[at]), True) for at in odd]
    top = counted.name(int(counts.argmax()))
    if _is_outlying(column, counts) and all(placeholder.text != top for placeholder in found):
        found.append(PlaceholderId(top, int(counts.max()), False))
    return found


def _is_no_id(column: str, written: pa.StringArray, is_frequent: np.ndarray) -> np.ndarray:
    """Return which texts stand for a missing id: (texts,) bool."""
    words = pc.utf8_lower(pc.utf8_trim_whitespace(written))  # pyright: ignore
    words = pc.replace_substring_regex(words, "([a-z])[_-]([a-z])", r"\1 \2")  # pyright: ignore
    known = pa.array(sorted(_WORDS if column == ITEM_ID else _WORDS | _PERSONS))
    is_word = pc.is_in(words, known)  # pyright: ignore
    is_zeros = pc.match_substring_regex(words, _ZEROS)  # pyright: ignore
    is_none = pc.or_(is_word, is_zeros).to_numpy(zero_copy_only=False)  # pyright: ignore
    if not is_frequent.any():
        return is_none
    is_placeholder = pc.is_in(words, pa.array(sorted(_PLACEHOLDERS | _PERSONS)))  # pyright: ignore
    is_unfilled = pc.match_substring_regex(words, _UNFILLED)  # pyright: ignore
    may_be = pc.or_(is_placeholder, is_unfilled).to_numpy(zero_copy_only=False)  # pyright: ignore
    return is_none | (may_be & is_frequent)


def _are_frequent(counts: np.ndarray) -> np.ndarray:
    """Return which ids have unusually many events: (ids,) bool."""
    typical = float(np.median(counts)) if len(counts) > 2 else float(counts.min())
    are_many = (counts >= _MIN_SHARE * counts.sum()) | (counts >= _LARGE_RATIO * typical)
    return are_many & (counts >= _MIN_RATIO * typical)


def _numbers_among(written: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole numbers of at most 18 digits among texts, and their positions."""
    is_intact = pc.match_substring_regex(written, _WHOLE)  # pyright: ignore
    plain = pc.replace_substring_regex(written.filter(is_intact), r"\..*", "")  # pyright: ignore
    return (
        plain.cast(pa.int64()).to_numpy(),
        np.flatnonzero(is_intact.to_numpy(zero_copy_only=False)),
    )


def _find_odd_word(written: pa.StringArray, counts: np.ndarray) -> int | None:
    """Return the position of the most frequent id if it lacks digits and nearly all others have
    some.

    Such an id with unusually many events is often a word for nobody that is not known here.
    """
    top = int(counts.argmax())
    if (
        len(written) < 2
        or not _are_frequent(counts)[top]
        or any(map(str.isdigit, written[top].as_py()))
    ):
        return None
    have_digits = pc.match_substring_regex(written, "[0-9]")  # pyright: ignore
    share = have_digits.to_numpy(zero_copy_only=False).sum() / (len(counts) - 1)
    return top if share >= _NEARLY_ALL else None


def _odd_numbers(numbers: np.ndarray, counts: np.ndarray, places: np.ndarray) -> list[int]:
    """Return the positions of 0, -1 and similar numbers that are not ordinary ids.

    Args:
        numbers: those among the ids.
        counts: the events of every id.
        places: for each number, the position of its id.
    """
    found = []
    for number in _likely_fillers(numbers):
        for at in places[numbers == number].tolist():
            others = np.delete(counts, at)
            if not len(others):
                continue
            ratio = counts[at] / max(1.0, float(np.median(others)))
            is_frequent = counts[at] / counts.sum() >= _MIN_SHARE or ratio >= _LARGE_RATIO
            if ratio >= _MIN_RATIO and is_frequent and _is_apart(number, numbers):
                found.append(at)
    return found


def _likely_fillers(numbers: np.ndarray) -> list[int]:
    """Return the numbers among ids that often stand for a missing one."""
    low, high = int(numbers.min()), int(numbers.max())
    found = [0] if low <= 0 else []
    is_negative = -_SMALL <= low < 0 or low == -(2**31) or set(str(low)) == {"-", "9"}
    found += [low] * is_negative
    is_filler = high in _FILLERS or (high >= 99 and set(str(high)) == {"9"})
    return found + [high] * is_filler


def _is_apart(number: int, numbers: np.ndarray) -> bool:
    """Return whether the other ids do not continue from a number, as 501, 502, 503 do not from
    0.
    """
    if number < 0:
        return not ((numbers < 0) & (numbers != number)).any()
    if number > 0:
        numbers = number - numbers
    positive = numbers[numbers > 0]
    if not len(positive):
        return True
    first = int(positive.min())
    spacing = (int(positive.max()) - first) / max(1, len(positive) - 1)
    return first > _FAR * max(1.0, spacing)


def _is_outlying(column: str, counts: np.ndarray) -> bool:
    """Return whether one id has an unusually large share of all events."""
    top = counts.max()
    is_large = top >= _OUTLYING_SHARE[column] * counts.sum()
    return bool(is_large and len(counts) >= _MIN_IDS and top >= _OUTLYING_RATIO * np.median(counts))
