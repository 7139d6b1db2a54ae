"""Compare two trainers with one process: CPU time of a chunk, losses, and mrr@20 on a log.

python tests/benchmarks/bench_trainers.py [LOG [SESSION]]

Without a log, it prints what a chunk costs: the CPU seconds of one worker of two against those of
one process that computes all lanes, of one network, on the same chunks, with one thread each. At
most .75 is wanted. Beside how far their losses differ stands how far those of one process do if its
first weights differ in their last digit: training magnifies any difference in rounding.
With a log, as in `ml-1m/ratings.dat user`, it prepares
it, trains one epoch in one process and in two, and prints the difference of mrr@20 on valid.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from sbrcli.config.workers import Cluster
from sbrcli.workflow.launch import reserved_address

CHUNKS = 100
HEADINGS = [
    f"{what} differ within {chunks} chunks by"
    for chunks in (CHUNKS, CHUNKS + 10)
    for what in ("losses", "those of other digits")
]
SHAPES = (
    ("default, 3,500 items", 3_500, {"batch_size": 32, "bptt": 16}),
    ("default, 40,000 items", 40_000, {"batch_size": 32, "bptt": 16}),
    ("128 lanes, 3,500 items", 3_500, {"batch_size": 128, "bptt": 16}),
    ("128 lanes, 40,000 items", 40_000, {"batch_size": 128, "bptt": 16}),
)


def main() -> None:
    if len(sys.argv) > 1:
        compare_on_log(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "user")
        return
    say("CPU milliseconds of a chunk", "one process", "a worker of two", "ratio", *HEADINGS)
    for title, num_items, options in SHAPES:
        [alone] = run_processes(1, num_items, options)
        [moved] = run_processes(1, num_items, options | {"noise": 1e-7})
        pair = run_processes(2, num_items, options)
        worker = max(cpu for cpu, _ in pair)
        differ = [
            f"{max(abs(np.array(other[:end]) / alone[1][:end] - 1)):.1e}"
            for end in (CHUNKS, CHUNKS + 10)
            for other in (pair[0][1], moved[1])
        ]
        ratio = f"{worker / alone[0]:.2f}"
        say(title, f"{1e3 * alone[0]:.1f}", f"{1e3 * worker:.1f}", ratio, *differ)
    say("wanted: a ratio of at most .75, and losses within 1e-5 over 100 chunks")


def run_processes(number: int, num_items: int, options: dict[str, Any]) -> list[tuple[float, Any]]:
    """Return the CPU seconds of a chunk in each process, and the loss of each chunk."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    with ExitStack() as stack:
        addresses = tuple(stack.enter_context(reserved_address()) for _ in range(number))
        for index in range(number):
            ours, theirs = context.Pipe()
            arguments = (theirs, addresses, index, num_items, options)
            processes.append(context.Process(target=measure, args=arguments))
            processes[-1].start()
            pipes.append(ours)
        found = [pipe.recv() for pipe in pipes]
        for process in processes:
            process.join()
    return found


def measure(
    pipe: Any, addresses: tuple[str, ...], index: int, num_items: int, options: dict[str, Any]
) -> None:
    """Train on some chunks in this process; send the CPU seconds of one, and the losses."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    from sbrcli.models.training.backend import start_tensorflow

    start_tensorflow(threads=1, device="cpu")
    from sbrcli.models.configuration import configure_training
    from sbrcli.models.registry import find_family
    from sbrcli.models.training.negatives import NegativeSampler
    from sbrcli.models.training.step import TrainingStep
    from sbrcli.models.training.team_start import join_team
    from sbrcli.models.training.team_step import TeamStep

    team = join_team(Cluster(addresses, index)) if len(addresses) > 1 else None
    noise = options.pop("noise", 0.0)
    plain = {"dropout": 0.0, "embedding_dropout": 0.0, "precision": "float32", "repeats": "off"}
    config, family = configure_training(plain | options, None), find_family("gru4rec")
    shape = family.shape_of(config, num_items)
    rng = np.random.default_rng(1)
    popularity = 1 / np.arange(1, num_items + 1)
    counts = np.maximum(1, 1e6 * popularity).astype(np.int64)
    n_sample = config.negatives(num_items)
    sampler = None
    if n_sample:
        sampler = NegativeSampler(counts, n_sample, 0.5, num_lanes=config.batch_size)

    def make_network() -> Any:
        weights, signs = family.initial_weights(shape, 1), np.random.default_rng(2)
        for name, weight in weights.items():
            factor = 1 + noise * signs.choice([-1, 1], weight.shape)
            weights[name] = (weight * factor).astype(weight.dtype)
        return family.make_network(shape, config, weights)

    if team is None:
        step: Any = TrainingStep(make_network(), config, sampler, CHUNKS)
    else:
        step = TeamStep(team, team.copies(make_network), config, sampler, CHUNKS)
    size = ((CHUNKS + 10) * config.bptt, config.batch_size)
    items = rng.choice(num_items, size, p=popularity / popularity.sum()).astype(np.int32)
    targets = np.roll(items, -1, axis=0)
    starts, is_pair = rng.random(size) < 0.1, np.ones(size, bool)
    step.compile()
    states, losses, began = step.zero_states(), [], 0.0
    for chunk in range(CHUNKS + 10):
        if chunk == 10:
            began = time.process_time()
        part = slice(chunk * config.bptt, (chunk + 1) * config.bptt)
        arrays = (items[part], targets[part], starts[part], is_pair[part])
        loss, states = step.walk(*arrays, states)
        losses.append(float(loss))
    pipe.send(((time.process_time() - began) / CHUNKS, losses))
    os._exit(0)


def compare_on_log(log: Path, session: str) -> None:
    """Prepare a log, train on it alone and in two processes, and print the figures of valid."""
    with tempfile.TemporaryDirectory() as folder:
        sbr(folder, "preprocess", str(log.resolve()), "--session", session)
        say("mrr@20 on valid", "loss", "mrr@20")
        for workers in ("1", "2"):
            options = ("--epochs", "1", "--precision", "float32", "--name", f"by-{workers}")
            found = sbr(folder, "train", *options, "--workers", workers)["epochs"][0]
            say(f"workers: {workers}", f"{found['loss']:.6f}", f"{found['mrr@20']:.5f}")
    say("wanted: within .001")


def sbr(folder: str, *words: str) -> Any:
    """Run a command in a work directory; return its document."""
    command = [sys.executable, "-m", "sbrcli", *words, "--json", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout)


def say(*cells: str) -> None:
    """Print one row."""
    sys.stdout.write("\t".join(cells) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
