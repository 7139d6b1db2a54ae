"""Peak memory and CPU time of `sbr train` for one epoch, on made-up datasets of growing size.

python -m tests.benchmarks.bench_training_memory [EVENTS...] [-- OPTIONS...]

By default 1 and 3 million events. 2,000 items, a network of 16 units, sessions of 5 events, no
valid split; OPTIONS are those of `sbr train`. `anonymous` is the peak of the memory that is no
mapped file, `proportional` (PSS) the peak with the mapped files. `CPU/event` is the CPU time of the
whole command, and `epoch` that of the epoch alone, without reading and sorting the split; both less
those of a training on 20,000 events, and divided by the events.
"""

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NUM_ITEMS, SESSION_EVENTS = 2_000, 5
SMALLEST = 20_000
_CHILD = "--child"
_TRAIN = ("--epochs", "1", "--hsz", "16", "--layers", "1", "--batch-size", "256")


def main() -> None:
    words = sys.argv[1:]
    if words[:1] == [_CHILD]:
        train_timed(Path(words[1]), words[2:])
        return
    cut = words.index("--") if "--" in words else len(words)
    sizes = [int(word) for word in words[:cut]] or [1_000_000, 3_000_000]
    first: tuple[float, float, float] | None = None
    sys.stdout.write(
        "events      anonymous  above the first  proportional  CPU/event  ratio     epoch  ratio\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        *_, start, least = measure(Path(folder), SMALLEST, words[cut + 1 :])
        for size in sizes:
            anonymous, proportional, cpu, epoch = measure(Path(folder), size, words[cut + 1 :])
            each, alone = (cpu - start) / size, (epoch - least) / size
            first = first or (anonymous, each, alone)
            sys.stdout.write(
                f"{size:>11,} {anonymous:>6.3f} GiB  {anonymous - first[0]:>11.3f} GiB"
                f"  {proportional:>8.3f} GiB  {each * 1e6:>6.1f} us  {each / first[1]:>5.3f}"
                f"  {alone * 1e6:>6.1f} us  {alone / first[2]:>5.3f}\n"
            )
            sys.stdout.flush()
    sys.stdout.write("wanted: at most 0.5 GiB above 1 million, an epoch of at most 1.03\n")


def train_timed(times: Path, words: list[str]) -> None:
    """Run `sbr` with these words; write the process's CPU time when an epoch begins and ends."""
    from sbrcli.__main__ import main as sbr
    from sbrcli.cli.training_progress import TrainingProgress
    from sbrcli.models.training.events import EpochEnded, EpochStarted

    show = TrainingProgress.show

    def show_and_note(bars: TrainingProgress, event: Any) -> None:
        if isinstance(event, EpochStarted | EpochEnded):
            with times.open("a") as file:
                file.write(f"{time.process_time()}\n")
        show(bars, event)

    TrainingProgress.show = show_and_note
    sys.argv[1:] = words
    sbr()


def measure(folder: Path, num_events: int, options: list[str]) -> tuple[float, float, float, float]:
    """Train on a made-up log.

    Returns:
        The peaks in GiB, and the CPU seconds of the training and of its epoch alone.
    """
    log, work = folder / f"log-{num_events}.parquet", folder / f"work-{num_events}"
    write_log(log, num_events)
    options_of_sbr = ["--quiet", "--workdir", str(work)]
    sbr = [sys.executable, "-m", "sbrcli", *options_of_sbr]
    times = folder / f"times-{num_events}"
    timed = [sys.executable, "-m", "tests.benchmarks.bench_training_memory", _CHILD, str(times)]
    splits = ["--test-days", "0", "--valid-days", "0", "--min-item-support", "1"]
    subprocess.run([*sbr, "preprocess", str(log), *splits], check=True, stdout=subprocess.DEVNULL)
    log.unlink()
    before = getrusage(RUSAGE_CHILDREN)
    peaks = _run_watched([*timed, *options_of_sbr, "train", *_TRAIN, *options])
    after = getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    began, ended = map(float, times.read_text().split())
    return peaks["Anonymous"] / 2**20, peaks["Pss"] / 2**20, cpu, ended - began


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
        time.sleep(0.5)  # reading it keeps the process from its memory for a moment


if __name__ == "__main__":
    main()
