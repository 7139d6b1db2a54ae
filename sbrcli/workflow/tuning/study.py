"""A study in Optuna: proposes options (TPE), prunes bad trials, and stores every trial.

The tree-structured Parzen estimator is that of Bergstra et al. (2011, NeurIPS 24, section 4). A
trial is pruned if its best epoch so far is worse than the median of the earlier trials at the same
epoch. Only this module imports Optuna.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from sbrcli.config.options import Options
from sbrcli.config.search_space import Choices, Dimension, Range, Space, written
from sbrcli.errors import ConfigError
from sbrcli.workflow.tuning.result import State, Trial
from sbrcli.workflow.tuning.study_folder import FileLock, StudyFolder

_STATES: dict[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}
_RANDOM_TRIALS = 8
"""Trials before the estimator is used; the first ones are drawn at random."""

Configure = Callable[[Mapping[str, Any]], Options]
FitTogether = Callable[[Mapping[str, Any]], dict[str, Any]]

_TRIALS_BEFORE_PRUNING = 4
_EPOCHS_BEFORE_PRUNING = 2

_OUTSIDE = "outside"
"""An attribute of a trial whose options lie outside the space: these options."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A trial that this process is to train."""

    handle: Any
    """Optuna's trial."""

    options: dict[str, Any]
    """The values of the searched options."""

    same_as: Trial | None = None
    """A complete trial of the same options, whose figures are also this one's."""


class Study:
    """The trials of a study, shared with the other processes that work on it."""

    def __init__(self, folder: StudyFolder, space: Space, seed: int, worker: str) -> None:
        """Open a study whose folder exists.

        Raises:
            ArtefactError: its journal is damaged.
        """
        self.folder, self.space, self.seed, self.worker = folder, space, seed, worker
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        warnings.filterwarnings("ignore", module="optuna")
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        with self.folder.locked(), self._reading():
            folder.mend_journal()
            lock = FileLock(folder.path / ".journal.lock")
            backend = JournalFileBackend(str(folder.journal), lock_obj=cast(Any, lock))
            self._study = optuna.create_study(
                storage=JournalStorage(backend),
                study_name="study",
                direction="maximize",
                load_if_exists=True,
                pruner=MedianPruner(_TRIALS_BEFORE_PRUNING, _EPOCHS_BEFORE_PRUNING),
            )

    def enqueue_first(self, *settings: dict[str, Any]) -> None:
        """Plan the first trials of a study that has none: the defaults, and known good settings.

        Args:
            settings: values of the searched options. Settings outside the space are tried as they
                are, and do not inform the estimator.
        """
        with self.folder.locked():
            if self._study.get_trials(deepcopy=False):
                return
            for options in settings:
                given = {name: written(value) for name, value in options.items()}
                is_within = all(_holds(self.space[name], value) for name, value in given.items())
                if is_within:
                    self._study.enqueue_trial(given)
                else:
                    self._study.enqueue_trial({}, {_OUTSIDE: given})

    def take_up_killed(self) -> int:
        """Enqueue the trials of killed processes again; return how many."""
        with self.folder.locked():
            running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            killed = [t for t in running if not self.folder.is_working(t.user_attrs.get("worker"))]
            for trial in killed:
                self._plan_again(trial)
            return len(killed)

    def propose(
        self, configure: Configure, num_items: int, most: int, fit_together: FitTogether = dict
    ) -> Proposal | None:
        """Return the next trial; None if the study has enough.

        Args:
            configure: returns the configuration of a trial's options.
            num_items: the number of items that are scored.
            most: the maximum number of trials of all processes together.
            fit_together: returns drawn options, moved to values that go with each other.
        """
        with self.folder.locked():
            begun = len(self.trials())
            if begun >= most:
                return None
            # Seeded by the trial's number, so that a study that was interrupted continues as it
            # would have gone on.
            seed = int(np.random.SeedSequence([self.seed, begun]).generate_state(1)[0])
            self._study.sampler = TPESampler(
                seed=seed, n_startup_trials=_RANDOM_TRIALS, multivariate=True, constant_liar=True
            )
            handle = self._study.ask()
            handle.set_user_attr("worker", self.worker)
            drawn = handle.user_attrs.get(_OUTSIDE)
            if drawn is None:
                drawn = fit_together(self._draw(handle, configure, num_items))
            options = {name: written(value) for name, value in drawn.items()}
            handle.set_user_attr("options", options)
            complete = [one for one in self.trials() if one.state == "complete"]
            same = next((one for one in complete if one.options == options), None)
            return Proposal(handle, options, same)

    def _draw(self, handle: Any, configure: Configure, num_items: int) -> dict[str, Any]:
        """Draw a value of each searched option that has an effect, choices first."""
        options: dict[str, Any] = {}
        in_order = sorted(self.space, key=lambda name: isinstance(self.space[name], Range))
        for name in in_order:
            if name not in _without_effect(configure, options, num_items):
                options[name] = _suggest(handle, name, self.space[name])
        return options

    def should_prune(self, proposal: Proposal, epoch: int, value: float) -> bool:
        """Store the best value of a trial so far; return whether it should end."""
        proposal.handle.report(value, epoch)
        return proposal.handle.should_prune()

    def end(self, proposal: Proposal, state: State, value: float | None, **facts: Any) -> None:
        """Store how a trial ended.

        Args:
            proposal: the trial.
            state: complete, pruned or failed.
            value: the metric that is searched for; of a complete trial alone.
            facts: entries of the `Trial`.
        """
        of_state = {word: one for one, word in _STATES.items()}[state]
        for name, fact in facts.items():
            proposal.handle.set_user_attr(name, fact)
        self._study.tell(proposal.handle, value if state == "complete" else None, of_state)
        with self.folder.locked():
            self.folder.write_summary(self._summary())

    def give_back(self, proposal: Proposal) -> None:
        """Enqueue an interrupted trial again."""
        with self.folder.locked():
            trials = self._study.get_trials(deepcopy=False)
            self._plan_again(trials[proposal.handle.number])

    def trials(self) -> list[Trial]:
        """Return the trials that were begun, in their order; interrupted ones are left out."""
        found = filter(_is_counted, self._study.get_trials(deepcopy=False))
        return [_to_trial(number, one) for number, one in enumerate(found, 1)]

    def trial_of(self, proposal: Proposal) -> Trial:
        """Return the current state of a trial of this process."""
        trials = self._study.get_trials(deepcopy=False)
        before = [t for t in trials[: proposal.handle.number] if _is_counted(t)]
        return _to_trial(len(before) + 1, trials[proposal.handle.number])

    def _summary(self) -> dict[str, Any]:
        """Return what `sbr runs` lists of the trials."""
        states = [one.state for one in self.trials()]
        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        best = max(complete, key=lambda one: one.values[0], default=None)
        metrics = best.user_attrs.get("metrics") or {} if best else {}
        return {
            "trials": len(states) - states.count("running"),
            "complete": len(complete),
            "best_mrr": metrics.get("mrr@20"),
        }

    def importance(self) -> dict[str, float]:
        """Return how much of the variation each option explains (PED-ANOVA, arXiv 2304.10255).

        Returns:
            Shares that sum to 1, the greatest first; empty with too few different trials.
        """
        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len(complete) < _RANDOM_TRIALS:
            return {}
        try:
            found = get_param_importances(self._study, evaluator=PedAnovaImportanceEvaluator())
        except (ValueError, RuntimeError):  # all alike
            return {}
        return {name: float(share) for name, share in found.items() if np.isfinite(share)}

    def _plan_again(self, trial: FrozenTrial) -> None:
        attributes = {n: v for n, v in trial.user_attrs.items() if n == _OUTSIDE}
        handle = optuna.trial.Trial(self._study, trial._trial_id)
        handle.set_user_attr("interrupted", True)
        self._study.tell(handle, state=TrialState.FAIL)
        self._study.enqueue_trial(trial.params, attributes)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError) as error:
            raise self.folder.damaged(f"its journal cannot be read ({error})") from error


