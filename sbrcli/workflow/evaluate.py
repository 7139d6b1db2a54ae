"""Evaluate a run on the dataset that it was trained on, and store the metrics in its folder."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.manifests import read_json
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.dataset.storage import load_split
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.evaluation.evaluate import Evaluation, summarise
from sbrcli.evaluation.leaderboard import Contender, rank_models
from sbrcli.evaluation.per_event import write_per_event
from sbrcli.evaluation.scoring import SplitRanks, rank_split
from sbrcli.evaluation.slices import slice_ranks
from sbrcli.evaluation.term_search import describe_terms
from sbrcli.evaluation.verdict import give_verdict
from sbrcli.models.baselines.options import BaselineOptions, configure_baselines
from sbrcli.models.loading import load_scorer
from sbrcli.models.registry import require_network
from sbrcli.models.scorer import Scorer
from sbrcli.reporter import SILENT, Advance, Reporter
from sbrcli.sessions import Sessions
from sbrcli.version import __version__
from sbrcli.workflow.choose_blend import (
    Hybrid,
    choose_hybrid,
    copy_hybrid,
    count_trial_targets,
    find_hybrid,
)
from sbrcli.workflow.contenders import (
    HYBRID,
    compared_baselines,
    own_contender,
    rank_baselines,
    rank_hybrid,
)
from sbrcli.workflow.stored_evaluations import read_evaluation, store_evaluation
from sbrcli.workflow.training_job import last_training_time

TUNED_FILE = "baselines.json"


def evaluate_run(
    run: Run,
    workspace: Workspace,
    config: EvaluateConfig,
    options: Mapping[str, str] | None = None,
    per_event: Path | None = None,
    hybrid_from: str | None = None,
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Evaluate a run; its `evaluation.json` stores the latest metrics of each protocol.

    Args:
        run, workspace: the run, and the work directory of its dataset.
        config: what to score, and what to compare the run with.
        options: options of baselines as the user writes them; they override the tuned ones.
        per_event: a file to write, with one row for each model and target.
        hybrid_from: the run whose hybrid is taken over; None uses or chooses the run's own.
        reporter: receives the number of targets ranked by all models together, and a warning if the
            metrics cannot be stored.

    Raises:
        ArtefactError: the run or its dataset is missing or damaged, they do not match, or
            `per_event` cannot be written.
        ConfigError: an option of a baseline cannot be used, or a refitted run is to be evaluated,
            or its hybrid chosen, on valid.
        DataError: the run knows no target of the split.
        UsageError: the hybrid was taken over from a run with other options than those given.
    """
    _refuse_trained_split(run, config)
    read_evaluation(run, config)  # raises an error if the stored evaluation is damaged
    dataset = dataset_of(run, workspace)
    sessions = load_split(dataset.path, config.split)
    of_split = (sessions, dataset.name)
    evaluation, all_ranks = evaluate_sessions(
        run, workspace, config, of_split, dataset, options, hybrid_from, reporter
    )
    protocol = replace(evaluation.protocol, max_user_events=dataset.config.get("max_user_events"))
    if not dataset.has_times:
        protocol = replace(protocol, first_time=None, last_time=None)
    evaluation = replace(evaluation, protocol=protocol)
    dataset_of(run, workspace)  # it may have been replaced while it was read
    if per_event is not None:
        write_per_event(per_event, dataset.path, sessions, config, all_ranks)
    store_evaluation(run, workspace, config, evaluation, (all_ranks[0].ranks, sessions), reporter)
    return evaluation


