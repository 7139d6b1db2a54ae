"""Choose a run's hybrid on the valid split: its partner, and the terms of its blend."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.training import FitConfig
from sbrcli.dataset.storage import load_items, load_split
from sbrcli.dataset.unions import load_training_sessions
from sbrcli.errors import ConfigError, DataError, UsageError
from sbrcli.evaluation.calibration import find_scale, gives_log_probabilities
from sbrcli.evaluation.ranks import only_known
from sbrcli.evaluation.term_search import TermSearch
from sbrcli.models.baselines.options import (
    BaselineOptions,
    configure_baselines,
    write_options,
)
from sbrcli.models.baselines.registry import fit_partner, partner_names
from sbrcli.models.blend.files import no_hybrid, read_choice, read_repeats, save_hybrid
from sbrcli.models.blend.repeats import RepeatTerms
from sbrcli.models.loading import shape_of_run
from sbrcli.models.scorer import Scorer
from sbrcli.reporter import Advance
from sbrcli.sessions import Sessions
from sbrcli.workflow.try_blends import try_weights

METRIC = "mrr@20"

# A larger valid split is subsampled to this many targets.
_SUBSAMPLE_TARGETS = 30_000


@dataclass(frozen=True, slots=True)
class Hybrid:
    """The hybrid of a run, as stored in its folder."""

    partner: str
    weight: float
    metric: str
    options: dict[str, str]
    """The options of all partners that were tried, as on the command line."""

    trials: list[dict[str, Any]]
    """The metrics of each partner and weight."""

    taken_from: str | None = None
    """The run that it was chosen for, if it is another one."""

    scale: float = 1.0
    """The factor that makes the network's scores logarithms of probabilities."""

    last: float = 0.0
    """What the session's last item gains."""

    earlier: float = 0.0
    """What each other item of the session gains."""

    terms: list[dict[str, Any]] = field(default_factory=list)
    """What each term gains on valid, and whether it is kept; see `Term`."""

    @property
    def repeats(self) -> RepeatTerms:
        """What the session's own items gain."""
        return RepeatTerms(self.last, self.earlier)

    def to_document(self) -> dict[str, Any]:
        """Return what `sbr evaluate --json` states: all but the trials and what they were."""
        document = asdict(self)
        for name in ("trials", "options", "metric"):
            del document[name]
        return document

    def describe(self) -> str:
        """Return what it is made of, as in "partner=markov,weight=0.3,earlier=-8"."""
        made_of = f"partner={self.partner},weight={self.weight:g}"
        made_of += f",scale={self.scale:g}" if self.scale != 1 else ""
        made_of += f",last={self.last:g}" if self.last else ""
        return made_of + (f",earlier={self.earlier:g}" if self.earlier else "")


def find_hybrid(run: Run, options: BaselineOptions, explicit: Mapping[str, str]) -> Hybrid | None:
    """Read the hybrid of a run; None if it has none, or one chosen with other options.

    A hybrid taken over from another run is returned unless the user gave other options. For a run
    that was trained on valid no other hybrid can be chosen, so other options are an error.

    Args:
        run: the run.
        options: the options of the partners, for this run.
        explicit: the options that the user gave, by the partner's name.

    Raises:
        ArtefactError: the file is damaged.
        UsageError: other options are given for a run that was trained on valid.
    """
    stored = _read(run)
    if stored is None or (stored.taken_from is None and _lacks_scale(run)):
        return None
    if stored.taken_from is None:
        return stored if _are_same(stored, options) else None
    if run.is_refitted:
        _require_same_options(run.name, stored, stored.taken_from, explicit)
    return None if _other_options(stored, explicit) else stored


def choose_hybrid(
    run: Run,
    workspace: Workspace,
    dataset: Dataset,
    network: Scorer,
    options: BaselineOptions,
    advance: Advance,
) -> Hybrid:
    """Choose the partner and the terms that are best on valid, and store them in the run.

    The run alone, each partner alone, and blends without terms for repeats are tried too. A term
    is kept if it gains more than one standard error on the sessions used for the choice.

    Args:
        run: the run.
        workspace: where it is.
        dataset: the one that it was trained on.
        network: its model.
        options: the options of the partners.
        advance: called with the number of targets just scored by one partner.

    Raises:
        ArtefactError: the dataset is damaged, or has no valid split.
        ConfigError: the run was trained on valid.
        DataError: the run knows no target of valid.
    """
    if run.is_refitted:
        raise ConfigError(
            f"run {run.name} was trained on the valid split too (--refit), on which the weight of "
            "a hybrid is chosen",
            hint="take that of a run that was not, with --hybrid-from RUN",
        )
    training = load_split(dataset.path, "train")
    valid = _load_known_valid(dataset, network.num_items)
    num_items = load_items(dataset.path).num_train_items
    partners = {name: fit_partner(name, training, num_items, options) for name in partner_names()}
    judges = valid.subsample(_SUBSAMPLE_TARGETS)
    scale = 1.0 if gives_log_probabilities(run) else find_scale(network, judges)
    search = TermSearch(judges)
    trials = [
        trial
        for name, partner in partners.items()
        for trial in try_weights(name, network, partner, search, scale, advance)
    ]
    best, terms = search.choose()
    hybrid = Hybrid(
        best.partner,
        best.weight,
        METRIC,
        _texts(options),
        trials,
        None,
        scale,
        best.repeats.last,
        best.repeats.earlier,
        [asdict(term) for term in terms],
    )
    with workspace.adding_to(run):
        save_hybrid(run.path, asdict(hybrid), partners[hybrid.partner])
    return hybrid


