"""Peak memory of the commands that read all of train, on made-up datasets of growing size.

python -m tests.benchmarks.bench_command_memory [EVENTS...] [-- COMMANDS...]

By default 1 and 10 million events and all commands. The datasets are those of
`bench_training_memory`, with splits valid and test of some 5,000 events each, whatever the size.
`anonymous` is the peak of the memory that is no mapped file, `resident` the peak with the mapped
files, which the system can take back; `above` is the difference in anonymous memory to the first
size. CPU seconds are those of the whole command.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import numpy as np

from tests.benchmarks.bench_training_memory import NUM_ITEMS, SESSION_EVENTS, write_log

_NETWORK = ("--epochs", "1", "--hsz", "16", "--layers", "1", "--batch-size", "256")
_LAST = 1_577_836_800 + 10**8
"""No event of the made-up log is much later."""

COMMANDS = {
    "train": ["train", *_NETWORK, "--name", "network"],
    "refit": ["train", *_NETWORK, "--name", "refit", "--refit"],
    "last-days": ["train", *_NETWORK, "--name", "last", "--last-days", "30"],
    "since": ["train", *_NETWORK, "--name", "since", "--since", "2020-01-02"],
    "popularity": ["train", "--name", "popularity", "--model", "popularity"],
    "markov": ["train", "--name", "markov", "--model", "markov"],
    "item-knn": ["train", "--name", "item-knn", "--model", "item-knn"],
    "vsknn": ["train", "--name", "vsknn", "--model", "vsknn"],
    "stan": ["train", "--name", "stan", "--model", "stan"],
    "evaluate": ["evaluate", "--run", "network"],
    "baselines": ["evaluate", "--run", "network", "--baselines", "all"],
    "hybrid": ["evaluate", "--run", "network", "--hybrid"],
    "tune-baselines": ["tune-baselines", "--run", "network"],
    "update": ["update", "later.csv", "--run", "network", "--epochs", "1", "--name", "update"],
}
"""The later ones use the run of the first."""


def main() -> None:
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    sizes = [int(word) for word in words[:cut]] or [1_000_000, 10_000_000]
    chosen = words[cut + 1 :] or list(COMMANDS)
    first: dict[str, float] = {}
    sys.stdout.write(f"{'command':<14} {'events':>11}  anonymous      above      resident   CPU\n")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            prepare(Path(folder), size)
            for name in chosen:
                anonymous, resident, cpu = measure(Path(folder), COMMANDS[name])
                above = anonymous - first.setdefault(name, anonymous)
                sys.stdout.write(
                    f"{name:<14} {size:>11,}  {anonymous:>5.3f} GiB  {above:>6.3f} GiB"
                    f"  {resident:>6.3f} GiB  {cpu:>6.1f} s\n"
                )
                sys.stdout.flush()


def prepare(folder: Path, num_events: int) -> None:
    """Write a dataset, and a later log."""
    log, days = folder / "log.parquet", str(6 * 10**6 / num_events)
    write_log(log, num_events)
    splits = ["--test-days", days, "--valid-days", days, "--min-item-support", "1"]
    measure(folder, ["preprocess", log.name, *splits])
    log.unlink()
    write_later_log(folder / "later.csv")


def write_later_log(path: Path) -> None:
    """Write 2,000 sessions that begin after all others."""
    rng, count = np.random.default_rng(17), 2_000 * SESSION_EVENTS
    session = 10**9 + np.arange(count) // SESSION_EVENTS
    times = _LAST + 10**5 + 30 * np.arange(count)
    items = (NUM_ITEMS ** rng.random(count)).astype(np.int64)
    rows = np.stack((session, items, times), axis=1)
    np.savetxt(path, rows, "%d", ",", header="session_id,item_id,timestamp", comments="")


def measure(folder: Path, words: list[str]) -> tuple[float, float, float]:
    """Run a command in a folder; return its two peaks in GiB, and its CPU seconds."""
    before = getrusage(RUSAGE_CHILDREN)
    sbr = [sys.executable, "-m", "sbrcli", "--quiet", "--workdir", "work"]
    process = subprocess.Popen([*sbr, *words], cwd=folder, stdout=subprocess.DEVNULL)
    anonymous = resident = 0
    while process.poll() is None:
        try:
            text = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:  # it has ended
            break
        figures = dict(line.split(":", 1) for line in text.splitlines())
        if "RssAnon" in figures:
            anonymous = max(anonymous, int(figures["RssAnon"].split()[0]))
            resident = max(resident, int(figures["VmHWM"].split()[0]))
        time.sleep(0.01)
    assert process.wait() == 0, words
    after = getrusage(RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return anonymous / 2**20, resident / 2**20, cpu


if __name__ == "__main__":
    main()
