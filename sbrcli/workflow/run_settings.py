"""The settings of a run, as its manifest states them."""

import json
from dataclasses import asdict
from typing import Any

from sbrcli.artefacts.run import Run
from sbrcli.config.training import TrainConfig


def settings_of(run: Run) -> dict[str, Any]:
    """Return what makes two trainings the same one, as `TrainingJob.settings` writes it."""
    # An option newer than the run has its default.
    config = plain_config(TrainConfig()) | run.config
    settings = {"model": run.model, "config": config, "dataset": asdict(run.dataset)}
    return settings | ({} if run.parent is None else {"parent": asdict(run.parent)})


def plain_config(config: TrainConfig) -> dict[str, Any]:
    """Return a configuration as JSON reads it back."""
    return json.loads(json.dumps(asdict(config)))
