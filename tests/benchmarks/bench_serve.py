"""Requests a second that `sbr serve` answers, against those of a constant answer.

    python -m tests.benchmarks.bench_serve [--seconds 8] [--workers 1] [--sizes 3416x100,43000x100]

`wrk` (Debian has it) sends sessions of ten random items over 16 connections, from this machine.
The networks are random: what they recommend does not matter here. The processor time, of which a
constant answer has its own, says more than the rates where other processes are running.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sbrcli.models.gru4rec.weights import GruShape
from tests.benchmarks.bench_http_servers import seconds_of
from tests.builders import make_run
from tests.serve.served import Served, serving

CONNECTIONS = 16
SCRIPT = """
math.randomseed(7)
request = function()
  local ids = {{}}
  for place = 1, 10 do ids[place] = '"' .. math.random(0, {last}) .. '"' end
  local body = '{{"items":[' .. table.concat(ids, ",") .. ']}}'
  return wrk.format("POST", "/v1/recommend", {{["content-type"] = "application/json"}}, body)
end
"""


def measure(service: Served, path: str, seconds: int, script: Path | None = None) -> dict[str, str]:
    """Send requests for some seconds; return the rate, the percentiles and the errors."""
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    words += ["-s", str(script)] if script else []
    words.append(f"http://127.0.0.1:{service.port}{path}")
    begin = seconds_of(service.process.pid)
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    used = seconds_of(service.process.pid) - begin
    found = dict(re.findall(r"(50|90|99)%\s+(\S+)", text))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    errors = re.findall(r"(?:Non-2xx or 3xx responses|Socket errors): ?(.*)", text)
    count = re.search(r"(\d+) requests", text)
    cpu = f"{1000 * used / int(count[1]):.3f}" if count else "?"
    errors = "; ".join(errors) or "none"
    return {"rate": rate[1] if rate else "0", **found, "errors": errors, "cpu": cpu}


def memory_of(service: Served) -> tuple[float, float]:
    """Return the MB that all processes hold for themselves, and those that they share."""
    own = service.process.pid
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    private = shared = 0
    for process in (own, *children):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        private += sum(int(kb) for kb in re.findall(r"Private_\w+:\s+(\d+)", rollup))
        shared = max(shared, sum(int(kb) for kb in re.findall(r"Shared_\w+:\s+(\d+)", rollup)))
    return private / 1e3, shared / 1e3


def import_seconds() -> float:
    """Return how long a process takes that only imports what serving needs."""
    began = time.perf_counter()
    words = [sys.executable, "-c", "import sbrcli.cli.app, sbrcli.serve.supervisor"]
    subprocess.run(words, check=True)
    return time.perf_counter() - began


def measure_size(items: int, units: int, seconds: int, workers: int, folder: Path) -> None:
    """Print the figures of a network of one size."""
    ids = [str(number) for number in range(items)]
    make_run(folder, ids=ids, shape=GruShape(items, (units,), "shared"))
    script = folder / "sessions.lua"
    script.write_text(SCRIPT.format(last=items - 1))
    began = time.perf_counter()
    with serving(folder, "--workers", workers) as service:
        ready = time.perf_counter() - began
        constant = measure(service, "/health/live", seconds)
        scored = measure(service, "", seconds, script)
        private, shared = memory_of(service)
    share = float(scored["rate"]) / float(constant["rate"])
    sys.stdout.write(
        f"{items:,} items x {units} units, {workers} worker(s): {scored['rate']} requests/s, "
        f"{share:.2f} of a constant answer ({constant['rate']}); {scored['cpu']} ms of processor "
        f"per request, {constant['cpu']} of a constant answer; p50 {scored.get('50')}, "
        f"p90 {scored.get('90')}, p99 {scored.get('99')}; errors {scored['errors']}; "
        f"{private:,.0f} MB private, {shared:,.0f} MB shared; ready after {ready:.1f} s, of which "
        f"imports {import_seconds():.1f} s; load {os.getloadavg()[0]:.1f}\n"
    )
    sys.stdout.flush()


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--sizes", default="3416x100,43000x100,1000000x64")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    for size in options.sizes.split(","):
        items, units = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            measure_size(items, units, options.seconds, options.workers, Path(folder))


if __name__ == "__main__":
    main()
