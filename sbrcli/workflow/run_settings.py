"""The settings of a run, as its manifest states them."""

import json
from dataclasses import asdict
from typing import Any

from sbrcli.artefacts.run import Run, Update
from sbrcli.config.options import Options
from sbrcli.config.training import FitConfig
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.models.configuration import config_class_of
from sbrcli.models.registry import BLEND, FAMILIES, is_baseline


def settings_of(run: Run) -> dict[str, Any]:
    """Return the settings that identify a training, as in `TrainingJob.settings`."""
    # An option newer than the run has its default.
    config = plain_config(usual_config(run)) | run.config
    settings = {"model": run.model, "config": config, "dataset": asdict(run.dataset)}
    settings |= {} if run.parent is None else {"parent": asdict(run.parent)}
    return settings | ({} if run.update is None else update_settings(run.update))


def update_settings(update: Update) -> dict[str, Any]:
    """Return what makes two updates the same one, beside their data."""
    return {"update": {"since": update.since, "replay": update.replay}}


def usual_config(run: Run) -> Options:
    """Return the defaults of a run's model; of an unknown one, those that every network has."""
    if is_baseline(run.model):
        return find_baseline(run.model).options()
    if run.model == BLEND:
        return Options()
    return config_class_of(run.model)() if run.model in FAMILIES else FitConfig()


def plain_config(config: Options) -> dict[str, Any]:
    """Return a configuration as read back from JSON."""
    return json.loads(json.dumps(asdict(config)))