def _load_known_valid(dataset: Dataset, num_items: int) -> Sessions:
    """Load the valid split without the items that the run does not know."""
    valid = only_known(load_split(dataset.path, "valid"), num_items)
    if not valid.num_targets:
        raise DataError(
            "the run knows no next item of the valid split, on which a hybrid is chosen",
            hint="prepare the dataset with more --valid-days"
            if valid.targets is None
            else "prepare the dataset with a higher --min-item-support",
        )
    return valid


def copy_hybrid(
    run: Run, workspace: Workspace, other: Run, dataset: Dataset, explicit: Mapping[str, str]
) -> Hybrid:
    """Copy the hybrid of another run, with the partner fitted to this run's training data.

    Args:
        run: a run, which may have been trained on valid.
        workspace: where it is.
        other: a run that was not, and has a hybrid.
        dataset: the one that `run` was trained on.
        explicit: options of partners that the user gave, by the partner's name.

    Raises:
        ArtefactError: the other run has no hybrid, or something is damaged.
        ConfigError: the other run was trained with another loss, or its hybrid was chosen without a
            scale that its loss needs.
        UsageError: the hybrid was chosen with other options than those given.
    """
    found = _read(other)
    if found is None:
        raise no_hybrid(other.path)
    _require_same_loss(run, other)
    _require_same_options(run.name, found, other.name, explicit)
    num_items = shape_of_run(run).num_items
    training = only_known(load_training_sessions(dataset.path, run), num_items)
    options = configure_baselines(found.options)
    hybrid = replace(found, taken_from=other.name)
    partner = fit_partner(found.partner, training, num_items, options)
    with workspace.adding_to(run):
        save_hybrid(run.path, asdict(hybrid), partner)
    return hybrid


def count_trial_targets(dataset: Dataset) -> int:
    """Return the number of targets that `choose_hybrid` scores, summed over all partners."""
    valid = load_split(dataset.path, "valid").subsample(_SUBSAMPLE_TARGETS)
    return len(partner_names()) * valid.num_targets


def _read(run: Run) -> Hybrid | None:
    stored = read_choice(run.path)
    if stored is None:
        return None
    return Hybrid(
        stored["partner"],
        stored["weight"],
        stored.get("metric", METRIC),
        stored["options"],
        stored.get("trials", []),
        stored.get("taken_from"),
        stored.get("scale", 1.0),
        *read_repeats(stored),
        stored.get("terms", []),
    )


def _lacks_scale(run: Run) -> bool:
    """Return whether the hybrid was chosen without the scale that the run's loss needs."""
    stored = read_choice(run.path)
    return "scale" not in (stored or {}) and not gives_log_probabilities(run)


def _are_same(stored: Hybrid, options: BaselineOptions) -> bool:
    """Return whether a hybrid was chosen with these options.

    An option that is newer than the hybrid had its default.
    """
    used = configure_baselines(stored.options)
    return all(used[name] == options[name] for name in partner_names())


def _other_options(stored: Hybrid, explicit: Mapping[str, str]) -> str | None:
    """Return a partner for which the user gave other options than those of the hybrid, or None."""
    used = configure_baselines(stored.options)
    wanted = configure_baselines(explicit, stored.options)
    return next((name for name in partner_names() if used[name] != wanted[name]), None)


def _require_same_options(
    run_name: str, stored: Hybrid, chosen_for: str, explicit: Mapping[str, str]
) -> None:
    """Raise an error if the user gave other options than those of a hybrid that is taken over."""
    name = _other_options(stored, explicit)
    if name is not None:
        words = f"--{name} {explicit[name]}"
        raise UsageError(
            f"the hybrid of run {run_name} is the one that was chosen for run {chosen_for} with "
            f"{name}'s {stored.options[name]}: {words} has no effect",
            hint=f"choose again with: sbr evaluate --run {chosen_for} --hybrid {words}; then take "
            f"it over with: sbr evaluate --run {run_name} --hybrid-from {chosen_for}",
        )


def _require_same_loss(run: Run, other: Run) -> None:
    """Raise an error if the weight was chosen for scores of another loss."""
    own, chosen_for = (one.config.get("loss", FitConfig().loss) for one in (run, other))
    if own != chosen_for:
        raise ConfigError(
            f"the hybrid of run {other.name} was chosen for the scores of its loss, {chosen_for}; "
            f"run {run.name} was trained with {own}",
            hint=f"name a run that was trained with {own}",
        )
    if _lacks_scale(other):
        raise ConfigError(
            f"the hybrid of run {other.name} was chosen by an earlier sbr, which took the scores "
            f"of {own} for logarithms of probabilities",
            hint=f"choose again with: sbr evaluate --run {other.name} --split valid --hybrid",
        )


def _texts(options: BaselineOptions) -> dict[str, str]:
    return {name: write_options(options[name]) for name in partner_names()}
