"""Rank the targets with the models that a run is compared with: baselines and its hybrid."""

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.run import Run
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.dataset.unions import load_training_sessions
from sbrcli.evaluation.leaderboard import Contender
from sbrcli.evaluation.ranks import only_known
from sbrcli.evaluation.scoring import SplitRanks, rank_split
from sbrcli.models.baselines.options import (
    BaselineOptions,
    configure_baselines,
    write_options,
)
from sbrcli.models.baselines.registry import fit_baseline, fit_partner
from sbrcli.models.baselines.run_files import options_of
from sbrcli.models.blend.blend import HybridScorer
from sbrcli.models.blend.run_files import read_members
from sbrcli.models.loading import memory_of, num_items_of
from sbrcli.models.registry import BLEND, is_baseline
from sbrcli.models.scorer import Scorer
from sbrcli.reporter import Advance
from sbrcli.sessions import Sessions
from sbrcli.workflow.choose_blend import Hybrid

HYBRID = "hybrid"


def rank_baselines(
    run: Run,
    dataset: Dataset,
    sessions: Sessions,
    config: EvaluateConfig,
    options: BaselineOptions,
    advance: Advance,
) -> list[Contender]:
    """Fit baselines to a run's training sessions, one after the other, and rank with each.

    They know the same items as the run.

    Args:
        run: the run.
        dataset: the dataset that it was trained on.
        sessions: the split.
        config: which baselines, and what to score.
        options: the options of the baselines.
        advance: called with the number of targets just ranked.

    Raises:
        ArtefactError: the sessions that the run has learned from are missing or damaged.
    """
    if not config.baselines:
        return []
    num_items = num_items_of(run)
    training = only_known(load_training_sessions(dataset.path, run), num_items)
    contenders = []
    for name in config.baselines:
        scorer = fit_baseline(name, training, num_items, options)
        split_ranks = rank_split(name, scorer, sessions, config, with_lists=True, advance=advance)
        words = write_options(options[name]) or None
        contenders.append(Contender(split_ranks, scorer.memory_bytes, words))
        del scorer  # before the next one takes memory
    return contenders


def rank_hybrid(
    run: Run,
    dataset: Dataset,
    sessions: Sessions,
    config: EvaluateConfig,
    network: Scorer,
    hybrid: Hybrid | None,
    advance: Advance,
) -> list[Contender]:
    """Rank with a run's hybrid, whose partner is fitted like the baselines.

    Args:
        run: the run.
        dataset: the dataset that it was trained on.
        sessions: the split.
        config: what to score.
        network: the run's model.
        hybrid: the run's hybrid; None returns an empty list.
        advance: called with the number of targets just ranked.

    Raises:
        ArtefactError: the sessions that the run has learned from are missing or damaged.
    """
    if hybrid is None:
        return []
    num_items = network.num_items
    training = only_known(load_training_sessions(dataset.path, run), num_items)
    partner = fit_partner(hybrid.partner, training, num_items, configure_baselines(hybrid.options))
    scorer = HybridScorer(network, partner, hybrid.weight, hybrid.scale, hybrid.repeats)
    split_ranks = rank_split(HYBRID, scorer, sessions, config, with_lists=True, advance=advance)
    memory = memory_of(run, network) + partner.memory_bytes
    return [Contender(split_ranks, memory, hybrid.describe())]


def own_contender(run: Run, scorer: Scorer, split_ranks: SplitRanks) -> Contender:
    """Return the run itself among the models that are compared.

    Args:
        run: the run.
        scorer: its model.
        split_ranks: its ranks.
    """
    options = options_as_text(run) if is_baseline(run.model) else None
    if run.model == BLEND:
        options = ",".join(f"{one.run}={one.weight:g}" for one in read_members(run) if one.weight)
    return Contender(split_ranks, memory_of(run, scorer), options)


def compared_baselines(run: Run, config: EvaluateConfig) -> tuple[str, ...]:
    """Return the baselines that a run is compared with: all that are asked for but its own."""
    return tuple(name for name in config.baselines if name != run.model)


def options_as_text(run: Run) -> str | None:
    """Return the options of a run whose model is a baseline; None where it has none."""
    return write_options(options_of(run)) or None
