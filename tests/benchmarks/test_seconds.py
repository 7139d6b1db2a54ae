"""The processor time that the benchmarks of servers state."""

import subprocess
import sys

import pytest

from tests.benchmarks.bench_http_servers import seconds_of

BUSY = """
import hashlib, threading
def work():
    while time.thread_time() < 0.2: hashlib.sha256(bytes(1 << 20)).digest()
"""
THREAD = f"""
import time{BUSY}
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(flush=True)
input()
"""
CHILD = f"""
import os, time{BUSY}
child = os.fork()
if not child:
    work()
    print(flush=True)
input()
"""


@pytest.mark.parametrize("program", [THREAD, CHILD])
def test_threads_that_have_ended_and_children_count(program: str):
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert seconds_of(process.pid) >= 0.15  # the system counts whole ticks of 10 ms
        process.kill()
