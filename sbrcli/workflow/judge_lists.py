"""The warning of `sbr train` about a model that answers every session alike."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from sbrcli.evaluation.list_variety import LIST_LENGTH, measure_variety
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights
from sbrcli.reporter import Reporter
from sbrcli.sessions import Sessions
from sbrcli.workflow.training_data import TrainingData
from sbrcli.workflow.training_job import TrainingJob


def judge_lists(
    job: TrainingJob, folder: Path, data: TrainingData, valid: Sessions | None, reporter: Reporter
) -> dict[str, Any] | None:
    """Measure the top lists of a run's best epoch on valid; warn if they are near popularity's.

    Args:
        job: what was trained.
        folder: the run, whose weights are those of its best epoch.
        data: what it was trained on.
        valid: the valid split; None if the dataset has none.
        reporter: takes the warning.

    Returns:
        The entry of the manifest, see `ListVariety`; None if there is too little to judge by.
    """
    if valid is None:
        return None
    weights = load_weights(folder / WEIGHTS_FILE, data.shape)
    variety = measure_variety(job.family.make_scorer(data.shape, weights), valid, data.train_count)
    if variety is None:
        return None
    if variety.is_near_popularity:
        reporter.warn(
            "the model is near popularity: of the top lists on valid, "
            f"{_percent(variety.distinct_share)} are distinct, "
            f"{_percent(variety.popular_share)} of what they hold are the {LIST_LENGTH} most "
            f"popular items, and they cover {_percent(variety.coverage)} of all items; try more "
            "--epochs, another --learning-rate, more --hsz or less --dropout"
        )
    return asdict(variety)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
