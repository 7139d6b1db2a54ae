"""What a study of a baseline searches: its options, between the values of its grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.options import Options
from sbrcli.config.search_space import Space, grid_space, space_document, tunables
from sbrcli.config.training import FitConfig, differences
from sbrcli.errors import ConfigError
from sbrcli.evaluation.rank_metrics.registry import require_monitored
from sbrcli.models.baselines.options import parse_options, read_given, write_options
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.models.training.events import ignore_event
from sbrcli.workflow.train_baseline import BaselineJob, make_baseline_job
from sbrcli.workflow.tuning.settings import TrialEstimate

_DEFAULTS = FitConfig()


@dataclass(frozen=True, slots=True)
class BaselineSettings:
    """A dataset, a baseline, and the options that are the same in every trial."""

    dataset: Dataset
    model: str
    fixed: Mapping[str, Any]
    """The user's options of the baseline."""

    monitor: str = _DEFAULTS.monitor
    seed: int = _DEFAULTS.seed
    epochs: int = 1
    """A baseline is fitted in one pass."""

    def configure(self, options: Mapping[str, Any]) -> Options:
        """Return a trial's options; see `SearchSettings.configure`."""
        return find_baseline(self.model).options(**{**self.fixed, **options})

    def fit_together(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return drawn options as they are: all values of a baseline go together."""
        return dict(drawn)

    def space(self) -> Space:
        """Return the default space: all options with a grid, but those that are fixed."""
        return {name: one for name, one in own_space(self.model).items() if name not in self.fixed}

    def first_options(self, space: Space) -> list[dict[str, Any]]:
        """Return the settings to try first: the defaults."""
        base = self.configure({})
        return [{name: getattr(base, name) for name in space}]

    def document(self, space: Space) -> dict[str, Any]:
        """Return what identifies a study, as JSON; see `SearchSettings.document`."""
        base = differences(self.configure({}), find_baseline(self.model).options())
        others = {"monitor": self.monitor, "seed": self.seed}
        return {
            "dataset": {"name": self.dataset.name, "fingerprint": self.dataset.fingerprint},
            "model": self.model,
            "options": {name: value for name, value in base.items() if name not in space}
            | {n: value for n, value in others.items() if value != getattr(_DEFAULTS, n)},
            "space": space_document(space),
        }

    def make_job(self, workspace: Workspace, config: Options) -> BaselineJob:
        """Return the fitting of a configuration as a run."""
        text = write_options(config)
        return make_baseline_job(workspace, self.dataset.name, self.model, text, None)

    def train_words(self, config: Options, *, refit: bool) -> list[str]:  # noqa: ARG002
        """Return the words of the `sbr train` of a configuration."""
        other = differences(config, find_baseline(self.model).options())
        text = ",".join(
            part for part in write_options(config).split(",") if part.partition("=")[0] in other
        )
        words = ["sbr", "train", "--dataset", self.dataset.name, "--model", self.model]
        return [*words, f"--{self.model}", text] if text else words

    def estimate(self, workspace: Workspace, *, measure: bool) -> TrialEstimate:
        """Return what a trial takes; with `measure`, that of the defaults is fitted once."""
        from sbrcli.workflow.tuning.baseline_trial import BaselineRunner

        if not measure:
            return TrialEstimate(None, None)
        return BaselineRunner(workspace, self, ignore_event).measure()


def own_space(model: str) -> Space:
    """Return the space between the values of a baseline's grid."""
    baseline = find_baseline(model)
    return grid_space(baseline.options, baseline.grid)


def make_baseline_settings(
    dataset: Dataset, model: str, text: str, training: Mapping[str, Any]
) -> BaselineSettings:
    """Return the settings of a study.

    Args:
        dataset: to what the baseline is fitted, and on whose valid split it is judged.
        model: its name.
        text: its options that are fixed, as in "k=50,sample=500".
        training: the user's options of `sbr train`; `monitor` and `seed` are used.
    """
    fixed = check_fixed(model, text)
    given = {name: training[name] for name in ("monitor", "seed") if name in training}
    return BaselineSettings(dataset, model, fixed, **given)


def check_fixed(model: str, text: str, monitor: str = _DEFAULTS.monitor) -> dict[str, Any]:
    """Return the options of a baseline that a text fixes.

    Raises:
        ConfigError: the baseline has no options at all, one is unknown or out of bounds, or the
            metric is not monitored.
    """
    baseline = find_baseline(model)
    if not tunables(baseline.options):
        raise ConfigError(
            f"{model} has no options to tune", hint=f"fit it with: sbr train --model {model}"
        )
    require_monitored(monitor)
    parse_options(model, text, baseline.options())
    return read_given(model, text, baseline.options())
