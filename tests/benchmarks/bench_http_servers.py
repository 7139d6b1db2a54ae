"""Requests a second of HTTP servers with one process, by an application that answers a constant.

    python -m tests.benchmarks.bench_http_servers [--seconds 5] [--rounds 3]

The request is one for recommendations and the answer as long as its answer, so that what remains is
the server alone. `wrk` sends them over 16 connections. Of granian, which `sbr` does not need, only
if it is installed. Prints the median of the rounds, in which the servers take turns, and the
processor time of the server per request, which a busy machine moves less.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

PORT = 8765
BODY = b'{"items": [' + b'"3186", ' * 9 + b'"1270"]}'
ANSWER = b"x" * 1300
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"1300")]
SCRIPT = f"""
request = function() return wrk.format("POST", "/v1/recommend", nil, '{BODY.decode()}') end
"""
APPLICATION = "tests.benchmarks.bench_http_servers:constant"
SERVERS = {
    "uvicorn": ["uvicorn", "--no-access-log", "--log-level", "error", "--http", "httptools"],
    "granian": ["granian", "--interface", "asgi", "--no-ws", "--log-level", "error"],
}


async def constant(scope, receive, send) -> None:
    """Read the body and answer."""
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": ANSWER})


def measure(server: str, loop: str, seconds: int, script: Path) -> tuple[float, float]:
    """Return requests a second, and the milliseconds of the processor that each takes."""
    module, *words = SERVERS[server]
    command = [sys.executable, "-m", module, *words, "--loop", loop, "--port", str(PORT)]
    with subprocess.Popen([*command, APPLICATION]) as process:
        time.sleep(4)
        try:
            begin = seconds_of(process.pid)
            client = ["wrk", "-t1", "-c16", f"-d{seconds}s", "-s", str(script)]
            client.append(f"http://127.0.0.1:{PORT}/v1/recommend")
            text = subprocess.run(client, capture_output=True, text=True, check=True).stdout
            used = seconds_of(process.pid) - begin
        finally:
            process.terminate()
    rate, count = re.search(r"Requests/sec:\s+([\d.]+)", text), re.search(r"(\d+) requests", text)
    assert rate
    assert count
    assert "Non-2xx" not in text
    return float(rate[1]), 1000 * used / int(count[1])


def seconds_of(process: int) -> float:
    """Return the processor time of a process and its descendants, with threads that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # and of children that have ended
    listed = (task / "children" for task in Path(f"/proc/{process}/task").iterdir())
    children = [int(child) for path in listed for child in path.read_text().split()]
    return own + sum(map(seconds_of, children))


def main() -> None:
    """Measure each server with each event loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "request.lua"
        script.write_text(SCRIPT)
        for _ in range(options.rounds):
            for server in filter(find_spec, SERVERS):
                for loop in ("asyncio", "uvloop"):
                    measured = measure(server, loop, options.seconds, script)
                    found.setdefault((server, loop), []).append(measured)
    for (server, loop), rounds in found.items():
        rate, used = (statistics.median(one) for one in zip(*rounds, strict=True))
        sys.stdout.write(f"{server}, {loop}: {rate:,.0f} requests/s, {used:.3f} ms of processor\n")
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f}\n")


if __name__ == "__main__":
    main()
