"""Choose the baselines' options on the valid split, so that what a model beats is at its best."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sbrcli.artefacts.manifests import write_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.options import Options
from sbrcli.dataset.storage import load_items, load_split
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import rank_targets
from sbrcli.models.baselines.baseline import Baseline
from sbrcli.models.baselines.options import write_options
from sbrcli.models.baselines.registry import with_options
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.evaluate import TUNED_FILE, dataset_of

METRIC = "mrr@20"

SUBSAMPLE_TARGETS = 10_000
"""Of a larger valid split, each setting is judged by sessions that hold this many."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting of a baseline's options, and its figures on valid."""

    baseline: str
    options: str
    metrics: dict[str, float]
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Tuning:
    """What `sbr tune-baselines` chose; stored in the run's folder."""

    run: str
    split: str
    events: int
    """Next items that each setting was judged by."""

    metric: str
    options: dict[str, str]
    """The options chosen, by baseline, as they are given on the command line."""

    trials: tuple[Trial, ...]


def tune_baselines(run: Run, workspace: Workspace, reporter: Reporter = SILENT) -> Tuning:
    """Choose options for a run's baselines, and write them into its folder.

    Baselines are fitted to train and judged on valid. Options are chosen one after the other, each
    at the best of those before it; of equals the first that was tried is chosen, which is the
    default where that is among them.

    Args:
        run: the run.
        workspace: where its dataset is.
        reporter: given how many settings have been tried.

    Raises:
        ArtefactError: the run's dataset is missing or damaged, or has no valid split; or the run
            has been replaced meanwhile.
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
                scorer = baseline.fit(training, num_items, options)
                found = metrics_at(rank_targets(scorer, valid).ranks, [20])
                advance(1)
                return found

            best, tried = search(baseline.options(), baseline.grid, judge)
            trials += [
                Trial(baseline.name, write_options(options), metrics, options == best)
                for options, metrics in tried.items()
            ]
    chosen = {trial.baseline: trial.options for trial in trials if trial.is_chosen}
    tuning = Tuning(run.name, "valid", valid.num_targets, METRIC, chosen, tuple(trials))
    with workspace.adding_to(run):
        write_json(run.path / TUNED_FILE, asdict(tuning))
    return tuning


def search(
    default: Any,
    grid: Mapping[str, tuple[Any, ...]],
    judge: Callable[[Any], dict[str, float]],
) -> tuple[Any, dict[Any, dict[str, float]]]:
    """Choose one option after the other, each at the best of those before it.

    Args:
        default: options to begin with; each of its values is in the grid.
        grid: values to try, by option.
        judge: gives the figures of options.

    Returns:
        The best options, and the figures of all that were tried, in that order.
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
    """Return how many settings are tried: the default, and the other values of each option."""
    return 1 + sum(len(values) - 1 for values in baseline.grid.values())
