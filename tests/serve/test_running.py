"""How the service starts, changes its run, loses a worker, and ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import sbrcli
from sbrcli.models.baselines.options import configure_baselines
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.models.blend.files import save_hybrid
from sbrcli.serve.answers import RequestError
from sbrcli.serve.model import ServedModel
from tests.builders import make_sessions, write_ratings
from tests.serve.conftest import make_films
from tests.serve.served import PATIENCE_SECONDS, Served, serving


@contextmanager
def asking(service: Served) -> Iterator[list[int | str]]:
    """Ask the service without a pause while the body runs; yield the statuses, and the errors."""
    statuses: list[int | str] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            try:
                statuses.append(service.ask("POST", "/v1/recommend", {"items": ["10"]})[0])
            except OSError as error:
                statuses.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def current(service: Served) -> str:
    return service.ask("GET", "/v1/runs/current")[1]["run"]


def wait_until(condition, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("workers", [1, 2])
def test_sigterm_ends_it_with_exit_code_0(tmp_path: Path, workers: int):
    make_films(tmp_path / "work")
    with serving(tmp_path / "work", "--workers", workers) as service:
        assert service.ask("GET", "/health/ready")[0] == 200
        assert service.end() == 0
        assert service.lines[0].startswith("run films on dataset user")
        assert service.lines[1].endswith("; Ctrl-C ends it\n")
        assert len(service.lines) == 2


def test_a_newer_run_is_served_without_losing_a_request(tmp_path: Path):
    make_films(tmp_path / "work", "first")
    with serving(tmp_path / "work", "--follow", "--workers", 2) as service:
        grown = {"items": ["10"], "k": 3}
        service.post("/v1/sessions/anna/events", grown)
        with asking(service) as statuses:
            broken = make_films(tmp_path / "work", "second", seed=2)
            (broken / "weights.safetensors").write_bytes(b"broken")
            service.wait_for_line("the newer run is not served: ")
            assert current(service) == "first"
            make_films(tmp_path / "work", "third", seed=3)
            service.wait_for_line("serving run third on dataset user now")
            wait_until(
                lambda: sum("serving run third on" in line for line in service.lines) == 2,
                "both workers serve the third run",
            )
            assert {current(service) for _ in range(8)} == {"third"}
        assert set(statuses) == {200}
        # A session that began with the first run goes on with the third.
        found = service.post("/v1/sessions/anna/events", {"items": ["20"], "k": 3})
        assert found == service.post("/v1/recommend", {"items": ["10", "20"], "k": 3})


def choose_hybrid(run: Path, weight: float, last: float) -> None:
    """Write a hybrid of a run of films, with Markov's pairs of neighbouring films as partner."""
    sessions = make_sessions(*([at, (at + 1) % 40] for at in range(40)))
    options = configure_baselines({})["markov"]
    partner = find_baseline("markov").fit(sessions, 40, options)
    document = {"partner": "markov", "weight": weight, "options": {}, "last": last}
    save_hybrid(run, document, partner)


def test_a_hybrid_that_is_chosen_again_for_the_same_run_is_served(sbr, tmp_path: Path):
    run = make_films(tmp_path / "work")
    choose_hybrid(run, 0.2, 0.0)
    asked = {"items": ["10", "20"], "k": 5, "include_seen": True}

    def recommended() -> dict:
        words = ("--items", "10,20", "-k", 5, "--include-seen", "--hybrid", "--json")
        return json.loads(sbr("-w", tmp_path / "work", "recommend", *words).stdout)

    with serving(tmp_path / "work", "--follow", "--hybrid") as service:
        first = service.post("/v1/recommend", asked)
        assert first == recommended()
        choose_hybrid(run, 0.8, 5.0)
        service.wait_for_line("serving run films on dataset user now")
        again = service.post("/v1/recommend", asked)
        assert not [line for line in service.lines if "is not served" in line]
    assert again == recommended()
    assert again != first


def test_a_worker_that_is_killed_comes_back_while_the_other_answers(tmp_path: Path):
    make_films(tmp_path / "work")
    with serving(tmp_path / "work", "--workers", 2) as service:
        children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
        first, second = map(int, children.read_text().split())
        with asking(service) as statuses:
            os.kill(first, signal.SIGKILL)
            service.wait_for_line("worker 0 ended with code -9; it is started again")
            wait_until(lambda: len(children.read_text().split()) == 2, "it comes back")
        assert str(second) in children.read_text().split()
        answered = [status for status in statuses if status == 200]
        # Only what the killed worker was answering may be lost.
        assert len(statuses) - len(answered) <= 4
        assert service.end() == 0


