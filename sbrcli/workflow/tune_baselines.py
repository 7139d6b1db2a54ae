"""Tune the options of the baselines on the valid split, for a fair comparison."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sbrcli.artefacts.manifests import write_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.options import Options
from sbrcli.dataset.storage import load_items, load_split
from sbrcli.models.baselines.baseline import Baseline
from sbrcli.models.baselines.options import write_options
from sbrcli.models.baselines.registry import with_options
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.chosen_run import name_run, open_run
from sbrcli.workflow.evaluate import TUNED_FILE, dataset_of
from sbrcli.workflow.tuning.baseline_trial import fit_and_validate

METRIC = "mrr@20"

SUBSAMPLE_TARGETS = 10_000
"""A larger valid split is subsampled to this many targets."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of a baseline's options, and its metrics on valid."""

    baseline: str
    options: str
    metrics: dict[str, float]
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class TunedBaselines:
    """The result of `sbr tune-baselines`, as stored in the run's folder."""

    run: str
    split: str
    events: int
    """The number of targets on which each setting was scored."""

    metric: str
    options: dict[str, str]
    """The chosen options, by baseline, as given on the command line."""

    trials: tuple[Trial, ...]


def tune_baselines_of(
    workspace: Workspace, name: str | None, reporter: Reporter = SILENT
) -> TunedBaselines:
    """Tune the baselines of the named run, or of the latest, and report which one it is.

    Raises:
        ArtefactError: see `open_run` and `tune_baselines`.
    """
    run = open_run(workspace, name, reporter)
    tuning = tune_baselines(run, workspace, reporter)
    name_run(run, reporter)
    return tuning


def tune_baselines(run: Run, workspace: Workspace, reporter: Reporter = SILENT) -> TunedBaselines:
    """Tune the options of a run's baselines, and store them in its folder.

    Baselines are fitted to train and scored on valid. Options are chosen one after the other, with
    the best values of the earlier ones; among equals the first one tried is chosen, which is the
    default if it is among them.

    Args:
        run: the run.
        workspace: the work directory of its dataset.
        reporter: receives the number of settings tried.

    Raises:
        ArtefactError: the run's dataset is missing or damaged, or has no valid split, or the run
            was replaced in the meantime.
    """
    dataset = dataset_of(run, workspace)
    training = load_split(dataset.path, "train")
    valid = load_split(dataset.path, "valid").subsample(SUBSAMPLE_TARGETS)
    num_items = load_items(dataset.path).num_train_items
    trials: list[Trial] = []
    tuned = with_options()
    with reporter.progress(sum(map(count_trials, tuned)), "settings", "tune") as advance:
        for baseline in tuned:

            def judge(options: Options, baseline: Baseline = baseline) -> dict[str, float]:
                _, found = fit_and_validate(baseline, training, num_items, options, valid)
                advance(1)
                return found

            best, tried = search(baseline.options(), baseline.grid, judge)
            trials += [
                Trial(baseline.name, write_options(options), metrics, options == best)
                for options, metrics in tried.items()
            ]
    chosen = {trial.baseline: trial.options for trial in trials if trial.is_chosen}
    tuning = TunedBaselines(run.name, "valid", valid.num_targets, METRIC, chosen, tuple(trials))
    with workspace.adding_to(run):
        write_json(run.path / TUNED_FILE, asdict(tuning))
    return tuning


def search(
    default: Any,
    grid: Mapping[str, tuple[Any, ...]],
    judge: Callable[[Any], dict[str, float]],
) -> tuple[Any, dict[Any, dict[str, float]]]:
    """Choose one option after the other, with the best values of the earlier ones.

    Args:
        default: options to begin with; each of its values is in the grid.
        grid: values to try, by option.
        judge: returns the metrics of options.

    Returns:
        The best options, and the metrics of all options tried, in order.
    """
    best, tried = default, {default: judge(default)}
    for option, values in grid.items():
        for value in values:
            candidate = replace(best, **{option: value})
            if candidate not in tried:
                tried[candidate] = judge(candidate)
        best = max(tried, key=lambda options: tried[options][METRIC])
    return best, tried


def count_trials(baseline: Baseline) -> int:
    """Return the number of settings tried: the defaults, and the other values of each option."""
    return 1 + sum(len(values) - 1 for values in baseline.grid.values())
