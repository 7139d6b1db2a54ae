r"""Train settings and variants with several seeds on several logs, and compare them on valid.

python -m tests.benchmarks.bench_search WORKDIR RESULTS [--log DATASET:EPOCHS]… [--seeds 1,2,3] \
    [--lock FILE] SETTING…

WORKDIR holds the datasets of `sbr preprocess`. A SETTING is "default", or options and variants with
values, as "dropout=0.4 hide_items=0.2": options of `sbr train` and fields of
`search_variants.Variant`, by their names in Python. Trainings have one thread, and one process
after another trains eight of them; what RESULTS, a file of JSON lines, already has is not trained
again. A table in Markdown ends the output: the best epoch's figures on valid, mean ± standard error
over the seeds, and the CPU seconds of training as a ratio to those of the default. Test is never
read.

With --lock, each training holds a lock on that file. --table prints the table of all results alone.
"""

import argparse
import ast
import fcntl
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

FIGURES = ("recall@20", "mrr@20")
PER_PROCESS = 8
"""TensorFlow keeps the compiled graphs of a process until it ends."""

SHARED = ("repeats", "model")
"""Settings whose rows are compared only with a default of the same."""

Result = dict[str, Any]


def main() -> None:
    """Train what is missing, and print the table."""
    words = parse()
    results = Path(words.results)
    if words.jobs:
        train_all(words.workdir, results, json.loads(words.jobs), words.lock)
        return
    logs = [(name, int(epochs)) for name, epochs in (log.split(":") for log in words.log)]
    wanted = [
        {"setting": setting, "dataset": dataset, "epochs": epochs, "seed": int(seed)}
        for seed in words.seeds.split(",")
        for dataset, epochs in logs
        for setting in words.settings
    ]
    if not words.table:
        train_missing(words.workdir, results, wanted, words.lock)
    for dataset, epochs in logs:
        sys.stdout.write(f"\n{dataset}, {epochs} epochs\n\n")
        log = {"dataset": dataset, "epochs": epochs}
        found = [one for one in read(results) if log.items() <= one.items()]
        sys.stdout.writelines(f"{line}\n" for line in table(found))


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workdir", nargs="?")
    parser.add_argument("results", nargs="?")
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--log", action="append", default=[])
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--lock")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--jobs", help=argparse.SUPPRESS)
    return parser.parse_intermixed_args()


def read(results: Path) -> list[Result]:
    """Read the results so far."""
    return (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )


def train_missing(workdir: str, results: Path, wanted: list[Result], lock: str | None) -> None:
    """Train what the file of results does not have, a few trainings in each process."""
    there = read(results)
    missing = [one for one in wanted if not any(one.items() <= other.items() for other in there)]
    words = [] if lock is None else ["--lock", lock]
    for first in range(0, len(missing), PER_PROCESS):
        jobs = json.dumps(missing[first : first + PER_PROCESS])
        module = "tests.benchmarks.bench_search"
        command = [sys.executable, "-m", module, workdir, str(results), *words, "--jobs", jobs]
        done = subprocess.run(command, check=False)
        if done.returncode:
            sys.stdout.write(f"the process of {jobs} failed\n")


def train_all(workdir: str, results: Path, jobs: list[Result], lock: str | None) -> None:
    """Train one after the other; add each result to the file."""
    from sbrcli.models.training.backend import release_memory, start_tensorflow

    start_tensorflow(1, "cpu")
    import tensorflow as tf

    # Operations run on the calling thread: on a busy machine, handing them over takes longer.
    tf.config.threading.set_inter_op_parallelism_threads(-1)
    for job in jobs:
        with locked(lock):
            began = time.monotonic()
            found = train_one(workdir, **job)
        with results.open("a") as file:
            file.write(json.dumps(job | found) + "\n")
        best = " ".join(f"{found['best'][figure]:.4f}" for figure in FIGURES)
        seconds = f"{found['cpu']:.0f} CPU s, {time.monotonic() - began:.0f} s"
        what = f"{job['dataset']} {job['seed']} {job['setting']}"
        sys.stdout.write(f"{what}: {best} epoch {found['best']['epoch']}, {seconds}\n")
        sys.stdout.flush()
        release_memory()


