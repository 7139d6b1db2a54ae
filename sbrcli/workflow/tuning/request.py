"""What `sbr tune` is asked for, and the training of the best trial as a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.tuning import TuneConfig
from sbrcli.errors import ConfigError
from sbrcli.models.configuration import configure_training
from sbrcli.models.registry import DEFAULT_FAMILY
from sbrcli.workflow.training_job import TrainingJob, make_job
from sbrcli.workflow.tuning.result import TuneResult
from sbrcli.workflow.tuning.settings import SESSION, TuneSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneRequest:
    """What `sbr tune` is asked for."""

    dataset: str | None
    explicit: Mapping[str, Any]
    """Options of `sbr train` that are fixed; None for those not given."""

    searches: tuple[str, ...] = ()
    """The texts of `--search`."""

    config: TuneConfig = field(default_factory=TuneConfig)
    preset: str | None = None
    model: str | None = None
    name: str | None = None
    overwrite: bool = False
    measure: bool = False
    """Time a few steps for the estimate of a plan."""

    @property
    def fixed(self) -> dict[str, Any]:
        """The options that are fixed, with their values."""
        return {name: value for name, value in self.explicit.items() if value is not None}


def make_settings(workspace: Workspace, request: TuneRequest) -> TuneSettings:
    """Return the dataset and the fixed options of a request.

    Raises:
        ArtefactError: there is no such dataset.
        ConfigError: there is no such family or preset, or the dataset has no valid split.
    """
    model = request.model or DEFAULT_FAMILY
    configure_training(
        request.explicit, request.preset, model=model
    )  # before any artefact is looked for
    dataset = workspace.open("dataset", request.dataset)
    if dataset.splits.get("valid") is None:
        raise ConfigError(
            f"tuning needs a valid split, and dataset {dataset.name} has none",
            hint="prepare it with one: sbr preprocess LOG --valid-share 0.1",
        )
    return TuneSettings(dataset, model, request.fixed, request.preset)


def make_best_job(workspace: Workspace, request: TuneRequest, result: TuneResult) -> TrainingJob:
    """Return the job of training the best trial as a run, as `TuneResult.command` does.

    Raises:
        ArtefactError: the dataset is missing, or keeps nothing for a refit.
    """
    assert result.best is not None
    dataset = workspace.open("dataset", result.best.dataset or result.dataset)
    settings = TuneSettings(dataset, result.model, request.fixed, request.preset)
    options = {n: value for n, value in result.best.options.items() if n != SESSION}
    config = replace(settings.configure(options), refit=bool(request.fixed.get("refit")))
    return make_job(workspace, dataset.name, config, None, model=result.model)
