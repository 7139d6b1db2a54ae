"""Processes of a training wait for each other before TensorFlow does."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from sbrcli.config.workers import Cluster
from sbrcli.models.training import rendezvous
from sbrcli.models.training.rendezvous import wait_for_others


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(rendezvous, "_PAUSE_SECONDS", 0.01)


@contextmanager
def free_addresses(number: int) -> Iterator[tuple[str, ...]]:
    """Give addresses at which nothing listens, and nothing else will."""
    with ExitStack() as sockets:
        found = []
        for _ in range(number):
            reserved = sockets.enter_context(socket.socket())
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind(("127.0.0.1", 0))
            found.append(f"127.0.0.1:{reserved.getsockname()[1]}")
        yield tuple(found)


def start(addresses: tuple[str, ...], index: int, said: list[str]) -> threading.Thread:
    thread = threading.Thread(
        target=wait_for_others, args=(Cluster(addresses, index), said.append), daemon=True
    )
    thread.start()
    return thread


def test_all_go_on_when_the_last_one_has_come():
    said: list[list[str]] = [[], [], []]
    with free_addresses(3) as addresses:
        threads = [start(addresses, at, said[at]) for at in range(2)]
        for thread in threads:
            thread.join(0.3)
            assert thread.is_alive()
        threads.append(start(addresses, 2, said[2]))
        # The processes whose wait is over listen by their TensorFlow; here nothing does.
        listening = [socket.create_server(("", port_of(one)), reuse_port=True) for one in addresses]
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        for one in listening:
            one.close()
    for own in said[:2]:
        assert own == [f"waiting for the other workers: {addresses[2]}"]


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


def test_where_the_own_port_is_taken_it_still_waits_for_the_others():
    with free_addresses(1) as addresses, socket.create_server(("", 0)) as taken:
        own = f"127.0.0.1:{taken.getsockname()[1]}"
        said: list[str] = []
        thread = start((own, *addresses), 0, said)
        thread.join(0.3)
        assert thread.is_alive()
        with socket.create_server(("", port_of(addresses[0])), reuse_port=True):
            thread.join(10)
            assert not thread.is_alive()
    assert said == [f"waiting for the other workers: {addresses[0]}"]


def test_a_host_without_a_name_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    names = iter([socket.gaierror("not known yet"), None])

    with socket.create_server(("127.0.0.1", 0)) as other:
        real = socket.create_connection

        def connect(address: tuple[str, int], timeout: float) -> socket.socket:
            assert (address, timeout) == (("worker-1.train", 2222), 1.0)
            error = next(names)
            if error is not None:
                raise error
            return real(other.getsockname())

        monkeypatch.setattr(socket, "create_connection", connect)
        said: list[str] = []
        with free_addresses(1) as addresses:
            wait_for_others(Cluster((*addresses, "worker-1.train:2222"), 0), said.append)
    assert said == []


def test_a_connection_to_itself_is_no_worker(monkeypatch: pytest.MonkeyPatch):
    def connect(address: tuple[str, int], _timeout: float) -> socket.socket:
        made = socket.socket()
        made.bind(address)
        made.connect(address)
        return made

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host, port = probe.getsockname()
    monkeypatch.setattr(socket, "create_connection", connect)
    assert not rendezvous._is_there(f"{host}:{port}")
