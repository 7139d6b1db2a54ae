"""The requests and answers of the service: JSON documents, checked as they are read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from sbrcli.config.recommendation import Condition, GroupLimit, RecommendConfig
from sbrcli.errors import ArtefactError, DataError, OptionError, SbrError, UsageError

MAX_SESSIONS = 10_000
"""Sessions in one request."""

MAX_EXPLAINED = 10
"""Sessions in one request that are explained."""

MAX_K = 1000

MAX_RULES = 20
"""Conditions, and limits of groups, in one request."""


MAX_LIMIT = 999_999_999
"""Of a group's items."""


class RequestError(Exception):
    """A request that cannot be answered as requested.

    Args:
        status: the HTTP status.
        message: what is wrong, and what was received.
        hint: what to do about it.
    """

    def __init__(self, status: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.hint = status, message, hint


class RuleQuestion(NamedTuple):
    """The rules of a request on what may be recommended."""

    only: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    max_per: tuple[GroupLimit, ...] = ()


NO_RULES = RuleQuestion()


class Question(NamedTuple):
    """A request for recommendations, as read from its body."""

    sessions: list[list[str]]
    is_list: bool
    """Whether several sessions were given, so that a list is answered."""

    config: RecommendConfig
    rules: RuleQuestion = NO_RULES


@dataclass(frozen=True, slots=True)
class Events:
    """Further events of a stored session, and what is asked about it."""

    session_id: str
    items: list[str]
    config: RecommendConfig
    rules: RuleQuestion = NO_RULES


class Answer(NamedTuple):
    """A status, and a JSON document in UTF-8."""

    status: int
    body: bytes
    headers: Mapping[str, str] = MappingProxyType({})


def answer_json(document: Any, status: int = 200) -> Answer:
    """Return a document as an answer."""
    return Answer(status, encode_text(json.dumps(document, ensure_ascii=False, allow_nan=False)))


def encode_text(text: str) -> bytes:
    """Return JSON in UTF-8, in which lone surrogates are escaped."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(json.loads(text)).encode()


def answer_error(error: RequestError) -> Answer:
    """Return an error as an answer: `error` and, if there is one, `hint`."""
    document = {"error": error.message} | ({"hint": error.hint} if error.hint else {})
    answer = answer_json(document, error.status)
    if error.status in (429, 503):
        return Answer(answer.status, answer.body, {"retry-after": "1"})
    return answer


def as_request_error(error: SbrError) -> RequestError:
    """Return an error of sbr as one of HTTP, in the same words."""
    status = 400
    if isinstance(error, DataError):
        status = 422
    elif isinstance(error, ArtefactError):
        status = 503
    return RequestError(status, str(error), error.hint)


_CONFIG = {"k", "include_seen", "fallback", "explain"}
_DEFAULT_CONFIG = RecommendConfig()
_RULES = {"only", "exclude", "where", "max_per"}
_FIELDS = {"items", "sessions"} | _CONFIG | _RULES


def read_question(body: bytes) -> Question:
    """Read the body of a request for recommendations.

    Raises:
        RequestError: it is no such request.
    """
    document = read_object(body, _FIELDS)
    if ("items" in document) == ("sessions" in document):
        raise RequestError(
            400,
            "give one session as items, or several as sessions",
            'such as {"items": ["3186", "1270"]}',
        )
    is_list = "sessions" in document
    sessions = document["sessions"] if is_list else [document["items"]]
    most = MAX_EXPLAINED if document.get("explain") else MAX_SESSIONS
    if not isinstance(sessions, list) or len(sessions) > most:
        raise RequestError(400, f"sessions must be a list of at most {most:,} sessions")
    name = "sessions" if is_list else "items"
    return Question(
        [read_ids(session, name) for session in sessions],
        is_list,
        read_config(document),
        _read_rules(document),
    )


def read_events(session_id: str, body: bytes) -> Events:
    """Read the body of a request that appends events to a stored session.

    Raises:
        RequestError: it is no such request.
    """
    document = read_object(body, {"items"} | _CONFIG | _RULES)
    if "items" not in document:
        raise RequestError(400, "items is missing", 'such as {"items": ["3186"]}')
    items = read_ids(document["items"], "items")
    return Events(session_id, items, read_config(document), _read_rules(document))


def _read_rules(document: Mapping[str, Any]) -> RuleQuestion:
    """Read the rules on what may be recommended.

    Raises:
        RequestError: a value is wrong.
    """
    if _RULES.isdisjoint(document):
        return NO_RULES
    where, max_per = document.get("where", []), document.get("max_per", {})
    is_list = isinstance(where, list) and all(isinstance(one, str) for one in where)
    if not is_list or len(where) > MAX_RULES:
        raise RequestError(
            400,
            f"where must be a list of at most {MAX_RULES} conditions. Received: {_shown(where)}",
            'such as {"where": ["in_stock=1"]}',
        )
    is_object = isinstance(max_per, dict) and all(map(_is_limit, max_per.items()))
    if not is_object or len(max_per) > MAX_RULES:
        raise RequestError(
            400,
            f"max_per must have a whole number from 1 to {MAX_LIMIT:,} for each of at most "
            f"{MAX_RULES} columns. Received: {_shown(max_per)}",
            'such as {"max_per": {"category": 3}}',
        )
    try:
        conditions = tuple(map(Condition.parse, where))
    except OptionError as error:  # whose hint is for the command line
        hint = 'such as {"where": ["in_stock=1", "price<=20"]}'
        raise RequestError(400, str(error), hint) from error
    return RuleQuestion(
        tuple(read_ids(document["only"], "only")) if "only" in document else None,
        tuple(read_ids(document.get("exclude", []), "exclude")),
        conditions,
        tuple(GroupLimit(name.strip(), most) for name, most in max_per.items()),
    )


def read_config(document: Mapping[str, Any]) -> RecommendConfig:
    """Read how many items are requested, and which.

    Raises:
        RequestError: a value is wrong.
    """
    if _CONFIG.isdisjoint(document):
        return _DEFAULT_CONFIG
    k = document.get("k", 20)
    if not _is_whole(k) or not 1 <= k <= MAX_K:
        raise RequestError(400, f"k must be a whole number from 1 to {MAX_K:,}. Received: {k!r}")
    include_seen, why = _read_flag(document, "include_seen"), _read_flag(document, "explain")
    fallback = document.get("fallback")
    try:
        return RecommendConfig(k=k, include_seen=include_seen, fallback=fallback, why=why)
    except (OptionError, UsageError) as error:
        raise as_request_error(error) from error


def read_object(body: bytes, fields: set[str]) -> dict[str, Any]:
    """Read a JSON object that has none but some fields.

    Raises:
        RequestError: it is not.
    """
    try:
        # What begins so is UTF-8, which json.loads finds out with more calls.
        is_plain = body.startswith(b'{"')
        document = json.loads(body.decode("utf-8", "surrogatepass") if is_plain else body)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, f"the body is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise RequestError(400, f"the body must be a JSON object. Received: {_shown(document)}")
    if not document.keys() <= fields:
        unknown = sorted(document.keys() - fields)
        raise RequestError(
            400, f"no such field: {', '.join(unknown)}", f"fields are {', '.join(sorted(fields))}"
        )
    return document


def read_ids(found: Any, name: str) -> list[str]:
    """Read a list of item ids; whole numbers stand for the ids that are written so.

    Raises:
        RequestError: it is none.
    """
    kinds = set(map(type, found)) if isinstance(found, list) else {None}
    if kinds <= {str}:
        return found
    if not kinds <= {str, int}:
        raise RequestError(
            400, f"{name} must be a list of item ids. Received: {_shown(found)}", 'such as ["3186"]'
        )
    return [one if isinstance(one, str) else str(one) for one in found]


def _is_limit(limit: tuple[str, Any]) -> bool:
    """Return whether these are the name of a column and how many items of a group it allows."""
    column, most = limit
    return bool(column.strip()) and _is_whole(most) and 1 <= most <= MAX_LIMIT


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _read_flag(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise RequestError(400, f"{name} must be true or false. Received: {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
