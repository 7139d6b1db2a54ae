"""A service for a moment, as the demo has one."""

import json
from pathlib import Path

import pytest

from sbrcli.errors import ArtefactError
from sbrcli.serve.trial import ask_for_recommendations, serve_for_a_moment
from tests.serve.conftest import make_films


def test_a_run_is_served_for_a_moment(films: Path, monkeypatch):
    monkeypatch.setenv("SBR_TOKEN", "which the one request does not send")
    with serve_for_a_moment(films) as port:
        found = ask_for_recommendations(port, json.dumps({"items": ["10"], "k": 3}))
        with pytest.raises(ArtefactError, match="the service answers with status 400: "):
            ask_for_recommendations(port, "{}")
    assert len(found["items"]) == 3
    with pytest.raises(ArtefactError, match="the service does not answer: "):
        ask_for_recommendations(port, "{}")


def test_a_service_that_does_not_begin_says_why(tmp_path: Path):
    run = make_films(tmp_path / "work")
    (run / "items.safetensors").write_bytes(b"broken")
    with (
        pytest.raises(ArtefactError, match="the service ended before it was ready: ") as raised,
        serve_for_a_moment(tmp_path / "work"),
    ):
        pass
    assert "items.safetensors is damaged" in str(raised.value)