@contextmanager
def locked(path: str | None) -> Iterator[None]:
    """Hold a lock on a file, if there is one."""
    if path is None:
        yield
        return
    with Path(path).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def values_of(setting: str) -> dict[str, Any]:
    """Parse a setting: "dropout=0.4 loss=bpr-max" to names and values."""
    values: dict[str, Any] = {}
    for word in setting.split() if setting != "default" else ():
        name, text = word.split("=")
        try:
            values[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            values[name] = text
    return values


def train_one(workdir: str, setting: str, dataset: str, epochs: int, seed: int) -> Result:
    """Train once; return the epochs' figures and the CPU seconds of training alone."""
    from sbrcli.artefacts.workspace import Workspace
    from sbrcli.dataset.storage import load_split
    from sbrcli.evaluation.validation import validate
    from sbrcli.models.configuration import configure_training
    from sbrcli.models.registry import find_family
    from sbrcli.models.training.events import EpochStarted, ValidationStarted
    from sbrcli.models.training.fit import TrainingData
    from sbrcli.reporter import SILENT
    from sbrcli.workflow.training_job import has_short_sessions
    from tests.benchmarks.search_training import VariedLoop
    from tests.benchmarks.search_variants import Variant

    folder = Workspace(Path(workdir), SILENT).open("dataset", dataset)
    values = values_of(setting)
    variant_names = {field.name for field in fields(Variant)}
    variant = Variant(**{name: values.pop(name) for name in variant_names & values.keys()})
    model = values.pop("model", "gru4rec")
    config: Any = configure_training(
        {**values, "epochs": epochs, "seed": seed, "threads": 1},
        None,
        short_sessions=has_short_sessions(folder),
        model=model,
    )
    network = make_network(find_family(model), config, folder.train.items, variant)
    valid = load_split(folder.path, "valid")
    data = TrainingData(
        load_split(folder.path, "train"), lambda scorer: validate(scorer, valid), valid.num_targets
    )
    marks: list[float] = []

    def on_event(event: Any) -> None:
        if isinstance(event, EpochStarted | ValidationStarted):
            marks.append(time.process_time())

    loop = VariedLoop(network, data, config, on_event, variant)
    loop.train()
    cpu = sum(marks[1::2]) - sum(marks[::2])
    history = loop.state.history
    best = max(history, key=lambda row: row["mrr@20"])
    return {"cpu": cpu, "best": best, "history": history}


def make_network(family: Any, config: Any, num_items: int, variant: Any) -> Any:
    """Return a varied network, with learned repeats around it where they are asked for."""
    from sbrcli.models.network import OUTPUT_REPEATS
    from sbrcli.models.repeats.shape import own_shape, own_weights
    from sbrcli.models.repeats.trainable import RepeatsNetwork
    from tests.benchmarks.search_variants import VariedNetwork

    shape = family.shape_of(config, num_items)
    own = own_shape(shape)
    weights = family.initial_weights(shape, config.seed)
    network = family.family.make_network(own, config, own_weights(weights))
    varied = VariedNetwork(network, variant)
    return varied if own is shape else RepeatsNetwork(varied, shape, weights[OUTPUT_REPEATS])


def table(results: Sequence[Result]) -> Iterator[str]:
    """Yield the lines of the table of one log; each setting's first result is its place."""
    yield "| setting | seeds | recall@20 | mrr@20 | mrr@20, to its default | CPU |"
    yield "|---|--:|--:|--:|--:|--:|"
    by_setting: dict[str, dict[int, Result]] = {}
    for one in results:
        by_setting.setdefault(one["setting"], {})[one["seed"]] = one
    for setting, by_seed in by_setting.items():
        usual = by_setting.get(default_of(setting), {})
        both = sorted(usual.keys() & by_seed.keys())
        cells = [setting, str(len(by_seed))]
        bests = [one["best"] for one in by_seed.values()]
        cells += [mean_and_error([best[name] for best in bests]) for name in FIGURES]
        gains = [by_seed[s]["best"]["mrr@20"] / usual[s]["best"]["mrr@20"] - 1 for s in both]
        cells.append(mean_and_error([100 * gain for gain in gains], "+.1f", " %") if gains else "")
        costs = [by_seed[s]["cpu"] / usual[s]["cpu"] for s in both]
        cells.append(f"{statistics.fmean(costs):.2f}" if costs else "")
        yield f"| {' | '.join(cells)} |"


def default_of(setting: str) -> str:
    """Return the setting that one is compared with."""
    words = [word for word in setting.split() if word.split("=")[0] in SHARED]
    return " ".join(words) or "default"


def mean_and_error(values: Sequence[float], form: str = ".4f", unit: str = "") -> str:
    """Return the mean, and with several values its standard error."""
    text = f"{statistics.fmean(values):{form}}{unit}"
    if len(values) < 2:
        return text
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{text} ± {error:{form.removeprefix('+')}}"


if __name__ == "__main__":
    main()
