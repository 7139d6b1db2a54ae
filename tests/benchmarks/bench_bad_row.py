"""Time how long one wrong row at the end of 5 million takes to be named, against reading the good.

python tests/benchmarks/bench_bad_row.py
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sbrcli.errors import DataError
from sbrcli.log.reading import read_log

NUM_ROWS = 5_000_000
ROUNDS = 3
MOST = 3.0


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        good, bad = Path(folder) / "good.csv", Path(folder) / "bad.csv"
        rows = (f"{n % 60_000},{n * 7919 % 20_000},{1_700_000_000 + n}\n" for n in range(NUM_ROWS))
        text = "user,item,time\n" + "".join(rows)
        good.write_text(text)
        bad.write_text(text + "7,8,soon\n")
        taken: dict[Path, list[float]] = {good: [], bad: []}
        for _ in range(ROUNDS):  # alternating, so that a busy moment meets both
            for path, seconds in taken.items():
                seconds.append(run_seconds(path))
    ratio = statistics.median(taken[bad]) / statistics.median(taken[good])
    sys.stdout.write(f"ratio\t{ratio:.2f}\t(wanted: at most {MOST:g})\n")
    sys.exit(ratio > MOST)


def run_seconds(path: Path) -> float:
    began = time.perf_counter()
    try:
        read_log(path)
    except DataError as error:
        assert f"line {NUM_ROWS + 2}:" in str(error)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
