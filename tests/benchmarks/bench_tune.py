r"""What `sbr tune` finds on a log, beside the defaults and `--preset best`: on valid, and on test.

python -m tests.benchmarks.bench_tune LOG WORKDIR "PREPROCESS OPTIONS" "TUNE OPTIONS"

prepares LOG, tunes, trains the best trial, the defaults and the preset, and looks at test once for
each of the three. Called again, it continues the study and trains no run twice. Short sessions, and
MovieLens by time:

    ml-latest-small/ratings.csv W "--session gap:3600 --test-share 0.1 --valid-share 0.1" \
        "--epochs 12 --time-limit 40m"
    ml-1m/ratings.dat W "--split time --test-share 0.1 --valid-share 0.1" \
        "--epochs 12 --time-limit 40m"
"""

import json
import shlex
import subprocess
import sys
import time
from typing import Any


def say(text: str) -> None:
    """Write a line to stdout, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run_sbr(workdir: str, *words: str) -> Any:
    """Run a command; return its JSON document. Its progress stands on stderr."""
    command = ["sbr", *words, "--workdir", workdir, "--json"]
    say(f"$ {shlex.join(['sbr', *words])}")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def main(log: str, workdir: str, preparing: str, tuning: str) -> None:
    """Print what was found, as a table in Markdown."""
    run_sbr(workdir, "preprocess", log, *shlex.split(preparing))
    began = time.monotonic()
    found = run_sbr(workdir, "tune", *shlex.split(tuning))
    minutes = (time.monotonic() - began) / 60
    states = [trial["state"] for trial in found["trials"]]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    say(f"{len(states)} trials in {minutes:.0f} minutes: {counts}")
    for trial in found["trials"]:
        say(json.dumps([trial[name] for name in ("options", "valid_mrr", "state", "seconds")]))
    say(f"importance: {json.dumps(found['importance'])}")
    say(found["command"])
    winner = shlex.split(found["command"])[1:]
    commands = {
        "`sbr train`": ["train"],
        "`sbr train --preset best`": ["train", "--preset", "best"],
        "best trial": winner[: winner.index("--workdir")],
    }
    say("| setting | valid mrr@20 | test recall@20 | test mrr@20 | to the best, mrr@20 | seconds |")
    say("|---|--:|--:|--:|---|--:|")
    runs = {}
    for name, words in commands.items():
        runs[name] = run_sbr(workdir, *words)
        run_sbr(workdir, "evaluate", "--run", runs[name]["run"])
    names = [one["run"] for one in runs.values()]
    compared = run_sbr(workdir, "compare", *names, "--sort", "mrr")
    rows = {row["run"]: row for row in compared["runs"]}
    apart = {one["run"]: one["finding"] for one in compared["differences"]}
    for name, one in runs.items():
        row = rows[one["run"]]
        figures = [row["valid_mrr"], row["metrics"]["recall@20"], row["metrics"]["mrr@20"]]
        cells = [f"{figure:.4f}".removeprefix("0") for figure in figures]
        line = [name, *cells, apart.get(one["run"], ""), f"{row['seconds']:.0f}"]
        say(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    main(*sys.argv[1:5])
