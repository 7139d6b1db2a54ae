"""Requests of every kind for a long time: none fails, and memory stays as it was.

`SBR_TESTS_LONG=25 pytest -m slow tests/serve/test_soak.py` takes an hour.
"""

import http.client
import json
import random
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import LONG
from tests.serve.conftest import IDS, make_films
from tests.serve.served import Served, serving

CLIENTS = 4
IDLE_SECONDS = 4
"""The service closes a connection that is idle for longer, as of a client that gets no CPU time."""

MOST_GROWTH = 4e6
"""Bytes that both workers may grow by in the second half, by the slope of their memory."""


@pytest.mark.parametrize(
    "seconds", [12, pytest.param(144 * LONG, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_memory_stays_flat(tmp_path: Path, seconds: int):
    make_films(tmp_path / "work")
    table = tmp_path / "items.csv"
    table.write_text("item_id,stock\n" + "".join(f"{one},{len(one)}\n" for one in IDS))
    limits = ("--max-sessions", 200, "--max-body", 5000, "--deadline", 300)
    with serving(tmp_path / "work", "--workers", 2, "--items-table", table, *limits) as service:
        counts: list[int] = [0] * CLIENTS
        wrong: list[str] = []
        deadline = time.monotonic() + seconds
        threads = [
            threading.Thread(target=ask_until, args=(service, deadline, seed, counts, wrong))
            for seed in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        asked, memory = [], []
        while time.monotonic() < deadline:
            asked.append(sum(counts))
            memory.append(memory_of(service))
            time.sleep(seconds / 240)
        for thread in threads:
            thread.join()
        assert wrong == []
        assert "Traceback" not in "".join(service.lines)
        growth = growth_of(np.array(asked), np.array(memory))
    assert growth < MOST_GROWTH, f"{growth / 1e6:.1f} MB in {sum(counts) / 2:,.0f} requests"


def test_a_leak_is_seen_and_noise_is_not():
    rng = np.random.default_rng(1)
    asked = np.cumsum(rng.integers(10, 60, 240))
    noise = 5e7 + rng.normal(0, 3e5, 240)
    noise[:60] -= np.linspace(2e7, 0, 60)  # caches fill
    assert abs(growth_of(asked, noise)) < MOST_GROWTH / 4
    leak = noise + 1300 * asked  # an answer for each request
    assert growth_of(asked, leak) > MOST_GROWTH


def growth_of(asked: np.ndarray, memory: np.ndarray) -> float:
    """Return by how many bytes memory has grown in the second half, by its slope."""
    later = asked >= asked[-1] / 2
    slope = np.polyfit(asked[later], memory[later], 1)[0]
    return float(slope * np.ptp(asked[later]))


def memory_of(service: Served) -> int:
    """Return the bytes that the processes of a service hold for themselves."""
    own = service.process.pid
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    return 1024 * sum(
        int(kb)
        for process in (own, *children)
        for kb in re.findall(
            r"Private_\w+:\s+(\d+)", Path(f"/proc/{process}/smaps_rollup").read_text()
        )
    )


def ask_until(
    service: Served, deadline: float, seed: int, counts: list[int], wrong: list[str]
) -> None:
    """Send requests on one connection after the other, and note each answer that is wrong."""
    draw = random.Random(seed)
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=300)
        answered = time.monotonic()
        try:
            for _ in range(draw.randint(1, 200)):
                method, path, body, status = draw_request(draw)
                connection.request(method, path, body)
                response = connection.getresponse()
                response.read()
                counts[seed] += 1
                answered = time.monotonic()
                if response.status not in status:
                    wrong.append(f"{method} {path} {body}: {response.status}")
        except ConnectionError as error:
            if time.monotonic() - answered < IDLE_SECONDS:
                wrong.append(repr(error))
        finally:
            connection.close()


def draw_request(draw: random.Random) -> tuple[str, str, str | None, tuple[int, ...]]:
    """Return a method, a path, a body, and the statuses that are right."""
    items = draw.choices([*IDS, "unknown"], k=draw.randint(1, 12))
    name = f"/v1/sessions/{draw.randrange(1000)}"
    further = draw.choice(
        [{}, {"k": 3}, {"explain": True}, {"exclude": items}, {"where": ["stock=3"]}]
    )
    fallback = {"fallback": "popularity"}
    return draw.choices(
        [
            ("POST", "/v1/recommend", json.dumps({"items": items} | fallback | further), (200,)),
            ("POST", "/v1/recommend", json.dumps({"sessions": [items] * 5}), (200,)),
            ("POST", f"{name}/events", json.dumps({"items": items[:2]} | fallback), (200,)),
            ("DELETE", name, None, (204, 404)),
            ("GET", f"/v1/items/{draw.choice(IDS)}/similar", None, (200,)),
            ("GET", f"/v1/items?q={draw.randrange(50)}", None, (200,)),
            ("GET", "/metrics", None, (200,)),
            ("POST", "/v1/recommend", "{", (400,)),
            ("POST", "/v1/recommend", " " * 5001, (413,)),
        ],
        [60, 10, 20, 3, 3, 3, 0.2, 2, 2],
    )[0]
