"""Compare updates with training from scratch, on a log cut into equal parts by time.

python tests/benchmarks/bench_update.py LOG [--session user] [--sample 0.25] [--parts 10]
    [--first 5] [--max-parts N] [--grid] [--more] [--epochs N] [--replay SHARE]
    [--learning-rate X]

A model is trained on the first parts, then updated part by part, and tested on the next part. On
the same targets: the model that was never updated, one that is trained from scratch on all parts so
far, and one that is trained on the last part alone; with --more also one that is trained on the
last three parts, and one that is trained with --refit (the last part finds the number of epochs).
Items that a model does not know are misses.
The figures are mrr@20, differences with 95 % intervals (sessions resampled), and CPU seconds: those
of the epochs, and those of all from the log to the run but the start of TensorFlow. --grid tries
recipes on the first update alone, tested on the part after it; leave that part out of the test by a
greater --first. --learning-rate is a factor of the rate that the first model begins with.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.update import UpdateConfig
from sbrcli.dataset.cutting import cut_into_sessions
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.evaluation.confidence import interval, resample_means, session_sums
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.evaluation.scoring import session_of
from sbrcli.evaluation.validation import validate
from sbrcli.log.detect import AS_READ
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP, USER_ID
from sbrcli.log.reading import read_log
from sbrcli.models.configuration import configure_training
from sbrcli.models.loading import load_scorer
from sbrcli.models.training.backend import start_tensorflow
from sbrcli.models.training.events import EpochEnded, EpochStarted, TrainingEvent
from sbrcli.sessions import Sessions
from sbrcli.workflow.preprocess import prepare_dataset
from sbrcli.workflow.train import train
from sbrcli.workflow.training_job import make_job
from sbrcli.workflow.update import NewEvents, update

MOST_TARGETS = 10_000
RECIPES = [(1, 0.0, 1.0), (1, 1.0, 1.0), (2, 0.0, 1.0), (2, 1.0, 1.0), (2, 1.0, 0.5)]
RECIPES += [(2, 1.0, 2.0), (4, 1.0, 1.0), (4, 1.0, 0.5), (2, 3.0, 1.0), (4, 0.0, 1.0)]
"""Epochs, replay, and factor of the learning rate."""


class Clock:
    """Adds up the CPU seconds of epochs."""

    seconds = begun = 0.0

    def see(self, event: TrainingEvent) -> None:
        """Take note of an event of a training."""
        if isinstance(event, EpochStarted):
            self.begun = time.process_time()
        elif isinstance(event, EpochEnded):
            self.seconds += time.process_time() - self.begun


class Parts:
    """A log cut into parts of as many events, by time, and the models that learn from them."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.workspace, self.clock = Workspace(folder / "work"), Clock()
        events = read_log(options.log).events
        owner = USER_ID if options.session == "user" else SESSION_ID
        owners = np.unique(events[owner].astype(str))
        chosen = np.random.default_rng(1).random(len(owners)) < options.sample
        self.events = events[events[owner].astype(str).isin(set(owners[chosen]))]
        times = np.sort(self.events[TIMESTAMP].to_numpy())
        ends = len(times) * np.arange(1, options.parts + 1) // options.parts
        self.cuts = times[ends - 1].tolist()
        self.config = PrepareConfig(
            session=options.session, test_days=0, valid_days=0, min_item_support=5
        )
        print_row("events", len(self.events), "sessions", int(chosen.sum()))

    def log_of(self, first: int, last: int) -> Path:
        """Write the events of the parts from `first` to `last`, counted from 1."""
        path = self.folder / f"parts-{first}-{last}.csv"
        begin = self.cuts[first - 2] if first > 1 else -np.inf
        times = self.events[TIMESTAMP]
        chosen = self.events[(times > begin) & (times <= self.cuts[last - 1])]
        names = {USER_ID: "user", SESSION_ID: "session", ITEM_ID: "item", TIMESTAMP: "time"}
        chosen[[name for name in names if name in chosen]].rename(columns=names).to_csv(
            path, index=False
        )
        return path

    def train(self, first: int, last: int) -> str:
        """Train a run from scratch on parts."""
        name = f"scratch-{first}-{last}"
        prepare_dataset(self.log_of(first, last), self.config, self.workspace, name=name)
        return self._train(name)

    def refit(self, last: int) -> str:
        """Train a run on all parts up to one, which finds the number of epochs first."""
        name = f"refit-{last}"
        config = replace(self.config, split="time", valid_days=None, valid_share=1 / last)
        prepare_dataset(self.log_of(1, last), config, self.workspace, name=name)
        return self._train(name, refit=True)

    def _train(self, name: str, **options: Any) -> str:
        """Train a run on the dataset of the same name."""
        config, short = (configure_training(options, None, short_sessions=s) for s in (False, True))
        job = make_job(self.workspace, name, config, name, short)
        train(self.workspace, job, validate, self.clock.see)
        return name

    def update(self, parent: str, last: int, recipe: tuple[int, float, float], name: str) -> str:
        """Update a run with the log up to a part; the rate is times the parent's first one."""
        epochs, replay, rate = recipe
        usual = self.workspace.open("run", f"scratch-1-{self.options.first}").config
        config = UpdateConfig(
            epochs=epochs, replay=replay, learning_rate=rate * usual["learning_rate"]
        )
        new = NewEvents(logs=[self.log_of(1, last)], reading=AS_READ, run=parent, name=name)
        update(self.workspace, new, config, validate, self.clock.see)
        return name

    def sessions_of(self, part: int) -> tuple[Sessions, np.ndarray]:
        """Return the sessions with targets in a part, of indices into the ids returned."""
        until = self.events[self.events[TIMESTAMP] <= self.cuts[part - 1]]
        cut = cut_into_sessions(until, self.config)
        codes, ids = pd.factorize(cut[ITEM_ID].astype(str))
        sessions = Sessions(codes.astype(np.int32), session_offsets(cut), cut[TIMESTAMP].to_numpy())
        since = np.nextafter(self.cuts[part - 2], np.inf)
        return sessions.since(since, len(codes)).subsample(MOST_TARGETS), np.array(ids)

    def score(self, run: str, part: int) -> np.ndarray:
        """Return the reciprocal rank, 0 beyond 20, of every target of a part: (events,) or NaN."""
        sessions, ids = self.sessions_of(part)
        path = self.workspace.path_of("run", run)
        index_of = load_items(path / ITEMS_FILE).index_of
        indices = np.array([index_of.get(item_id, -1) for item_id in ids], np.int32)
        mapped = Sessions(
            indices[sessions.item_indices],
            sessions.offsets,
            sessions.timestamps,
            sessions.targets,
        )
        found = rank_targets(load_scorer(path), mapped)
        values = np.where(sessions.target_mask, 0.0, np.nan)
        values[found.positions] = np.where(found.ranks <= 20, 1 / np.maximum(found.ranks, 1), 0)
        return values

    def compare(self, one: np.ndarray, other: np.ndarray, part: int) -> tuple[float, float]:
        """Return the 95 % interval of the difference of two models' mrr@20 on a part."""
        targets = np.flatnonzero(~np.isnan(one))
        session = session_of(self.sessions_of(part)[0], targets)
        resampled = resample_means(session_sums(session, [one[targets] - other[targets]]))
        return interval(resampled[:, 0])

    def timed(self, make: Callable[..., str], *words: Any) -> tuple[str, np.ndarray]:
        """Return what a training returns, and its CPU seconds, in epochs and in all."""
        begun, self.clock.seconds = time.process_time(), 0.0
        name = make(*words)
        return name, np.array([self.clock.seconds, time.process_time() - begun])