def _without_effect(
    configure: Configure, options: dict[str, Any], num_items: int
) -> frozenset[str]:
    try:
        return configure(options).without_effect(num_items)
    except ConfigError:  # refused when the trial is trained
        return frozenset()


def _suggest(handle: Any, name: str, dimension: Dimension) -> Any:
    if isinstance(dimension, Choices):
        words = [written(value) for value in dimension.values]
        return dimension.values[words.index(handle.suggest_categorical(name, words))]
    if dimension.is_whole:
        low, high = int(dimension.low), int(dimension.high)
        drawn = handle.suggest_int(name, low, high, log=dimension.is_log)
    else:
        drawn = handle.suggest_float(name, dimension.low, dimension.high, log=dimension.is_log)
    return dimension.value_of(drawn)


def _holds(dimension: Dimension, value: Any) -> bool:
    if isinstance(dimension, Choices):
        return value in map(written, dimension.values)
    number = value
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    return is_number and dimension.low <= number <= dimension.high


def _is_counted(trial: FrozenTrial) -> bool:
    """Return whether a trial was begun and not interrupted."""
    return trial.state != TrialState.WAITING and "interrupted" not in trial.user_attrs


def _to_trial(number: int, trial: FrozenTrial) -> Trial:
    facts = trial.user_attrs
    metrics = facts.get("metrics") or {}
    return Trial(
        number=number,
        options=facts.get("options") or {},
        valid_mrr=metrics.get("mrr@20"),
        state=_STATES[trial.state],
        seconds=facts.get("seconds"),
        epochs=facts.get("epochs") or 0,
        best_epoch=facts.get("best_epoch"),
        metrics=metrics,
        error=facts.get("error"),
    )
