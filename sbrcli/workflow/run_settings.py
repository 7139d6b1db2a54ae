"""What a run was begun to do, as its manifest says it."""

import json
from dataclasses import asdict
from typing import Any

from sbrcli.artefacts.artefact import Artefact
from sbrcli.config.training import TrainConfig
from sbrcli.errors import ArtefactError
from sbrcli.models.registry import family_name


def settings_of(run: Artefact) -> dict[str, Any]:
    """Read from a run's manifest what `TrainingJob.settings` wrote there.

    Raises:
        ArtefactError: it is not there.
    """
    try:
        # An option that came later than the run was at its default.
        config = plain_config(TrainConfig()) | run.manifest["config"]
        settings = {
            "model": family_name(run.manifest),
            "config": config,
            "dataset": run.manifest["dataset"],
        }
        parent = run.manifest.get("parent")
        return settings | ({} if parent is None else {"parent": parent})
    except (KeyError, TypeError) as error:
        raise lacks(run, error) from error


def plain_config(config: TrainConfig) -> dict[str, Any]:
    """Return a configuration as JSON reads it back."""
    return json.loads(json.dumps(asdict(config)))


def lacks(run: Artefact, error: Exception) -> ArtefactError:
    """Make the error that says what a run's manifest lacks."""
    return ArtefactError(
        f"the manifest of run {run.name} lacks {error}",
        hint="train the run again with --overwrite",
    )
