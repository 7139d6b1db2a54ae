"""Bytes of a stream come as they are sent, and a signal ends the wait for them."""

import io
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sbrcli.log.files.streams import read_chunks

BYTES = b"user,item,time\n" + b"1,2,3\n" * 50_000
PATIENCE_SECONDS = 60


class SignalledError(Exception):
    """Raised by the handler of a signal."""


def read_pipe() -> bytes:
    readable, writable = os.pipe()

    def send() -> None:
        with os.fdopen(writable, "wb", buffering=0) as file:
            for begin in range(0, len(BYTES), 999):
                file.write(BYTES[begin : begin + 999])

    sender = threading.Thread(target=send)
    sender.start()
    with os.fdopen(readable, "rb") as stream:
        found = b"".join(read_chunks(stream))
    sender.join()
    return found


def test_a_pipe_is_read_to_its_end_here_and_in_another_thread():
    before = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(before)
    assert read_pipe() == BYTES
    assert signal.set_wakeup_fd(before) == before
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(read_pipe).result() == BYTES


def test_what_is_in_memory_or_on_disk_is_read_too(tmp_path):
    assert b"".join(read_chunks(io.BytesIO(BYTES))) == BYTES
    path = tmp_path / "log.csv"
    path.write_bytes(BYTES)
    with path.open("rb") as file:
        assert b"".join(read_chunks(file)) == BYTES


def test_a_signal_ends_the_wait_also_where_it_interrupts_no_system_call():
    """As if it came just before the wait: another thread takes it, so that the wait goes on."""
    readable, writable = os.pipe()
    is_waiting, is_over = threading.Event(), threading.Event()
    in_time: list[bool] = []

    def interrupt() -> None:
        is_waiting.wait()
        os.kill(os.getpid(), signal.SIGUSR1)
        in_time.append(is_over.wait(PATIENCE_SECONDS))
        os.close(writable)  # which ends a wait that the signal has not ended

    def raise_error(*_: object) -> None:
        raise SignalledError

    before = signal.signal(signal.SIGUSR1, raise_error)
    thread = threading.Thread(target=interrupt)
    thread.start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        with os.fdopen(readable, "rb") as stream, pytest.raises(SignalledError):
            is_waiting.set()
            list(read_chunks(stream))
    finally:
        is_over.set()
        thread.join()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        signal.signal(signal.SIGUSR1, before)
    assert in_time == [True]
