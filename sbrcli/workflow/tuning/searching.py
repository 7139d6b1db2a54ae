"""The trials that one process adds to a study, until there are enough or the time is over."""

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.search_space import Space
from sbrcli.config.tuning import TuneConfig
from sbrcli.models.training.events import OnEvent, StopRequested
from sbrcli.models.training.interruption import deferred_interrupt
from sbrcli.workflow.tuning.events import OnTuneEvent, TrialEnded, TrialStarted
from sbrcli.workflow.tuning.result import best_trial, estimate_seconds
from sbrcli.workflow.tuning.settings import SearchSettings
from sbrcli.workflow.tuning.trial import Outcome, Runner

if TYPE_CHECKING:
    from sbrcli.workflow.tuning.study import Proposal, Study

MakeRunner = Callable[[Workspace, Any, OnEvent], Runner]
"""Makes what trains the trials of a study, from its `SearchSettings` of the right kind."""


@dataclass(frozen=True, slots=True)
class Search:
    """A study to begin or to continue."""

    name: str
    settings: SearchSettings
    space: Space
    refit: bool

    def command_of(self, options: Mapping[str, Any]) -> list[str]:
        """Return the command that trains a run with a trial's options."""
        return self.settings.train_words(self.settings.configure(options), refit=self.refit)


class Searching:
    """The trials that this process trains."""

    def __init__(
        self,
        workspace: Workspace,
        search: Search,
        study: "Study",
        config: TuneConfig,
        on_event: OnTuneEvent,
        make_runner: MakeRunner,
        began: float,
    ) -> None:
        self.workspace, self.search, self.study, self.config, self.on_event = (
            workspace,
            search,
            study,
            config,
            on_event,
        )
        self.make_runner = make_runner
        limit = config.time_limit
        self.deadline = None if limit is None else began + limit

    def run(self) -> None:
        """Train trials until there are enough, the time is over, or Ctrl-C is pressed."""
        if self._num_begun() >= self.config.trials:
            return
        runner = self.make_runner(self.workspace, self.search.settings, self.on_event)
        with (
            closing(runner),
            deferred_interrupt(lambda: self.on_event(StopRequested())) as is_interrupted,
        ):
            while not self._is_over() and self._run_one(runner, is_interrupted):
                pass

    def _num_begun(self) -> int:
        return len(self.study.trials())

    def _is_over(self) -> bool:
        """Return whether the time is over; it never is before one trial is complete."""
        if self.deadline is None or time.monotonic() < self.deadline:
            return False
        return any(one.state == "complete" for one in self.study.trials())

    def _run_one(self, runner: Runner, is_interrupted: Callable[[], bool]) -> bool:
        """Train one trial; return whether another one may follow."""
        settings, study = self.search.settings, self.study
        proposal = study.propose(
            settings.configure,
            settings.dataset.train.items,
            self.config.trials,
            settings.fit_together,
        )
        if proposal is None:
            return False
        with ExitStack() as undo:
            undo.callback(study.give_back, proposal)
            self._report(TrialStarted, proposal)
            outcome = self._outcome_of(proposal, runner, is_interrupted)
            if outcome.state is not None:
                undo.pop_all()
                study.end(proposal, outcome.state, outcome.value, **outcome.facts)
                self._report(TrialEnded, proposal)
        if is_interrupted():
            raise KeyboardInterrupt
        return outcome.state is not None

    def _outcome_of(
        self, proposal: "Proposal", runner: Runner, is_interrupted: Callable[[], bool]
    ) -> Outcome:
        """Train a trial, unless its options cannot be used or have been trained before."""
        settings, study = self.search.settings, self.study
        same = proposal.same_as
        if same is not None:
            facts = {"metrics": dict(same.metrics), "best_epoch": same.best_epoch, "seconds": 0.0}
            return Outcome("complete", same.metrics[settings.monitor], facts)
        has_complete = any(one.state == "complete" for one in study.trials())

        def should_stop() -> bool:
            is_late = self.deadline is not None and time.monotonic() >= self.deadline
            return is_interrupted() or (has_complete and is_late)

        return runner.run(
            proposal.options,
            lambda epoch, value: study.should_prune(proposal, epoch, value),
            should_stop,
        )

    def _report(self, kind: type[TrialStarted] | type[TrialEnded], proposal: "Proposal") -> None:
        trials = self.study.trials()
        done = [one for one in trials if one.state != "running"]
        limit = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
        seconds = estimate_seconds(done, max(0, self.config.trials - len(done)), limit)
        monitor = self.search.settings.monitor
        event = kind(
            trial=self.study.trial_of(proposal),
            trials=max(self.config.trials, len(trials)),
            best=best_trial(trials, monitor),
            seconds_left=seconds,
        )
        self.on_event(event)
