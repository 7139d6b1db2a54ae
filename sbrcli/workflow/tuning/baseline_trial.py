"""Fit the trials of a study of a baseline, in memory and in this process."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.options import Options
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ConfigError
from sbrcli.evaluation.validation import validate
from sbrcli.models.baselines.baseline import Baseline
from sbrcli.models.baselines.fitted import FittedBaseline
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.models.training.events import OnEvent, StopTraining, TargetsRanked, ValidationStarted
from sbrcli.reporter import Advance, ignore_progress
from sbrcli.sessions import Sessions
from sbrcli.workflow.tuning.settings import SearchSettings, TrialEstimate
from sbrcli.workflow.tuning.trial import Outcome


def fit_and_validate(
    baseline: Baseline,
    training: Sessions,
    num_items: int,
    options: Options,
    valid: Sessions,
    advance: Advance = ignore_progress,
) -> tuple[FittedBaseline, dict[str, float]]:
    """Fit a baseline, and return it with every metric at 20 over the targets of valid.

    Args:
        baseline: the baseline.
        training: the sessions to fit, every item index below `num_items`.
        num_items: how many items are scored.
        options: its options.
        valid: the sessions whose targets are ranked.
        advance: called with the number of targets just ranked.
    """
    fitted = baseline.fit(training, num_items, options)
    return fitted, validate(fitted, valid, advance)


class BaselineRunner:
    """Fits the trials of a study on its dataset; reads its train and valid splits alone."""

    def __init__(self, workspace: Workspace, settings: SearchSettings, on_event: OnEvent) -> None:  # noqa: ARG002
        """Read the data.

        Raises:
            ArtefactError: the dataset is damaged.
        """
        self.settings, self.on_event = settings, on_event
        path = settings.dataset.path
        self.training, self.valid = load_split(path, "train"), load_split(path, "valid")

    def run(
        self,
        options: Mapping[str, Any],
        should_prune: Callable[[int, float], bool],  # noqa: ARG002  there are no epochs
        should_stop: Callable[[], bool],
    ) -> Outcome:
        """Fit a trial and rank the targets of valid, unless it is stopped; see `Runner.run`."""
        began = time.monotonic()

        def advance(done: int, /, **_figures: object) -> None:
            self.on_event(TargetsRanked(num_targets=done))
            if should_stop():
                raise StopTraining

        self.on_event(ValidationStarted(epoch=1, epochs=1, num_targets=self.valid.num_targets))
        try:
            _, metrics = self._fit(self.settings.configure(options), advance)
        except StopTraining:
            return Outcome(None, None, {})
        except ConfigError as error:
            facts: dict[str, object] = {"seconds": _since(began), "epochs": 0, "error": str(error)}
            return Outcome("failed", None, facts)
        facts = {"seconds": _since(began), "epochs": 1, "error": None}
        facts |= {"best_epoch": 1, "metrics": metrics}
        return Outcome("complete", metrics[self.settings.monitor], facts)

    def measure(self) -> TrialEstimate:
        """Return the time of a trial of the defaults, and the memory of its model."""
        began = time.monotonic()
        fitted, _ = self._fit(self.settings.configure({}), ignore_progress)
        return TrialEstimate(fitted.memory_bytes, _since(began))

    def close(self) -> None:
        """Free nothing: the model of each trial is free already."""

    def _fit(self, config: Options, advance: Advance) -> tuple[FittedBaseline, dict[str, float]]:
        baseline, num_items = find_baseline(self.settings.model), self.settings.dataset.train.items
        return fit_and_validate(baseline, self.training, num_items, config, self.valid, advance)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
