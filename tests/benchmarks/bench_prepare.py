"""CPU seconds and peak memory of `sbr preprocess` on a synthetic log, at once and in parts.

python -m tests.benchmarks.bench_prepare [EVENTS] [FORMAT] [OPTIONS...]

The log has a user for every 20 events (BENCH_EVENTS_PER_USER), popular items and sessions with
pauses, in the order of time. FORMAT is csv or parquet; with text.csv or text.parquet, ids are texts
of 36 (users) and 12 letters (items). OPTIONS are those of `sbr preprocess`, such as --memory 1GB
or --engine dask.

Two peaks are printed, of all processes together: of memory that belongs to no file, and of all
resident memory, of which what several processes share counts once. The latter contains the pages of
mapped files on scratch, which the system takes back when it needs them.
"""

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

_BLOCK = 2_000_000
_PER_USER = int(os.environ.get("BENCH_EVENTS_PER_USER", "20"))
_YEAR = 365 * 86_400


def write_log(path: Path, num_events: int) -> None:
    """Write a log in the order of time."""
    rng = np.random.default_rng(16)
    num_users, num_items = max(1, num_events // _PER_USER), max(50, min(200_000, num_events // 50))
    is_text = ".text." in path.name
    id_type = pa.string() if is_text else pa.int64()
    schema = pa.schema([("user_id", id_type), ("item_id", id_type), ("timestamp", pa.int64())])
    user_texts = pa.array(
        [str(uuid.UUID(int=(user + 1) << 64 | user)) for user in range(num_users)]
    )
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
            if is_text:
                columns[0] = user_texts.take(pa.array(users))
                columns[1] = pa.array(np.char.add("item-", np.char.zfill(items.astype(str), 7)))
            out.write_table(pa.table(columns, schema=schema))
            done += count


@dataclass(slots=True)
class Peaks:
    """The largest memory of all processes of a command, in bytes."""

    anonymous: int = 0
    resident: int = 0


def measure(words: list[str]) -> tuple[float, Peaks, float]:
    """Run a command; return its CPU seconds, its peaks and the seconds it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.time()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    peaks = Peaks()
    watch = threading.Thread(target=_watch, args=(process, peaks))
    watch.start()
    code = process.wait()
    watch.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert code == 0, words
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, peaks, time.time() - began


def _watch(process: subprocess.Popen, peaks: Peaks) -> None:
    while process.poll() is None:
        sizes = [_memory(pid) for pid in _family(process.pid)]
        peaks.anonymous = max(peaks.anonymous, sum(size.anonymous for size in sizes))
        peaks.resident = max(peaks.resident, sum(size.resident for size in sizes))
        time.sleep(0.05)


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [one for child in task.read_text().split() for one in _family(int(child))]
        except OSError:  # it has ended
            continue
    return found


def _memory(pid: int) -> Peaks:
    """Return what a process has now; shared pages are divided by the number of their users."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return Peaks()
    sizes = {words[0]: int(words[1]) * 1024 for line in lines[1:] if (words := line.split())}
    return Peaks(sizes.get("Anonymous:", 0), sizes.get("Pss:", 0))


def main(num_events: str = "1000000", kind: str = "csv", *options: str) -> None:
    """Measure one configuration."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(os.environ.get("BENCH_LOG", Path(folder) / f"log.{kind}"))
        if not log.exists():
            write_log(log, int(num_events))
        words = ["-m", "sbrcli", "preprocess", str(log), "--workdir", folder, "--name", "made"]
        cpu, peaks, seconds = measure([sys.executable, *words, *options])
        anonymous, resident = peaks.anonymous / 2**30, peaks.resident / 2**30
        sys.stdout.write(
            f"{int(num_events):,} events, {kind} {' '.join(options)}: {cpu:.1f} CPU-s, "
            f"{anonymous:.2f} GiB without files, {resident:.2f} GiB resident, {seconds:.0f} s\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
