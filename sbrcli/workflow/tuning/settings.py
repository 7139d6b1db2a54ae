"""What a study searches and what stays fixed: turn a command's options into configurations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.options import Options
from sbrcli.config.search_space import (
    Space,
    Tunable,
    default_space,
    space_document,
    tunables,
)
from sbrcli.config.training import FitConfig, differences
from sbrcli.models.configuration import config_class_of, configure_training
from sbrcli.models.registry import find_family
from sbrcli.workflow.training_estimate import estimate_training
from sbrcli.workflow.training_job import TrainingJob, has_short_sessions, make_job
from sbrcli.workflow.tuning.command import train_words

SESSION = "session"
"""The option of `sbr preprocess` that a grid may vary."""


@dataclass(frozen=True, slots=True)
class TrialEstimate:
    """Memory and time of one trial; None where unknown."""

    memory_bytes: int | None
    seconds: float | None


class SearchSettings(Protocol):
    """A dataset, a model, and the options that are the same in every trial."""

    @property
    def dataset(self) -> Dataset:
        """The dataset whose train and valid splits are read."""
        ...

    @property
    def model(self) -> str:
        """The name of a family of networks, or of a baseline."""
        ...

    @property
    def monitor(self) -> str:
        """The metric on valid that is searched for."""
        ...

    @property
    def seed(self) -> int:
        """The seed of the trials' options."""
        ...

    @property
    def epochs(self) -> int:
        """The most epochs of a trial."""
        ...

    @property
    def fixed(self) -> Mapping[str, Any]:
        """The user's options by their names in Python."""
        ...

    def configure(self, options: Mapping[str, Any]) -> Options:
        """Return a trial's configuration.

        Args:
            options: the searched ones, as `search_space.written` returns them or as they are.

        Raises:
            ConfigError: options do not go together.
        """
        ...

    def fit_together(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return drawn options, moved to values that go with each other and with the fixed ones."""
        ...

    def space(self) -> Space:
        """Return what is searched unless the user says otherwise."""
        ...

    def first_options(self, space: Space) -> list[dict[str, Any]]:
        """Return the settings to try first."""
        ...

    def document(self, space: Space) -> dict[str, Any]:
        """Return what identifies a study, as JSON.

        Options at their defaults are left out, so that a later version of sbr with more options
        continues the study.
        """
        ...

    def train_words(self, config: Any, *, refit: bool) -> list[str]:
        """Return the words of the `sbr train` of a configuration."""
        ...

    def make_job(self, workspace: Workspace, config: Any) -> Any:
        """Return the training of a configuration as a run."""
        ...

    def estimate(self, workspace: Workspace, *, measure: bool) -> TrialEstimate:
        """Return what a trial of the defaults takes."""
        ...


@dataclass(frozen=True, slots=True)
class TuneSettings:
    """A dataset, a family of networks, and the options that are the same in every trial."""

    dataset: Dataset
    model: str
    fixed: Mapping[str, Any]
    """The user's options by their names in Python, without None."""

    preset: str | None = None

    @property
    def base(self) -> FitConfig:
        """The configuration whose searched options are still at their defaults."""
        return self.configure({})

    @property
    def monitor(self) -> str:
        """The metric on valid that is searched for."""
        return self.base.monitor

    @property
    def seed(self) -> int:
        """The seed of the networks, and of the trials' options."""
        return self.base.seed

    @property
    def epochs(self) -> int:
        """The most epochs of a trial."""
        return self.base.epochs

    def configure(self, options: Mapping[str, Any]) -> FitConfig:
        """Return a trial's configuration; see `SearchSettings.configure`."""
        known = tunables(config_class_of(self.model))
        read = {name: _as_field(known[name], value) for name, value in options.items()}
        is_short = has_short_sessions(self.dataset)
        config = configure_training(
            {**self.fixed, **read}, self.preset, short_sessions=is_short, model=self.model
        )
        return replace(config, refit=False)

    def fit_together(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return drawn options, moved to fit; see `SearchSettings.fit_together`."""
        fitted = config_class_of(self.model).fit_together({**self.fixed, **drawn})
        return {name: fitted[name] for name in drawn}

    def job_of(self, config: FitConfig, name: str = "trial") -> TrainingJob:
        """Return the training of a configuration; in a trial, its name is never used."""
        return TrainingJob(self.dataset, config, name, model=self.model)

    def space(self) -> Space:
        """Return the ranges of all options that declare one, are not fixed, and have an effect."""
        return default_space(self.base, self.fixed, self.dataset.train.items)

    def first_options(self, space: Space) -> list[dict[str, Any]]:
        """Return the settings to try first: the defaults, then the preset `best` of this space."""
        base = self.base
        idle = base.without_effect(self.dataset.train.items)
        usual = {name: getattr(base, name) for name in space if name not in idle}
        best = {
            name: value
            for name, value in find_family(self.model).presets.get("best", {}).items()
            if name in usual
        }
        is_other = any(usual[name] != value for name, value in best.items())
        return [usual, usual | best] if is_other and self.preset is None else [usual]

    def document(self, space: Space) -> dict[str, Any]:
        """Return what identifies a study, as JSON; see `SearchSettings.document`."""
        base = differences(self.base, type(self.base)())
        return {
            "dataset": {"name": self.dataset.name, "fingerprint": self.dataset.fingerprint},
            "model": find_family(self.model).name,
            "options": {n: _listed(value) for n, value in base.items() if n not in space},
            "space": space_document(space),
        }

    def train_words(self, config: FitConfig, *, refit: bool) -> list[str]:
        """Return the words of the `sbr train` of a configuration."""
        return train_words(self.dataset, self.model, config, refit=refit)

    def make_job(self, workspace: Workspace, config: FitConfig) -> TrainingJob:
        """Return the training of a configuration as a run."""
        return make_job(workspace, self.dataset.name, config, None, model=self.model)

    def estimate(self, workspace: Workspace, *, measure: bool) -> TrialEstimate:
        """Return what a trial of the defaults takes; with `measure`, a few steps are timed."""
        found = estimate_training(workspace, self.job_of(self.base), measure=measure)
        return TrialEstimate(found.memory_bytes, found.seconds)


def _listed(value: Any) -> Any:
    """Return a value as JSON reads it back."""
    return list(value) if isinstance(value, tuple) else value


def _as_field(tunable: Tunable, value: Any) -> Any:
    """Return an option's value as its field holds it, from a value in JSON."""
    if tunable.is_sizes and isinstance(value, (int, str)):
        return tunable.read(str(value))
    return value


def describe_space(space: Space) -> dict[str, str]:
    """Return each searched option with its range or choices in words."""
    return {name: str(dimension) for name, dimension in space.items()}
