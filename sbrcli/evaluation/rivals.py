"""What a run is compared with: baselines that learn from the same sessions."""

from collections.abc import Iterator

from sbrcli.baseline_config import BaselineConfig, options_of, write_options
from sbrcli.config import EvaluateConfig
from sbrcli.dataset.storage import Sessions
from sbrcli.evaluation.leaderboard import Contender
from sbrcli.evaluation.ranks import drop_unknown
from sbrcli.evaluation.scoring import Advance, answer_split
from sbrcli.models.baselines.fitting import fit_baseline, load_training_sessions
from sbrcli.models.gru4rec.weights import NetworkShape
from sbrcli.workspace import Folder


def answer_by_baselines(
    run: Folder,
    dataset: Folder,
    sessions: Sessions,
    config: EvaluateConfig,
    options: BaselineConfig,
    advance: Advance,
) -> list[Contender]:
    """Fit baselines to what a run has learned from, one after the other, and ask each.

    They know the run's items, and no others.

    Args:
        run: the run.
        dataset: the one that it was trained on.
        sessions: the split to answer.
        config: which baselines, and what to score.
        options: theirs.
        advance: told how many next items were just ranked.

    Raises:
        ArtefactError: the sessions that the run has learned from are missing or damaged.
    """
    return list(_each_baseline(run, dataset, sessions, config, options, advance))


def _each_baseline(
    run: Folder,
    dataset: Folder,
    sessions: Sessions,
    config: EvaluateConfig,
    options: BaselineConfig,
    advance: Advance,
) -> Iterator[Contender]:
    if not config.baselines:
        return
    num_items = NetworkShape.from_manifest(run.manifest).num_items
    training, _ = drop_unknown(load_training_sessions(dataset.path, run.manifest), num_items)
    for name in config.baselines:
        scorer = fit_baseline(name, training, num_items, options)
        answers = answer_split(name, scorer, sessions, config, with_lists=True, advance=advance)
        own = options_of(options, name)
        yield Contender(answers, scorer.memory_bytes, write_options(own) if own else None)
