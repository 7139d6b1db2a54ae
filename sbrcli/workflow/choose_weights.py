"""Choose the weights of a blend of runs on the valid split."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.run import Run
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ConfigError, DataError
from sbrcli.evaluation.calibration import find_scale, gives_log_probabilities
from sbrcli.evaluation.metrics import metrics_at
from sbrcli.evaluation.ranks import drop_unknown
from sbrcli.evaluation.weight_search import (
    K,
    Weights,
    equal_weights,
    make_judge,
    search_weights,
    standard_error,
)
from sbrcli.models.blend.members import Member
from sbrcli.models.loading import load_member
from sbrcli.reporter import Reporter
from sbrcli.sessions import Sessions

# A larger valid split is subsampled to this many targets.
_SUBSAMPLE_TARGETS = 30_000


@dataclass(frozen=True, slots=True)
class Trial:
    """Weights that were tried, and their metrics on valid."""

    weights: Weights
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True)
class Choice:
    """The members of a blend and their weights, and what they were chosen from."""

    members: tuple[Member, ...]
    weights: Weights
    trials: tuple[Trial, ...] = ()
    events: int = 0
    """The number of targets on which the weights were tried."""

    best_alone: int = 0
    """The place of the member that is best alone."""

    gain: float = 0.0
    """What mrr@20 gains over that member, on the same targets."""

    standard_error: float | None = None
    """Of the gain; None if it is unknown, with a single session."""

    def to_document(self) -> dict[str, Any] | None:
        """Return how the weights were chosen, for the manifest; None if they were not."""
        if not self.trials:
            return None
        return {
            "metric": f"mrr@{K}",
            "events": self.events,
            "best_alone": self.best_alone,
            "gain": self.gain,
            "standard_error": self.standard_error,
            "trials": [
                {"weights": list(trial.weights), "metrics": trial.metrics} for trial in self.trials
            ],
        }


def load_valid(runs: Sequence[Run], dataset: Dataset) -> Sessions | None:
    """Read the valid split; None if there is none, or a run was trained on it."""
    if dataset.splits.get("valid") is None or any(run.is_refitted for run in runs):
        return None
    return load_split(dataset.path, "valid")


def choose_weights(
    runs: Sequence[Run], dataset: Dataset, reporter: Reporter, *, is_equal: bool
) -> Choice:
    """Choose the weights of runs by mrr@20 on valid, or make them equal.

    Args:
        runs: runs of the dataset, of the same items.
        dataset: what they were trained on.
        reporter: receives the number of targets scored.
        is_equal: whether the weights are equal.

    Raises:
        ArtefactError: a run or the dataset is damaged.
        ConfigError: there is no valid split to choose by, and the weights shall not be equal.
        DataError: the runs know no target of valid.
    """
    valid = load_valid(runs, dataset)
    if valid is None and not is_equal:
        raise _nothing_to_choose_by(runs, dataset)
    members = [load_member(run.path) for run in runs]
    # Without a valid split, the scale is found on sessions that the network has learned.
    known = valid if valid is not None else load_split(dataset.path, "train")
    judges, _ = drop_unknown(known, members[0].scorer.num_items)
    if not judges.num_targets:
        raise DataError(
            "the runs know no next item of the valid split, on which the weights of a blend are "
            "chosen",
            hint="--equal gives all runs the same weight",
        )
    judges = judges.subsample(_SUBSAMPLE_TARGETS)
    members = [
        member
        if member.scale is None or gives_log_probabilities(run)
        else replace(member, scale=find_scale(member.scorer, judges))
        for run, member in zip(runs, members, strict=True)
    ]
    if is_equal:
        return Choice(tuple(members), equal_weights(len(members)))
    return _search(members, judges, reporter)


def _search(members: Sequence[Member], judges: Sessions, reporter: Reporter) -> Choice:
    tried = search_weights(len(members), make_judge(members, judges, reporter))
    best = max(tried.values(), key=lambda one: one.mrr)
    alone = [
        tried[tuple(float(place == own) for place in range(len(members)))]
        for own in range(len(members))
    ]
    best_alone = max(range(len(members)), key=lambda place: alone[place].mrr)
    return Choice(
        tuple(members),
        best.weights,
        tuple(Trial(one.weights, metrics_at(one.ranks, [K])) for one in tried.values()),
        judges.num_targets,
        best_alone,
        best.mrr - alone[best_alone].mrr,
        standard_error(judges, best, alone[best_alone]),
    )


def _nothing_to_choose_by(runs: Sequence[Run], dataset: Dataset) -> ConfigError:
    refitted = next((run.name for run in runs if run.is_refitted), None)
    what = (
        f"dataset {dataset.name} has no valid split, on which the weights of a blend are chosen"
        if refitted is None
        else f"run {refitted} was trained on the valid split too (--refit), on which the weights "
        "of a blend are chosen"
    )
    return ConfigError(what, hint="--equal gives all runs the same weight")
