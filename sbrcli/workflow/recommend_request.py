"""What `sbr recommend` is asked for: one session, many, everybody, or items by title."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.reading import ReadConfig
from sbrcli.config.recommendation import RecommendConfig, RuleConfig
from sbrcli.log.session_lines import STANDARD_INPUT, read_sessions
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.chosen_run import name_run, open_run
from sbrcli.workflow.find_items import FoundItems, find_items, take_titles
from sbrcli.workflow.make_rules import make_rules
from sbrcli.workflow.recommend import recommend
from sbrcli.workflow.recommend_sessions import recommend_each
from sbrcli.workflow.recommendation import Recommendation
from sbrcli.workflow.recommender import Recommender, open_items, open_recommender

if TYPE_CHECKING:
    from sbrcli.workflow.latest_sessions import OwnedSessions
    from sbrcli.workflow.recommend_all import AllRecommended

# What reads logs and datasets is imported where it is used: one session is answered without pandas.


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendRequest:
    """What `sbr recommend` is asked for: of find, out, user, session and file, the first given."""

    run: str | None = None
    """The run; None for the latest."""

    find: str | None = None
    """Words of titles: list the items, and recommend nothing."""

    out: Path | None = None
    """The file to write, for everybody of a log or of the run's dataset."""

    user: str | None = None
    """One user, or session, of those."""

    session: Sequence[str] | None = None
    """One session: ids and titles, oldest first."""

    file: Path | None = None
    """A file of sessions; for `out` and `user` the log, None for the run's dataset."""

    config: RecommendConfig
    rules: RuleConfig
    reading: ReadConfig = field(default_factory=ReadConfig)
    """How the log is read."""

    titles: Path | None = None
    """A file of the items' titles."""

    is_hybrid: bool = False
    """Whether the run's hybrid recommends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendAnswer:
    """The answer to a request; one of the four kinds is given."""

    run: Run
    is_titled: bool
    """Whether the items have titles."""

    found: FoundItems | None = None
    everybody: "AllRecommended | None" = None
    one: Recommendation | None = None
    each: Iterator[Recommendation] | None = None
    """The answers to the sessions of a file, each before the next session is read."""


def recommend_as_requested(
    workspace: Workspace, request: RecommendRequest, reporter: Reporter = SILENT
) -> RecommendAnswer:
    """Recommend for a session, for each of a file, or for everybody; or find items by title.

    Args:
        workspace: where the run is.
        request: what to do.
        reporter: receives warnings, the titles that stood for ids, and, before the first answer to
            a file of sessions, the name of the run.

    Raises:
        ArtefactError: the run, or its dataset if it is read, is missing or damaged.
        ConfigError: the file for everybody cannot be written there.
        DataError: the run knows no item of the session, or a file cannot be read.
        UsageError: a rule cannot be used.
    """
    if request.out is not None:
        from sbrcli.workflow.recommendation_files import check_out

        check_out(request.out)
    run = open_run(workspace, request.run, reporter)
    if request.find is not None:
        items = open_items(run, request.titles)
        found = find_items(items, request.find, request.config.k)
        return RecommendAnswer(run=run, is_titled=items.titles is not None, found=found)
    recommender = open_recommender(run, blend=request.is_hybrid, titles=request.titles)
    is_titled = recommender.items.titles is not None
    if request.out is not None:
        everybody = _recommend_everybody(workspace, request, request.out, recommender, reporter)
        return RecommendAnswer(run=run, is_titled=is_titled, everybody=everybody)
    if request.user is None and request.session is None and request.file is not None:
        each = _recommend_each(request, request.file, recommender, reporter)
        return RecommendAnswer(run=run, is_titled=is_titled, each=each)
    one = _recommend_one(workspace, request, recommender, reporter)
    return RecommendAnswer(run=run, is_titled=is_titled, one=one)


def _recommend_one(
    workspace: Workspace, request: RecommendRequest, recommender: Recommender, reporter: Reporter
) -> Recommendation:
    """Recommend for the only session, or for the latest one of a user."""
    items, rules = recommender.items, request.rules
    if request.user is not None:
        owned = _read_owned(workspace, request, recommender, reporter).of(request.user)
        events = owned.sessions.item_indices
        unknown = int((events < 0).sum())
        if unknown:
            reporter.warn(
                f"skipped {unknown:,} of {len(events):,} events: the run does not know the item"
            )
        session = [items.ids[index] for index in events[events >= 0].tolist()]
    else:
        may_be_unknown = request.config.fallback is not None
        session = take_titles(reporter, request.session or (), items, may_be_unknown=may_be_unknown)
    made = make_rules(rules, items, reporter) if rules.are_given else None
    return recommend(recommender.scorer, items, session, request.config, made)


def _recommend_each(
    request: RecommendRequest, file: Path, recommender: Recommender, reporter: Reporter
) -> Iterator[Recommendation]:
    """Return the answers to the sessions of a file, which is read as they are taken."""
    from sbrcli.log.event_lines import refuse_log

    items = recommender.items

    def check(lines: Sequence[str]) -> None:
        name = "/dev/stdin" if file == STANDARD_INPUT else str(file)
        refuse_log(name, lines, lambda item_id: item_id in items.index_of)

    def read() -> Iterator[list[str]]:
        for number, session in enumerate(read_sessions(file, check)):
            if number == 0:
                name_run(recommender.run, reporter)
            yield session

    made = make_rules(request.rules, items, reporter)
    return recommend_each(recommender, read(), request.config, made, str(file), reporter)


def _recommend_everybody(
    workspace: Workspace,
    request: RecommendRequest,
    out: Path,
    recommender: Recommender,
    reporter: Reporter,
) -> "AllRecommended":
    """Write the recommendations for everybody to a file."""
    from sbrcli.workflow.recommend_all import recommend_all

    owned = _read_owned(workspace, request, recommender, reporter)
    made = make_rules(request.rules, recommender.items, reporter)
    return recommend_all(recommender, owned, out, request.config, made, reporter)


def _read_owned(
    workspace: Workspace, request: RecommendRequest, recommender: Recommender, reporter: Reporter
) -> "OwnedSessions":
    """Read the sessions of a log, or of the run's dataset."""
    from sbrcli.workflow.evaluate_log import NewLog
    from sbrcli.workflow.latest_sessions import sessions_of_dataset, sessions_of_log

    run, items = recommender.run, recommender.items
    if request.file is None:
        return sessions_of_dataset(run, workspace, items)
    return sessions_of_log(run, workspace, items, NewLog(request.file, request.reading), reporter)