def test_a_run_that_cannot_be_loaded_ends_all_workers(tmp_path: Path):
    run = make_films(tmp_path / "work")
    (run / "items.safetensors").write_bytes(b"broken")
    command = [sys.executable, "-m", "sbrcli", "-w", tmp_path / "work", "serve", "--port", "0"]
    done = subprocess.run([*command, "--workers", "2"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (5, "")
    assert "items.safetensors is damaged" in done.stderr
    assert "worker 0 ended before it was ready, with code 5" in done.stderr
    assert "its message stands above" in done.stderr


def test_a_token_is_asked_for(tmp_path: Path):
    make_films(tmp_path / "work")
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with serving(tmp_path / "work", "--token-file", token) as service:
        status, document, _ = service.ask("GET", "/v1/runs/current")
        assert (status, document["error"]) == (401, "the token is missing or wrong")
        assert document["hint"] == "send the header Authorization: Bearer TOKEN"
        wrong = service.ask("GET", "/v1/runs/current", authorization="Bearer other")
        right = service.ask("GET", "/v1/runs/current", authorization="Bearer s3cret")
        assert (wrong[0], right[0]) == (401, 200)
        assert service.ask("GET", "/health/ready")[0] == 200
        assert service.ask("GET", "/metrics")[0] == 401


def test_limits_of_waiting_and_time_are_kept(tmp_path: Path):
    make_films(tmp_path / "work")
    with serving(tmp_path / "work", "--deadline", 2) as service:
        head_alone = (
            b"POST /v1/recommend HTTP/1.1\r\nHost: here\r\nConnection: close\r\n"
            b"Content-Length: 17\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", service.port), PATIENCE_SECONDS) as connection:
            connection.sendall(head_alone)  # the body never comes
            head, _, body = connection.makefile().read().partition("\n\n")
        assert head.startswith("HTTP/1.1 503 ") and "retry-after: 1" in head.lower().splitlines()
        assert json.loads(body)["error"] == "no answer within 2 seconds"


def test_other_origins_may_ask_only_where_they_are_named(tmp_path: Path):
    make_films(tmp_path / "work")
    with serving(tmp_path / "work", "--cors", "https://shop.example") as service:
        named = service.ask("GET", "/v1/runs/current", origin="https://shop.example")[2]
        other = service.ask("GET", "/v1/runs/current", origin="https://other.example")[2]
        assert named["access-control-allow-origin"] == "https://shop.example"
        assert "access-control-allow-origin" not in other
        body, origin = {"items": ["10"]}, {"origin": "https://shop.example"}
        status, _, found = service.ask("POST", "/v1/recommend", body, **origin)
        assert (status, found["access-control-allow-origin"]) == (200, "https://shop.example")
        preflight = origin | {"access-control-request-method": "POST"}
        assert service.ask("OPTIONS", "/v1/recommend", None, **preflight)[0] == 200


def test_a_baseline_is_served_with_the_items_of_its_sessions(sbr, tmp_path, monkeypatch):
    write_ratings(tmp_path / "log", "7 1 0, 7 2 1, 8 2 0, 8 1 1, 8 3 2, 9 4 0, 9 5 1, 9 4 2")
    rules = ("--valid-days", 0, "--test-days", 0, "--min-item-support", 1)
    assert sbr("preprocess", "log", *rules).code == 0
    assert sbr("train", "--model", "markov").code == 0
    wanted = json.loads(sbr("recommend", "--items", "1,2", "--json").stdout)
    with serving(tmp_path / "sbr-work") as service:
        assert service.post("/v1/recommend", {"items": ["1", "2"]}) == wanted
        found = service.ask("GET", "/v1/items/1/similar?k=1")[1]["items"]
    assert found == [{"rank": 1, "item": "2", "score": round(2 / 22, 6), "sessions": 2}]
    model = ServedModel(sbrcli.load(next((tmp_path / "sbr-work" / "runs").iterdir())))
    monkeypatch.setattr("sbrcli.serve.model.find_spec", lambda _name: None)
    with pytest.raises(RequestError) as raised:
        model.similar(0, 1)
    assert raised.value.message == (
        "similar items are counted in the dataset of a run without a network, which needs pyarrow"
    )
    assert raised.value.hint == "install pyarrow beside sbr"


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("--workers", "0"), 4, "workers must be at least 1"),
        (("--token-file", "none"), 4, "cannot read the token in none"),
        (("--host", "192.0.2.1"), 4, "cannot listen on 192.0.2.1, port 8000: "),
        (("--run", "none"), 5, "none"),
    ],
)
def test_what_cannot_be_served_is_refused(sbr, tmp_path, words, code, error):
    make_films(tmp_path / "sbr-work")
    said = sbr("serve", *words)
    assert (said.code, said.stdout) == (code, "")
    assert error in said.stderr


