"""CPU seconds and peak memory of `sbr preprocess` on a synthetic log, at once and in parts.

python -m tests.benchmarks.bench_prepare [EVENTS] [FORMAT] [OPTIONS...]

The log has a user for every 20 events, popular items and sessions with pauses, in the order of
time, as CSV or Parquet. OPTIONS are those of `sbr preprocess`, such as --memory 1GB.
"""

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

_BLOCK = 2_000_000
_YEAR = 365 * 86_400


def write_log(path: Path, num_events: int) -> None:
    """Write a log in the order of time."""
    rng = np.random.default_rng(16)
    num_users, num_items = max(1, num_events // 20), max(50, min(200_000, num_events // 50))
    schema = pa.schema([(name, pa.int64()) for name in ("user_id", "item_id", "timestamp")])
    writer = csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
    with writer(str(path), schema) as out:
        done = 0
        while done < num_events:
            count = min(_BLOCK, num_events - done)
            items = (num_items ** rng.random(count)).astype(np.int64)
            times = 1_577_836_800 + np.sort(rng.random(count) + done / _BLOCK)
            seconds = 1_577_836_800 + (times - 1_577_836_800) * 2 * _YEAR * _BLOCK / num_events
            users = rng.integers(0, num_users, count)
            columns = [users, items, seconds.astype(np.int64)]
            out.write_table(pa.table(columns, schema=schema))
            done += count


def measure(words: list[str]) -> tuple[float, float, float]:
    """Run a command; return its CPU seconds, the peak of the memory of all its processes in GiB,
    and the seconds it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.time()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    peak = [0]
    watch = threading.Thread(target=_watch, args=(process, peak))
    watch.start()
    code = process.wait()
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert code == 0, words
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, peak[0] / 2**30, time.time() - began


def _watch(process: subprocess.Popen, peak: list[int]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(map(_anonymous_bytes, _family(process.pid))))
        time.sleep(0.05)


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [one for child in task.read_text().split() for one in _family(int(child))]
        except OSError:  # it has ended
            continue
    return found


def _anonymous_bytes(pid: int) -> int:
    """Return the resident memory of a process that is not a mapped file."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def main(num_events: int = 1_000_000, kind: str = "csv", *options: str) -> None:
    """Measure one configuration."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(os.environ.get("BENCH_LOG", Path(folder) / f"log.{kind}"))
        if not log.exists():
            write_log(log, num_events)
        words = ["-m", "sbrcli", "preprocess", str(log), "--workdir", folder, "--name", "made"]
        cpu, peak, seconds = measure([sys.executable, *words, *options])
        sys.stdout.write(
            f"{num_events:,} events, {kind} {' '.join(options)}: {cpu:.1f} CPU-s, "
            f"{peak:.2f} GiB, {seconds:.0f} s\n"
        )


if __name__ == "__main__":
    main(*(int(word) if word.isdigit() else word for word in sys.argv[1:]))
