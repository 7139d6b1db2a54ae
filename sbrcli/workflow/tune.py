"""`sbr tune`: search for the options that are best on a dataset's valid split."""

import hashlib
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.search_space import Space
from sbrcli.config.search_texts import parse_search
from sbrcli.errors import ConfigError
from sbrcli.models.registry import DEFAULT_FAMILY, is_baseline
from sbrcli.workflow.tuning.baseline_settings import BaselineSettings, own_space
from sbrcli.workflow.tuning.command import write_command
from sbrcli.workflow.tuning.events import OnTuneEvent, ignore_tune_event
from sbrcli.workflow.tuning.request import TuneRequest, flag_of, make_settings, options_class_of
from sbrcli.workflow.tuning.result import (
    Trial,
    TuneResult,
    best_trial,
    estimate_seconds,
    require_some_complete,
)
from sbrcli.workflow.tuning.searching import MakeRunner, Search, Searching
from sbrcli.workflow.tuning.settings import SearchSettings, TuneSettings, describe_space
from sbrcli.workflow.tuning.study_folder import open_study_folder
from sbrcli.workflow.tuning.trial import TrialRunner

if TYPE_CHECKING:
    from sbrcli.workflow.tuning.study import Study


def plan_search(workspace: Workspace, request: TuneRequest) -> Search:
    """Return the study of a request, whose options are all checked.

    Raises:
        ArtefactError: there is no such dataset.
        ConfigError: options do not go together, or the dataset has no valid split.
    """
    model = request.model or DEFAULT_FAMILY
    options_class = options_class_of(model)
    own = own_space(model) if is_baseline(model) else None
    parse_search(request.searches, {}, options_class, own)  # before any artefact is looked for
    settings = make_settings(workspace, request)
    space = parse_search(request.searches, settings.space(), options_class, own)
    twice = [name for name in space if name in settings.fixed]
    if twice:
        flag = flag_of(model, twice[0])
        raise ConfigError(
            f"{flag} is fixed, and cannot be searched too", hint=f"omit {flag} or its --search"
        )
    if not space:
        raise ConfigError("no option is left to search", hint="name some with --search")
    name = request.name or _default_name(settings, space)
    return Search(name, settings, space, bool(request.fixed.get("refit")))


def tune(
    workspace: Workspace,
    request: TuneRequest,
    on_event: OnTuneEvent = ignore_tune_event,
    make_runner: MakeRunner = TrialRunner,
) -> TuneResult:
    """Search until the study has enough trials, or the time is over.

    A study that exists is continued. Trials that a killed process has left are trained again.

    Args:
        workspace: where the dataset is and the study is stored.
        request: what to search.
        on_event: called with the events of `tuning.events` and of each trial's training.
        make_runner: `TrialRunner` trains networks in this process, `tuning.child.ChildRunner` in
            another; `tuning.baseline_trial.BaselineRunner` fits baselines.

    Raises:
        ArtefactError: the dataset is missing or damaged, or another study has the name.
        ConfigError: options do not go together.
        TrainingError: all trials have failed.
        KeyboardInterrupt: Ctrl-C was pressed; the study is kept.
    """
    began = time.monotonic()
    search = plan_search(workspace, request)
    folder = open_study_folder(workspace, search.name)
    study_class = load_study()
    folder.begin(search.settings.document(search.space), overwrite=request.overwrite)
    with folder.working() as worker:
        study = study_class(folder, search.space, search.settings.seed, worker)
        study.enqueue_first(*search.settings.first_options(search.space))
        study.take_up_killed()
        Searching(workspace, search, study, request.config, on_event, make_runner, began).run()
        return conclude(search, study.trials(), study.importance())


def load_study() -> "type[Study]":
    """Return the class of studies, which needs Optuna.

    Raises:
        ConfigError: Optuna is not installed.
    """
    try:
        from sbrcli.workflow.tuning.study import Study
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise ConfigError(
            "sbr tune needs Optuna, which is not installed",
            hint="pip install 'sbrcli[tune]'; --grid works without it",
        ) from error
    return Study


def conclude(search: Search, trials: list[Trial], importance: Mapping[str, float]) -> TuneResult:
    """Return the result of trials.

    Raises:
        TrainingError: all of them have failed.
    """
    settings = search.settings
    require_some_complete(trials)
    best = best_trial(trials, settings.monitor)
    command = best and write_command(search.command_of(best.options))
    return TuneResult(
        study=search.name,
        dataset=settings.dataset.name,
        model=settings.model,
        monitor=settings.monitor,
        trials=trials,
        best=best,
        command=command,
        importance=importance,
    )


def describe_search(workspace: Workspace, request: TuneRequest) -> TuneResult:
    """Describe a study without training: its space, what is fixed, and the time it may take."""
    search = plan_search(workspace, request)
    folder = open_study_folder(workspace, search.name)
    settings, config = search.settings, request.config
    trials: list[Trial] = []
    if folder.exists():
        document = settings.document(search.space)
        if folder.read().get("settings") == document:
            with folder.working() as worker:
                trials = load_study()(folder, search.space, 0, worker).trials()
    done = [one for one in trials if one.state != "running"]
    left = max(0, config.trials - len(done))
    estimate = settings.estimate(workspace, measure=request.measure)
    plan = {
        "study": search.name,
        "model": settings.model,
        "trials": config.trials,
        "trials_done": len(done),
        "epochs_per_trial": settings.epochs,
        "space": describe_space(search.space),
        "fixed": dict(settings.fixed),
        "defaults": settings.first_options(search.space)[0],
        "memory_bytes": estimate.memory_bytes,
        "seconds": estimate_seconds(done, left, config.time_limit, estimate.seconds),
    }
    return TuneResult(
        study=search.name,
        dataset=settings.dataset.name,
        model=settings.model,
        monitor=settings.monitor,
        trials=[],
        best=None,
        command=None,
        plan=plan,
    )


def _default_name(settings: SearchSettings, space: Space) -> str:
    """Name a study by its dataset, a baseline, and a hash of what is not the default."""
    dataset, name = settings.dataset, settings.dataset.name
    if is_baseline(settings.model):
        usual: SearchSettings = BaselineSettings(dataset, settings.model, {})
        name = f"{name[:80]}-{settings.model}"
    else:
        usual = TuneSettings(dataset, DEFAULT_FAMILY, {})
    mine, theirs = settings.document(space), usual.document(usual.space())
    if mine == theirs:
        return name
    text = json.dumps(mine, sort_keys=True)
    return f"{name[:100]}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
