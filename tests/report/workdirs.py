"""A work directory with a dataset and a run that `sbr report` takes, made in a moment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sbrcli.artefacts.manifests import read_manifest, write_json
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.workflow.evaluate import evaluate_run
from sbrcli.workflow.training_job import TrainingJob
from tests.builders import TrainConfig, make_run
from tests.chains import NUM_ITEMS, make_workspace

NAME = "user-1x4"


def make_epochs(number: int, *, valid: bool = True) -> list[dict[str, Any]]:
    """Make rows as `sbr train` keeps them: the loss falls from 4, mrr@20 rises from 0.1."""
    return [
        {
            "epoch": epoch,
            "loss": 4 / epoch,
            "seconds": 1.5,
            "events_per_second": 1000.25,
            "recall@20": 0.2 * epoch if valid else None,
            "mrr@20": 0.1 * epoch if valid else None,
            "ndcg@20": 0.15 * epoch if valid else None,
        }
        for epoch in range(1, number + 1)
    ]


def make_reported(
    folder: Path,
    *,
    titles: Sequence[str | None] | None = None,
    ids: Sequence[str] | None = None,
    epochs: int = 3,
    valid: bool = True,
    refit: int = 0,
    **config: Any,
) -> Workspace:
    """Write a dataset of a chain of 40 items, and a run on it with random weights.

    Args:
        folder: the work directory.
        titles: the items'.
        ids: of the run's items; those of the dataset unless given.
        epochs: how many were trained.
        valid: whether there is a valid split.
        refit: how many epochs were trained again on both; 0 is no refit.
        config: the run's options, where they are not the default.
    """
    workspace = make_workspace(folder, valid_days=20 if valid else 0)
    dataset = workspace.open("dataset")
    job = TrainingJob(dataset, TrainConfig(hsz=(4,), epochs=epochs, **config), NAME)
    run = make_run(
        folder,
        name=NAME,
        ids=ids or [str(item) for item in range(1, NUM_ITEMS + 1)],
        titles=titles,
        dataset=job.settings()["dataset"],
    )
    told = job.settings() | {
        "parameters": 4 * NUM_ITEMS,
        "epochs": make_epochs(epochs, valid=valid),
        "best_epoch": epochs,
        "refit": {"epochs": make_epochs(refit, valid=False)} if refit else None,
    }
    write_json(run / "manifest.json", read_manifest(run, "run") | told)
    return workspace


def make_evaluated(folder: Path, **options: Any) -> Workspace:
    """Write the same, items called Film 0 to Film 39, with all that `sbr evaluate` can keep."""
    titles = [f"Film {item}" for item in range(NUM_ITEMS)]
    workspace = make_reported(folder, **{"titles": titles} | options)
    config = EvaluateConfig(baselines=("popularity", "markov"), slices=True)
    evaluate_run(workspace.open("run"), workspace, config)
    return workspace


def change_manifest(path: Path, **changed: Any) -> None:
    """Put other values in a folder's manifest."""
    kind = "dataset" if path.parent.name == "datasets" else "run"
    write_json(path / "manifest.json", read_manifest(path, kind) | changed)
