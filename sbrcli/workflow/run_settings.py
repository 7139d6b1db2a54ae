"""The settings of a run, as its manifest states them."""

import json
from dataclasses import asdict
from typing import Any

from sbrcli.artefacts.run import Run, Update
from sbrcli.config.options import Options, declared_options
from sbrcli.config.training import FitConfig
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.models.configuration import config_class_of
from sbrcli.models.registry import BLEND, FAMILIES, is_baseline


def settings_of(run: Run) -> dict[str, Any]:
    """Return the settings that identify a training, as in `TrainingJob.settings`."""
    config = plain_config(usual_config(run)) | run.config
    settings = {"model": run.model, "config": config, "dataset": asdict(run.dataset)}
    settings |= {} if run.parent is None else {"parent": asdict(run.parent)}
    return settings | ({} if run.update is None else update_settings(run.update))


def update_settings(update: Update) -> dict[str, Any]:
    """Return what makes two updates the same one, beside their data."""
    return {"update": {"since": update.since, "replay": update.replay}}


def usual_config(run: Run) -> Options:
    """Return the values of the options that a run's manifest leaves out, being older than they are.

    Of an unknown model, these are the options that every network has.
    """
    if is_baseline(run.model):
        return find_baseline(run.model).options()
    if run.model == BLEND:
        return Options()
    config_class = config_class_of(run.model) if run.model in FAMILIES else FitConfig
    declared = declared_options(config_class)
    return config_class(
        **{field.name: one.before for field, one in declared if one.before is not None}
    )


def plain_config(config: Options) -> dict[str, Any]:
    """Return a configuration as read back from JSON."""
    return json.loads(json.dumps(asdict(config)))