def print_row(*cells: object) -> None:
    words = [f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in cells]
    sys.stdout.write("\t".join(words) + "\n")
    sys.stdout.flush()


def try_recipes(parts: Parts) -> None:
    """Print a line for each recipe of one update, tested on the part after it."""
    first = parts.options.first
    begin, seconds = parts.timed(parts.train, 1, first)
    print_row("never updated", np.nanmean(parts.score(begin, first + 2)), *seconds.round(1))
    again, seconds = parts.timed(parts.train, 1, first + 1)
    print_row("from scratch", np.nanmean(parts.score(again, first + 2)), *seconds.round(1))
    print_row("epochs", "replay", "rate", "mrr@20", "CPU s of epochs", "CPU s in all")
    for number, recipe in enumerate(RECIPES):
        run, seconds = parts.timed(parts.update, begin, first + 1, recipe, f"recipe-{number}")
        print_row(*map(str, recipe), np.nanmean(parts.score(run, first + 2)), *seconds.round(1))


def run_parts(parts: Parts) -> None:
    """Update part by part; print how each model does on the next part, and the means."""
    options = parts.options
    recipe = (options.epochs, options.replay, options.learning_rate)
    never = run = parts.train(1, options.first)
    last = min(options.first + options.max_parts, options.parts - 1)
    names = ["updated", "never", "scratch", "last part alone"]
    if options.more:
        names += ["last three parts", "refit"]
    totals: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[np.ndarray]] = {name: [] for name in names}
    print_row(
        "part",
        "model",
        "mrr@20",
        "updated - model",
        "95 % interval",
        "CPU s of epochs",
        "CPU s in all",
    )
    for part in range(options.first + 1, last + 1):
        made = {
            "updated": parts.timed(parts.update, run, part, recipe, f"updated-{part}"),
            "never": (never, np.zeros(2)),
            "scratch": parts.timed(parts.train, 1, part),
            "last part alone": parts.timed(parts.train, part, part),
        }
        if options.more:
            made["last three parts"] = parts.timed(parts.train, part - 2, part)
            made["refit"] = parts.timed(parts.refit, part)
        run = made["updated"][0]
        values = {name: parts.score(named, part + 1) for name, (named, _) in made.items()}
        for name, (_, seconds) in made.items():
            mean = float(np.nanmean(values[name]))
            totals[name].append(mean)
            cpu[name].append(seconds)
            low, high = parts.compare(values["updated"], values[name], part + 1)
            ahead = float(np.nanmean(values["updated"])) - mean
            print_row(part + 1, name, mean, ahead, f"{low:.4f} to {high:.4f}", *seconds.round(1))
    spent = {name: np.sum(seconds, axis=0) for name, seconds in cpu.items()}
    for name in names:
        print_row("mean", name, float(np.mean(totals[name])), *spent[name].round(1))
    ratio = np.mean(totals["updated"]) / np.mean(totals["scratch"])
    print_row("updated / scratch", float(ratio), "wanted: at least 0.97")
    print_row("CPU", *(spent["updated"] / spent["scratch"]).round(3), "wanted: at most 0.2")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("--session", default="user")
    parser.add_argument("--sample", type=float, default=1.0)
    parser.add_argument("--parts", type=int, default=10)
    parser.add_argument("--first", type=int, default=5)
    parser.add_argument("--max-parts", type=int, default=10)
    parser.add_argument("--grid", action="store_true")
    parser.add_argument("--more", action="store_true")
    parser.add_argument("--epochs", type=int, default=UpdateConfig().epochs)
    parser.add_argument("--replay", type=float, default=UpdateConfig().replay)
    parser.add_argument("--learning-rate", type=float, default=1.0)
    options = parser.parse_args()
    start_tensorflow()
    with tempfile.TemporaryDirectory(prefix="sbr-bench-") as folder:
        parts = Parts(options, Path(folder))
        (try_recipes if options.grid else run_parts)(parts)


if __name__ == "__main__":
    main()