def test_a_port_that_is_taken_is_named(sbr, tmp_path):
    make_films(tmp_path / "sbr-work")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = sbr("serve", "--port", taken.getsockname()[1])
    assert said.code == 4
    assert "end what listens there, or name another --port; --port 0 takes a free one" in (
        said.stderr
    )


def test_an_empty_token_is_refused(sbr, tmp_path, monkeypatch):
    make_films(tmp_path / "sbr-work")
    monkeypatch.setenv("SBR_TOKEN", " ")
    said = sbr("serve")
    assert said.code == 4
    assert "the environment variable SBR_TOKEN holds no token" in said.stderr
    assert "write one into it, or leave it out" in said.stderr


def test_packages_that_are_missing_are_named(sbr, tmp_path, monkeypatch):
    monkeypatch.setattr("sbrcli.cli.serve.find_spec", lambda _name: None)
    said = sbr("serve")
    assert said.code == 4
    assert "sbr serve needs packages that are not installed: starlette, uvicorn, httptools" in (
        said.stderr
    )
    assert "pip install '.[serve]' in the folder of sbr" in said.stderr


@pytest.mark.parametrize("package", ["tensorflow", "pandas", "pyarrow", "scipy"])
def test_a_package_that_serving_does_without_is_named(sbr, monkeypatch, package):
    def fail(*_: object) -> None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    monkeypatch.setattr("sbrcli.workflow.describe.describe_log", fail)
    said = sbr("stats", "log")
    assert (said.code, said.stdout) == (4, "")
    assert f"this command needs {package}, which is not installed" in said.stderr
    assert "pip install . in the folder of sbr installs all that it needs" in said.stderr


@pytest.mark.slow
def test_an_installation_to_serve_is_small_and_says_what_it_lacks(tmp_path: Path):
    root = Path(__file__).parents[2]
    make_films(tmp_path / "work")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    programs = tmp_path / "venv" / "bin"
    needed = root / "sbrcli" / "serve" / "requirements.txt"
    for words in (("--no-deps", root), ("-r", needed)):
        subprocess.run([programs / "pip", "install", "-q", *words], check=True)
    files = (path for path in (tmp_path / "venv").rglob("*") if path.is_file())
    assert sum(path.stat().st_size for path in files) < 400e6
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [programs / "sbr", "-w", tmp_path / "work", *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path
        )

    assert json.loads(run("recommend", "--items", "10", "--json").stdout)["items"]
    (tmp_path / "log").write_text("1,1,1\n")
    done = run("preprocess", "log")
    assert done.returncode == 4
    assert "this command needs " in done.stderr


def test_serving_needs_neither_tensorflow_nor_pandas():
    code = (
        "import sys, sbrcli.serve.supervisor\n"
        "found = {'tensorflow', 'keras', 'pandas', 'pyarrow'} & set(sys.modules)\n"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_open_address_without_a_token_is_warned_of(tmp_path: Path):
    make_films(tmp_path / "work")
    with serving(tmp_path / "work", "--host", "0.0.0.0") as service:
        line = service.wait_for_line("anyone who reaches 0.0.0.0 can ask this service; ")
        assert "can ask this service; --token-file FILE or " in line
        assert "makes it ask for a token" in line


def test_the_services_document_describes_its_endpoints(tmp_path: Path):
    make_films(tmp_path / "work")
    with serving(tmp_path / "work") as service:
        document = service.ask("GET", "/openapi.json")[1]
        for path, methods in document["paths"].items():
            place = path.replace("items/{id}", "items/70").replace("{id}", "anna")
            for method in methods:
                body = {"items": ["10"]} if method == "post" else None
                status = service.ask(method.upper(), place, body)[0]
                assert status in (200, 204), (method, place)
