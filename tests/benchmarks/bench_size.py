"""Time `sbr stats` and `sbr preprocess` on made-up logs of 1 to 30 million events.

python tests/benchmarks/bench_size.py [MILLIONS …]

The log is of clicks: `SessionId,ItemId,Time`, lines in the order of their time, 3.75 events a
session on average, 30 days, and items as uneven as Zipf's law has them. For each size the table
has each command's seconds, seconds a million events, and peak memory. Takes some minutes, and
a gigabyte of disk for 30 million events.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

SIZES = (1, 3, 10, 30)
EVENTS_PER_SESSION = 3.75
NUM_ITEMS = 200_000
FIRST_TIME, SECONDS = 1_600_000_000, 30 * 86_400
EVENTS_PER_BLOCK = 5_000_000


def main(sizes: list[float]) -> None:
    sys.stdout.write("million\tcommand\tseconds\ts a million\tpeak GiB\n")
    for millions in sizes:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "clicks.csv")
            write_log(log, int(millions * 1e6))
            for command in (["stats"], ["preprocess", "--test-days", "1", "--valid-days", "1"]):
                seconds, peak = run([*command, str(log), "--quiet"], Path(folder))
                row = (f"{millions:g}", command[0], f"{seconds:.1f}", f"{seconds / millions:.2f}")
                sys.stdout.write("\t".join((*row, f"{peak / 2**30:.2f}")) + "\n")
                sys.stdout.flush()
    sys.stdout.write("wanted: under 6 GiB, and seconds that grow no faster than the events\n")


def write_log(path: Path, num_events: int) -> None:
    """Write a log of so many events, in the order of their time."""
    rng = np.random.default_rng(0)
    num_sessions = int(num_events / EVENTS_PER_SESSION)
    chance = np.cumsum(1 / (np.arange(NUM_ITEMS) + 50))
    writer = None
    for first in range(0, num_events, EVENTS_PER_BLOCK):
        size = min(EVENTS_PER_BLOCK, num_events - first)
        share = (first + np.arange(size)) / num_events
        # A session's clicks lie near each other: its number grows with the time.
        sessions = np.clip(share * num_sessions + rng.normal(0, 2, size), 0, num_sessions - 1)
        block = pa.table(
            {
                "SessionId": sessions.astype(np.int64),
                "ItemId": np.searchsorted(chance, rng.random(size) * chance[-1]),
                "Time": (FIRST_TIME + share * SECONDS).astype(np.int64),
            }
        )
        writer = writer or pa_csv.CSVWriter(path, block.schema)
        writer.write_table(block)
    if writer is not None:
        writer.close()


def run(arguments: list[str], folder: Path) -> tuple[float, int]:
    """Run `sbr` in a process of its own; give its seconds and its peak memory in bytes."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "sbrcli", *arguments, "--workdir", str(folder / "work")],
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"sbr {arguments[0]} ended with status {status}")
    unit = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * unit


if __name__ == "__main__":
    main([float(size) for size in sys.argv[1:]] or list(SIZES))
