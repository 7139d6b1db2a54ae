"""What `sbr tune` is asked for, and the training of the best trial as a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.options import Options
from sbrcli.config.training import FitConfig
from sbrcli.config.tuning import TuneConfig
from sbrcli.errors import ConfigError
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.models.configuration import config_class_of, configure_training
from sbrcli.models.registry import DEFAULT_FAMILY, is_baseline
from sbrcli.models.training.events import OnEvent
from sbrcli.workflow.train_baseline import BaselineJob
from sbrcli.workflow.train_request import run_job
from sbrcli.workflow.train_result import TrainResult
from sbrcli.workflow.training_job import TrainingJob
from sbrcli.workflow.tuning.baseline_settings import check_fixed, make_baseline_settings
from sbrcli.workflow.tuning.result import TuneResult
from sbrcli.workflow.tuning.settings import SESSION, SearchSettings, TuneSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneRequest:
    """What `sbr tune` is asked for."""

    dataset: str | None
    explicit: Mapping[str, Any]
    """Options of `sbr train` that are fixed; None for those not given."""

    searches: tuple[str, ...] = ()
    """The texts of `--search`."""

    config: TuneConfig = field(default_factory=TuneConfig)
    baselines: Mapping[str, str] = field(default_factory=dict)
    """The fixed options of a baseline, as in "k=50,sample=500", by its name."""

    preset: str | None = None
    model: str | None = None
    name: str | None = None
    overwrite: bool = False
    measure: bool = False
    """Time a few steps for the estimate of a plan."""

    @property
    def fixed(self) -> dict[str, Any]:
        """The options of `sbr train` that are fixed, with their values."""
        return {name: value for name, value in self.explicit.items() if value is not None}


def options_class_of(model: str) -> type[Options]:
    """Return the class of the options that are searched for a model.

    Raises:
        OptionError: there is no such model.
    """
    return find_baseline(model).options if is_baseline(model) else config_class_of(model)


def flag_of(model: str, name: str) -> str:
    """Return how the command line fixes an option of a model, as in "--stan k=…"."""
    return f"--{model} {name}=…" if is_baseline(model) else f"--{name.replace('_', '-')}"


def make_settings(workspace: Workspace, request: TuneRequest) -> SearchSettings:
    """Return the dataset and the fixed options of a request.

    Raises:
        ArtefactError: there is no such dataset.
        ConfigError: there is no such model or preset, the dataset has no valid split, or the model
            is a baseline without options.
    """
    model = request.model or DEFAULT_FAMILY
    text = request.baselines.get(model, "")
    # Wrong options are found before any artefact is looked for.
    if is_baseline(model):
        check_fixed(model, text, request.fixed.get("monitor", "mrr@20"))
    else:
        configure_training(request.explicit, request.preset, model=model)
    dataset = workspace.open("dataset", request.dataset)
    if dataset.splits.get("valid") is None:
        raise ConfigError(
            f"tuning needs a valid split, and dataset {dataset.name} has none",
            hint="prepare it with one: sbr preprocess LOG --valid-share 0.1",
        )
    return settings_on(dataset, request)


def settings_on(dataset: Dataset, request: TuneRequest) -> SearchSettings:
    """Return the fixed options of a request, with a dataset."""
    model = request.model or DEFAULT_FAMILY
    if is_baseline(model):
        text = request.baselines.get(model, "")
        return make_baseline_settings(dataset, model, text, request.fixed)
    return TuneSettings(dataset, model, request.fixed, request.preset)


def train_best(
    workspace: Workspace, request: TuneRequest, result: TuneResult, on_event: OnEvent
) -> TrainResult:
    """Train the best trial as a run.

    Raises:
        ArtefactError, ConfigError, TrainingError: see `make_best_job` and `run_job`.
    """
    return run_job(workspace, make_best_job(workspace, request, result), on_event)


def make_best_job(
    workspace: Workspace, request: TuneRequest, result: TuneResult
) -> TrainingJob | BaselineJob:
    """Return the job of training the best trial as a run, as `TuneResult.command` does.

    Raises:
        ArtefactError: the dataset is missing, or keeps nothing for a refit.
    """
    assert result.best is not None
    dataset = workspace.open("dataset", result.best.dataset or result.dataset)
    settings = settings_on(dataset, request)
    options = {n: value for n, value in result.best.options.items() if n != SESSION}
    config = settings.configure(options)
    if isinstance(config, FitConfig):
        config = replace(config, refit=bool(request.fixed.get("refit")))
    return settings.make_job(workspace, config)
