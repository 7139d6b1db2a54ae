"""Which newer runs a worker switches to, and which failures it reports."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sbrcli.config.serving import ServeConfig
from sbrcli.errors import ArtefactError
from sbrcli.serve import worker as worker_module
from sbrcli.serve.peers import Peers
from sbrcli.serve.worker import Worker


class Looks:
    """Runs as a worker finds them, one a look: a name, or the words of what is wrong."""

    def __init__(self, found: Sequence[str]) -> None:
        self._found = iter(found)
        self.said: list[str] = []

    def open(self) -> Any:
        name = next(self._found, None)
        if name is None:
            raise asyncio.CancelledError
        if " " in name:
            raise ArtefactError(name)
        return SimpleNamespace(name=name, dataset=SimpleNamespace(name="user"))

    def identity(self, run: Any) -> str:
        return run.name

    def load(self, run: Any, _reporter: object) -> str:
        if run.name == "broken":
            raise ArtefactError("broken weights")
        return run.name

    def note(self, words: str) -> None:
        self.said.append(words)

    def warn(self, words: str) -> None:
        self.said.append(f"warning: {words}")


def follow(monkeypatch: pytest.MonkeyPatch, folder: Path, *found: str) -> tuple[list[str], Looks]:
    """Let a worker that serves the run "first" look; return the runs it used, and its words."""
    looks, used = Looks(found), []
    monkeypatch.setattr(worker_module, "FOLLOW_SECONDS", 0)
    worker = Worker(looks, ServeConfig(), None, Peers(folder), looks)  # type: ignore[arg-type]
    monkeypatch.setattr(worker._service, "use", used.append)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(worker._follow("first"))
    return used, looks


def test_a_newer_run_is_used_once(monkeypatch, tmp_path: Path):
    used, looks = follow(monkeypatch, tmp_path, "first", "second", "second", "first")
    assert used == ["second", "first"]
    assert looks.said == [f"serving run {name} on dataset user now" for name in used]


def test_a_state_between_two_writes_is_not_reported(monkeypatch, tmp_path: Path):
    words = "the partner is missing"
    used, looks = follow(monkeypatch, tmp_path, words, "second", words, "first", "broken", "first")
    assert used == ["second", "first"]
    assert not [line for line in looks.said if line.startswith("warning")]


def test_a_failure_that_stays_is_reported_once(monkeypatch, tmp_path: Path):
    found = ("broken", "broken", "broken", "no run", "no run", "first", "broken", "broken")
    used, looks = follow(monkeypatch, tmp_path, *found)
    assert used == []
    failures = ("broken weights", "no run", "broken weights")
    assert looks.said == [f"warning: the newer run is not served: {words}" for words in failures]