def evaluate_sessions(
    run: Run,
    workspace: Workspace,
    config: EvaluateConfig,
    scored: tuple[Sessions, str],
    dataset: Dataset | None,
    options: Mapping[str, str] | None = None,
    hybrid_from: str | None = None,
    reporter: Reporter = SILENT,
) -> tuple[Evaluation, list[SplitRanks]]:
    """Evaluate a run, and the models that it is compared with, on sessions; see `evaluate_run`.

    Args:
        scored: the sessions, and their name in the protocol.
        dataset: the dataset that the run was trained on; only needed for baselines and hybrids.

    Returns:
        The evaluation, and the ranks of each model, those of the run first.
    """
    if config.hybrid:
        require_network(run)
    sessions, called = scored
    scorer = load_scorer(run.path, config.batch_size)
    explicit = options or {}
    is_compared = config.hybrid or config.baselines
    baselines = configure_baselines(explicit, tuned_options(run) if is_compared else {})
    hybrid = None
    if config.hybrid and dataset is not None:
        if hybrid_from is not None:
            copy_hybrid(run, workspace, workspace.open("run", hybrid_from), dataset, explicit)
        hybrid = _find_or_choose_hybrid(
            run, workspace, dataset, scorer, baselines, explicit, reporter
        )
        if not config.baselines:
            # Also compare with the partner alone.
            config = replace(config, baselines=(hybrid.partner,))
            baselines = configure_baselines(explicit, hybrid.options)
    config = replace(config, baselines=compared_baselines(run, config))
    models = 1 + len(config.baselines) + config.hybrid
    with _progress(reporter, sessions.num_targets * models) as advance:
        name, is_board = run.model, models > 1
        own = rank_split(name, scorer, sessions, config, with_lists=is_board, advance=advance)
        evaluation = summarise(
            own,
            sessions,
            config,
            run=run.name,
            dataset=called,
            train_last_time=last_training_time(run, dataset),
        )
        contenders = [own_contender(run, scorer, own)]
        if dataset is not None:
            contenders += rank_baselines(run, dataset, sessions, config, baselines, advance)
            contenders += rank_hybrid(run, dataset, sessions, config, scorer, hybrid, advance)
    all_ranks = [contender.split_ranks for contender in contenders]
    return _extended(evaluation, run, contenders, sessions, config, hybrid), all_ranks


def _refuse_trained_split(run: Run, config: EvaluateConfig) -> None:
    if config.split == "valid" and run.is_refitted:
        raise ConfigError(
            f"run {run.name} was trained on the valid split too (--refit)",
            hint="evaluate it on test: leave --split out; or on a later log: "
            "sbr evaluate --log LOG",
        )


def tuned_options(run: Run) -> dict[str, str]:
    """Read the baselines' options that `sbr tune-baselines` chose for a run; empty if it did not.

    Raises:
        ArtefactError: the file is damaged, or has options that are unknown to this version of sbr.
    """
    path = run.path / TUNED_FILE
    if not path.exists():
        return {}
    stored = read_json(path)
    try:
        configure_baselines({}, stored["options"])
    except ConfigError as error:
        raise ArtefactError(
            f"{path} has options that sbr {__version__} cannot use: {error}",
            hint=f"choose them again with: sbr tune-baselines --run {run.name}",
        ) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtefactError(
            f"{path} is damaged: it holds no options", hint="sbr tune-baselines writes it again"
        ) from error
    return stored["options"]


def _find_or_choose_hybrid(
    run: Run,
    workspace: Workspace,
    dataset: Dataset,
    network: Scorer,
    options: BaselineOptions,
    explicit: Mapping[str, str],
    reporter: Reporter,
) -> Hybrid:
    if (found := find_hybrid(run, options, explicit)) is not None:
        return found
    with _progress(reporter, count_trial_targets(dataset)) as advance:
        return choose_hybrid(run, workspace, dataset, network, options, advance)


def _progress(reporter: Reporter, total: int) -> AbstractContextManager[Advance]:
    return reporter.progress(total, "events", "evaluate")


def _extended(
    evaluation: Evaluation,
    run: Run,
    contenders: list[Contender],
    sessions: Sessions,
    config: EvaluateConfig,
    hybrid: Hybrid | None,
) -> Evaluation:
    """Add the leaderboard, the hybrid and the slices to an evaluation, if they were requested."""
    if not config.baselines and not config.slices:
        return evaluation
    train_count = load_items(run.path / ITEMS_FILE).train_count
    if config.slices:
        slices = slice_ranks(contenders[0].split_ranks.ranks, sessions, train_count, config.ks)
        evaluation = replace(evaluation, slices=slices)
    if config.baselines:
        board = rank_models(contenders, sessions, train_count, config.ks)
        verdict = give_verdict(board, run.model, HYBRID)
        if hybrid is not None:
            verdict += f". {describe_terms(hybrid.terms)}" if hybrid.terms else ""
            evaluation = replace(evaluation, hybrid=hybrid.to_document())
        evaluation = replace(evaluation, leaderboard=board.rows, verdict=verdict)
    return evaluation


def dataset_of(run: Run, workspace: Workspace) -> Dataset:
    """Open the dataset that a run was trained on.

    Raises:
        ArtefactError: it is missing, or has been replaced by another one.
    """
    try:
        dataset = workspace.open("dataset", run.dataset.name)
    except ConfigError as error:
        raise ArtefactError(
            f"{run.path} is damaged: its manifest names no dataset: {error}",
            hint="train the run again with --overwrite",
        ) from error
    if dataset.fingerprint != run.dataset.fingerprint:
        raise ArtefactError(
            f"dataset {dataset.name} has changed since run {run.name} was trained on it",
            hint="train the run again with --overwrite, or prepare the dataset as it was",
        )
    return dataset
