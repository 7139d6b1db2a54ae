"""Clients that mean ill, or speak badly: the service answers the others all the while."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.serve.conftest import make_films
from tests.serve.served import Served, serving
from tests.serve.test_running import wait_until

REQUEST = b"POST /v1/recommend HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    workdir = tmp_path_factory.mktemp("hostile") / "work"
    make_films(workdir)
    with serving(workdir, "--deadline", 2) as service:
        yield service


@pytest.fixture(autouse=True)
def still_answers(impatient: Served) -> Iterator[None]:
    """After each test an ordinary client is answered, and no traceback was written."""
    yield
    assert impatient.post("/v1/recommend", {"items": ["10"], "k": 1})["items"]
    assert "Traceback" not in "".join(impatient.lines)


@contextmanager
def connected(service: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        yield connection


def everything_from(connection: socket.socket) -> bytes:
    """Read until the service closes the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # as TLS begins
        b"GET\r\n\r\n",
        b"POST /v1/recommend HTTP/1.1\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/recommend HTTP/1.1\r\nhost: x\r\ncontent-length: zz\r\n\r\n{}",
        b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 1_000_000 + b"\r\n\r\n",
    ],
    ids=["zeros", "tls", "no path", "negative length", "no length", "huge header"],
)
def test_garbage_is_refused(impatient: Served, garbage: bytes):
    with connected(impatient) as connection:
        try:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            found = everything_from(connection)
        except OSError:  # it has closed the connection
            return
    assert b" 200 " not in found


def test_a_body_that_never_ends_is_given_up(impatient: Served):
    with connected(impatient) as connection:
        connection.sendall(REQUEST % 1000 + b'{"items": ["10"')
        assert connection.recv(65_536).startswith(b"HTTP/1.1 503 ")


def test_a_connection_without_a_request_is_closed(impatient: Served):
    with connected(impatient) as connection:
        connection.sendall(b"POST /v1/reco")
        began = time.monotonic()
        assert everything_from(connection) == b""
    assert time.monotonic() - began < 30


def test_a_client_that_leaves_in_the_middle_is_forgotten(impatient: Served):
    for _ in range(20):
        with connected(impatient) as connection:
            connection.sendall(REQUEST % 1000 + b'{"items"')


def test_a_half_closed_connection_is_answered(impatient: Served):
    with connected(impatient) as connection:
        body = b'{"items": ["10"], "k": 1}'
        connection.sendall(REQUEST % len(body) + body)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "count", [1000, pytest.param(10_000, marks=pytest.mark.slow)], ids=["1000", "10000"]
)
def test_many_silent_connections_keep_nobody_out(tmp_path: Path, count: int):
    make_films(tmp_path / "work")
    with many_files(count + 200), serving(tmp_path / "work", "--deadline", 300) as service:
        files = Path(f"/proc/{service.process.pid}/fd")
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(connected(service))
            wait_until(lambda: len([*files.iterdir()]) > count, "the service has accepted them all")
            assert service.post("/v1/recommend", {"items": ["20"], "k": 1})["items"]
        wait_until(lambda: len([*files.iterdir()]) < 200, "it has closed them all")
        assert service.end() == 0


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """Let this process open so many files; skip the test where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (-1, resource.RLIM_INFINITY) and hard < count:
        pytest.skip(f"this system allows a process {hard:,} open files, and {count:,} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
