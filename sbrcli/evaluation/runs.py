"""Evaluate a run on the dataset that it was trained on, and keep the figures in its folder."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

from sbrcli.config import EvaluateConfig
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ArtefactError
from sbrcli.evaluation.evaluate import Evaluation, evaluate
from sbrcli.manifests import read_json, write_json
from sbrcli.models.gru4rec.inference import load_gru
from sbrcli.workspace import Folder, Workspace

EVALUATION_FILE = "evaluation.json"

Progress = Callable[[int], AbstractContextManager[Callable[[int], None]]]
"""Given the number of next items, shows how many are done."""


def evaluate_run(
    run: Folder, workspace: Workspace, config: EvaluateConfig, progress: Progress
) -> Evaluation:
    """Evaluate a run; its `evaluation.json` keeps the last figures of each way to evaluate it.

    Raises:
        ArtefactError: the run or its dataset is missing, damaged, or they no longer belong
            together.
        DataError: nothing of the split can be scored.
    """
    dataset = dataset_of(run, workspace)
    sessions = load_split(dataset.path, config.split)
    scorer = load_gru(run.path, config.batch_size)
    with progress(sessions.num_next_items) as advance:
        evaluation = evaluate(
            scorer, sessions, config, run=run.name, dataset=dataset.name, advance=advance
        )
    _keep(run, config, evaluation)
    return evaluation


def dataset_of(run: Folder, workspace: Workspace) -> Folder:
    """Open the dataset that a run was trained on.

    Raises:
        ArtefactError: it is missing, or another has taken its name since.
    """
    trained_on = run.manifest.get("dataset")
    if not isinstance(trained_on, dict) or not isinstance(trained_on.get("name"), str):
        raise ArtefactError(
            f"{run.path} is damaged: its manifest names no dataset",
            hint="train the run again with --overwrite",
        )
    dataset = workspace.open("dataset", trained_on["name"])
    if dataset.manifest.get("fingerprint") != trained_on.get("fingerprint"):
        raise ArtefactError(
            f"dataset {dataset.name} has changed since run {run.name} was trained on it",
            hint="train the run again with --overwrite, or prepare the dataset as it was",
        )
    return dataset


def _keep(run: Folder, config: EvaluateConfig, evaluation: Evaluation) -> None:
    path = run.path / EVALUATION_FILE
    kept: Any = read_json(path) if path.exists() else {}
    if not isinstance(kept, dict):
        kept = {}
    write_json(path, kept | {_way(config): asdict(evaluation)})


def _way(config: EvaluateConfig) -> str:
    """Name a way to evaluate, as in "test exclude-seen"."""
    words = [config.split]
    words += ["exclude-seen"] if config.exclude_seen else []
    words += ["notebook-coverage"] if config.notebook_coverage else []
    return " ".join(words)
