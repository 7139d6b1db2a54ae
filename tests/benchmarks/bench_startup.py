"""Time `sbr --help` and `sbr recommend` against importing numpy, typer and rich.

python tests/benchmarks/bench_startup.py

All are whole processes; the run that recommends has random weights and as many items as
MovieLens 1M. Prints medians and their ratios.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
NUM_ITEMS = 3416
IMPORTS = "import numpy, typer, rich"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        make_random_run(Path(folder))
        sbr = [sys.executable, "-m", "sbrcli"]
        commands = {
            IMPORTS: [sys.executable, "-c", IMPORTS],
            "sbr --help": [*sbr, "--help"],
            "sbr recommend": [*sbr, "-w", folder, "recommend", "--items", "3186,1270"],
        }
        medians = median_seconds(commands)
    for name, median in medians.items():
        ratio = median / medians[IMPORTS]
        sys.stdout.write(f"{name}\t{median:.3f} s\t{ratio:.2f} x\n")
    sys.stdout.write("wanted: sbr --help at most 1.5 x, sbr recommend at most 1.6 x\n")


def make_random_run(folder: Path) -> None:
    from sbrcli.models.gru4rec.weights import GruShape
    from tests.builders import make_run

    ids = [str(index) for index in range(NUM_ITEMS)]
    make_run(folder, ids=ids, shape=GruShape(NUM_ITEMS, (100,), "shared"))


def median_seconds(commands: dict[str, list[str]]) -> dict[str, float]:
    for command in commands.values():
        run_seconds(command)  # fills the system's caches
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):  # alternating, so that a busy moment meets all
        for name, command in commands.items():
            seconds[name].append(run_seconds(command))
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def run_seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
