"""The service described in OpenAPI 3.1; tests generate requests from it."""

from typing import Any

from sbrcli.serve.answers import MAX_K, MAX_LIMIT, MAX_RULES, MAX_SESSIONS
from sbrcli.version import __version__

MAX_FOUND = 100
"""Items in one answer of a search."""


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _schema(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: dict[str, Any], words: str) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _errors(*statuses: int) -> dict[str, Any]:
    words = {
        400: "The request is not what it should be.",
        401: "The token is missing or wrong.",
        404: "There is no such thing.",
        413: "The body is too large.",
        422: "The run knows no item of the session.",
        429: "Too many requests are waiting.",
        503: "Not ready, or no answer in time.",
    }
    return {str(status): _json(_schema("Error"), words[status]) for status in statuses}


_TEXT = {"type": "string"}
_IDS = _list_of({"anyOf": [_TEXT, {"type": "integer"}]})
_WHICH = {
    "k": {"type": "integer", "minimum": 1, "maximum": MAX_K, "default": 20},
    "include_seen": {"type": "boolean", "default": False},
    "fallback": {"enum": ["popularity", None]},
}
_RULES = {
    "only": _IDS,
    "exclude": _IDS,
    "where": _list_of(_TEXT)
    | {
        "maxItems": MAX_RULES,
        "description": "Conditions on attributes, such as in_stock=1; all must hold. They need "
        "the service's --items-table.",
    },
    "max_per": {
        "type": "object",
        "propertyNames": {"pattern": r"\S"},
        "additionalProperties": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
        "maxProperties": MAX_RULES,
        "description": "How many items with the same value of an attribute are recommended at "
        "most. It needs the service's --items-table.",
    },
    "explain": {"type": "boolean", "default": False},
}
_SESSION = {"additionalProperties": False} | _object({"items": _IDS, **_WHICH, **_RULES}, "items")
_SESSIONS = {"additionalProperties": False} | _object(
    {"sessions": _list_of(_IDS), **_WHICH, **_RULES}, "sessions"
)
_EVENTS = {"additionalProperties": False} | _object({"items": _IDS, **_WHICH, **_RULES}, "items")
_ITEM = _object({"item": _TEXT, "title": _TEXT, "train_count": {"type": "integer"}}, "item")
_RANK = {"rank": {"type": "integer"}, "item": _TEXT, "score": {"type": "number"}, "title": _TEXT}
_RANKED = _object(_RANK | {"sessions": {"type": "integer"}}, "rank", "item", "score")
_CAUSE = _object(
    {
        "position": {"type": "integer"},
        "item": _TEXT,
        "share": {"type": "number"},
        "change": {"type": ["number", "null"]},
        "title": _TEXT,
    },
    *("position", "item", "share"),
)
_RECOMMENDED = _object(_RANK | {"why": _list_of(_CAUSE)}, "rank", "item", "score")
_RECOMMENDATION = _object(
    {
        "items": _list_of(_RECOMMENDED),
        "unknown": _list_of(_TEXT),
        "session": _list_of(_object({"item": _TEXT, "title": _TEXT}, "item")),
        "fallback": {"type": "string", "enum": ["popularity"]},
        "removed": {"type": "object", "additionalProperties": {"type": "integer"}},
        "short": {"type": "string", "enum": ["unknown", "items", "rules"]},
        "unknown_in_rules": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    *("items", "unknown", "session"),
)
_RUN = _object(
    {
        **dict.fromkeys(("run", "model", "dataset", "fingerprint", "trained_at"), _TEXT),
        "items": {"type": "integer"},
        "has_titles": {"type": "boolean"},
    },
    *("run", "model", "dataset", "items"),
)
_SESSION_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


_RECOMMEND = {
    "summary": f"Recommend what follows one session, or each of up to {MAX_SESSIONS:,}.",
    "requestBody": _body({"oneOf": [_SESSION, _SESSIONS]}),
    "responses": {
        "200": _json(
            {"oneOf": [_schema("Recommendation"), _list_of(_schema("Recommendation"))]},
            "What sbr recommend --json prints; a list for several sessions.",
        ),
        **_errors(400, 401, 413, 422, 429, 503),
    },
}
_ADD_EVENTS = {
    "summary": "Append events to a session that the service remembers, and recommend what follows.",
    "parameters": [_SESSION_ID],
    "requestBody": _body(_EVENTS),
    "responses": {
        "200": _json(_schema("Recommendation"), "The recommendation for the whole session."),
        **_errors(400, 401, 404, 413, 422, 429, 503),
    },
}
_FORGET = {
    "summary": "Forget a session.",
    "parameters": [_SESSION_ID],
    "responses": {"204": {"description": "It is forgotten."}, **_errors(400, 401, 404, 503)},
}
_FIND = {
    "summary": "Find items by the words of their titles; without words, the most popular ones.",
    "parameters": [
        _query("q", _TEXT),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": MAX_FOUND, "default": 20}),
    ],
    "responses": {
        "200": _json(_object({"items": _list_of(_schema("Item"))}, "items"), "The items."),
        **_errors(400, 401, 503),
    },
}


_SIMILAR = {
    "summary": "List the items most similar to one, by the network's output table, of a blend by "
    "that of its first network (`network`); of baselines, by shared sessions.",
    "parameters": [
        _SESSION_ID | {"schema": {"type": "string", "minLength": 1}},
        _query("k", {"type": "integer", "minimum": 1, "maximum": MAX_FOUND, "default": 10}),
    ],
    "responses": {
        "200": _json(
            _object(
                {
                    **dict.fromkeys(("item", "title", "network"), _TEXT),
                    "items": _list_of(_RANKED),
                },
                *("item", "items"),
            ),
            "The items, the most similar first; their scores are cosines.",
        ),
        **_errors(400, 401, 404, 503),
    },
}


def _plain(summary: str, kind: str = "application/json", *statuses: int) -> dict[str, Any]:
    found = {"description": summary, "content": {kind: {"schema": {}}}}
    return {"summary": summary, "responses": {"200": found, **_errors(*statuses)}}


OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "sbr", "version": __version__},
    "paths": {
        "/v1/recommend": {"post": _RECOMMEND},
        "/v1/sessions/{id}/events": {"post": _ADD_EVENTS},
        "/v1/sessions/{id}": {"delete": _FORGET},
        "/v1/items": {"get": _FIND},
        "/v1/items/{id}/similar": {"get": _SIMILAR},
        "/v1/runs/current": {
            "get": {
                "summary": "Describe the run that is served.",
                "responses": {"200": _json(_schema("Run"), "The run."), **_errors(401, 503)},
            }
        },
        "/health/live": {"get": _plain("The process answers.")},
        "/health/ready": {"get": _plain("Requests are answered.", "application/json", 503)},
        "/metrics": {"get": _plain("Metrics for Prometheus.", "text/plain", 401)},
        "/openapi.json": {"get": _plain("This document.", "application/json", 401)},
    },
    "components": {
        "schemas": {
            "Recommendation": _RECOMMENDATION,
            "Item": _ITEM,
            "Run": _RUN,
            "Error": _object({"error": _TEXT, "hint": _TEXT}, "error"),
        },
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    },
    "security": [{}, {"token": []}],
}
"""The document that `GET /openapi.json` answers."""
