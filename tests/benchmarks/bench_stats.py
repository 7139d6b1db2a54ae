"""Time `sbr stats LOG` against `python -c "import pandas"`, both as whole processes.

python tests/benchmarks/bench_stats.py ratings.dat
"""

import statistics
import subprocess
import sys
import time

ROUNDS = 5


def main(log: str) -> None:
    commands = {
        "import pandas": [sys.executable, "-c", "import pandas"],
        "sbr stats": [sys.executable, "-m", "sbrcli", "stats", log],
    }
    for command in commands.values():
        run_seconds(command)  # fills the system's caches
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):  # alternating, so that a busy moment meets both
        for name, command in commands.items():
            seconds[name].append(run_seconds(command))
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        sys.stdout.write(f"{name}\t{median:.3f} s\n")
    ratio = medians["sbr stats"] / medians["import pandas"]
    sys.stdout.write(f"ratio\t{ratio:.2f}\t(wanted: at most 3)\n")


def run_seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/benchmarks/bench_stats.py LOG")
    main(sys.argv[1])
