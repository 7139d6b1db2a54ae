"""Peak memory and CPU time of `sbr train` for one epoch, on made-up datasets of growing size.

python -m tests.benchmarks.bench_training_memory [EVENTS...] [-- OPTIONS...]

By default 1 and 3 million events. 2,000 items, a network of 16 units, sessions of 5 events, no
valid split; OPTIONS are those of `sbr train`. `anonymous` is the peak of the memory that is no
mapped file, `proportional` (PSS) the peak with the mapped files. The CPU time of an epoch is that
of the whole command less that of a training on 20,000 events, divided by the events.
"""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NUM_ITEMS, SESSION_EVENTS = 2_000, 5
SMALLEST = 20_000
_TRAIN = ("--epochs", "1", "--hsz", "16", "--layers", "1", "--batch-size", "256")


def main() -> None:
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    sizes = [int(word) for word in words[:cut]] or [1_000_000, 3_000_000]
    first: tuple[float, float] | None = None
    sys.stdout.write("events      anonymous  above the first  proportional  CPU/event  ratio\n")
    with tempfile.TemporaryDirectory() as folder:
        start = measure(Path(folder), SMALLEST, words[cut + 1 :])[2]
        for size in sizes:
            anonymous, proportional, cpu = measure(Path(folder), size, words[cut + 1 :])
            each = (cpu - start) / size
            first = first or (anonymous, each)
            sys.stdout.write(
                f"{size:>11,} {anonymous:>6.3f} GiB  {anonymous - first[0]:>11.3f} GiB"
                f"  {proportional:>8.3f} GiB  {each * 1e6:>6.1f} us  {each / first[1]:>5.3f}\n"
            )
            sys.stdout.flush()
    sys.stdout.write("wanted: at most 0.5 GiB above 1 million\n")


def measure(folder: Path, num_events: int, options: list[str]) -> tuple[float, float, float]:
    """Train on a made-up log; return the peaks in GiB, and the CPU seconds of the training."""
    log, work = folder / f"log-{num_events}.parquet", folder / f"work-{num_events}"
    write_log(log, num_events)
    sbr = [sys.executable, "-m", "sbrcli", "--quiet", "--workdir", str(work)]
    splits = ["--test-days", "0", "--valid-days", "0", "--min-item-support", "1"]
    subprocess.run([*sbr, "preprocess", str(log), *splits], check=True, stdout=subprocess.DEVNULL)
    log.unlink()
    before = getrusage(RUSAGE_CHILDREN)
    peaks = _run_watched([*sbr, "train", *_TRAIN, *options])
    after = getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return peaks["Anonymous"] / 2**20, peaks["Pss"] / 2**20, cpu


def write_log(path: Path, num_events: int) -> None:
    """Write sessions that begin in a random order; small items are the popular ones."""
    rng = np.random.default_rng(16)
    schema = pa.schema([(name, pa.int64()) for name in ("session_id", "item_id", "timestamp")])
    with pq.ParquetWriter(path, schema) as out:
        for first in range(0, num_events, 1_000_000):
            count = min(1_000_000, num_events - first)
            session = np.arange(first, first + count) // SESSION_EVENTS
            begins = rng.integers(0, 10**8, count // SESSION_EVENTS + 1)
            times = 1_577_836_800 + begins[session - session[0]] + 30 * (np.arange(count) % 5)
            items = (NUM_ITEMS ** rng.random(count)).astype(np.int64)
            out.write_table(pa.table([session, items, times], schema=schema))


def _run_watched(words: list[str]) -> dict[str, int]:
    """Run a command; return the peaks of its anonymous and proportional memory in KiB."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    peaks = {"Anonymous": 0, "Pss": 0}
    watch = threading.Thread(target=_watch, args=(process, peaks))
    watch.start()
    code = process.wait()
    watch.join()
    assert code == 0, words
    return peaks


def _watch(process: subprocess.Popen, peaks: dict[str, int]) -> None:
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
        except OSError:  # it has ended
            return
        for line in lines:
            name, rest = line.split(":", 1)
            if name in peaks:
                peaks[name] = max(peaks[name], int(rest.split()[0]))
        time.sleep(0.1)


if __name__ == "__main__":
    main()
