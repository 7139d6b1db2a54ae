"""A trained run, loaded once, that recommends for any number of sessions."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Literal

from sbrcli.artefacts.items import ITEMS_FILE, RunItems, load_items
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.run_state import incomplete, state_of
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.recommendation import (
    Condition,
    Fallback,
    GroupLimit,
    RecommendConfig,
    SimilarConfig,
)
from sbrcli.errors import ArtefactError, ConfigError, DataError
from sbrcli.models.loading import load_scorer
from sbrcli.models.scorer import Scorer
from sbrcli.workflow.recommend import recommend, recommend_many
from sbrcli.workflow.recommendation import Recommendation
from sbrcli.workflow.rules import Rules
from sbrcli.workflow.similar import (
    OutputSimilarity,
    SessionSimilarity,
    SimilarItem,
    load_session_similarity,
)


class Recommender:
    """A trained run that recommends; made by `sbrcli.load`.

    It is not changed by its methods, and may be used by several threads at once. It loads neither
    TensorFlow nor pandas nor PyArrow.

    Args:
        run: the run.
        scorer: its model.
        items: its items.
    """

    def __init__(self, run: Run, scorer: Scorer, items: RunItems) -> None:
        self.run = run
        self.scorer = scorer
        self._items = items
        self._lock = Lock()
        self._similarities: dict[str, OutputSimilarity | SessionSimilarity] = {}

    @property
    def items(self) -> RunItems:
        """The run's items: `ids`, `titles`, `train_count`, and `index_of` an id."""
        return self._items

    def recommend(
        self,
        items: Iterable[str | int],
        k: int = 20,
        *,
        exclude: Iterable[str | int] = (),
        only: Iterable[str | int] | None = None,
        include_seen: bool = False,
        fallback: Fallback | None = None,
        rules: Rules | None = None,
    ) -> Recommendation:
        """Recommend what follows a session.

        Args:
            items: the session's item ids, oldest first.
            k: how many items to recommend.
            exclude: ids of items that may not be recommended.
            only: ids of the only items that may be recommended; None for all.
            include_seen: whether the session's own items may be recommended.
            fallback: "popularity" recommends the most popular items of train if the run knows no
                item of the session.
            rules: further rules, made once for many calls.

        Returns:
            The items, best first, the session's items, and the ids that the run does not know.
            `to_document()` is what `sbr recommend --json` prints.

        Raises:
            DataError: the run knows none of the session's items, and there is no fallback.
            ConfigError: k is below 1, or there is no such fallback.
        """
        config = RecommendConfig(k=k, include_seen=include_seen, fallback=fallback)
        applied = self._rules(exclude, only, rules)
        return recommend(self.scorer, self._items, _ids(items), config, applied)

    def recommend_many(
        self,
        sessions: Iterable[Iterable[str | int]],
        k: int = 20,
        *,
        exclude: Iterable[str | int] = (),
        only: Iterable[str | int] | None = None,
        include_seen: bool = False,
        fallback: Fallback | None = None,
        rules: Rules | None = None,
    ) -> list[Recommendation]:
        """Recommend for many sessions, which are scored together; arguments as of `recommend`.

        Many times faster than one session at a time. The scores may differ from those of
        `recommend` in the last bit of single precision.

        Returns:
            One recommendation per session, in their order. That of a session of which the run
            knows nothing has no items, unless there is a fallback.

        Raises:
            ConfigError: k is below 1, or there is no such fallback.
        """
        config = RecommendConfig(k=k, include_seen=include_seen, fallback=fallback)
        applied = self._rules(exclude, only, rules)
        asked = (_ids(session) for session in sessions)
        return list(recommend_many(self.scorer, self._items, asked, config, applied))

    def explain(
        self,
        session: Iterable[str | int],
        k: int = 20,
        *,
        exclude: Iterable[str | int] = (),
        only: Iterable[str | int] | None = None,
        include_seen: bool = False,
        rules: Rules | None = None,
    ) -> Recommendation:
        """Recommend what follows a session, and name the events that raised each item most.

        The session is scored again without each of its events. Arguments and errors as of
        `recommend`; each item's `why` lists the events, the most important first.
        """
        config = RecommendConfig(k=k, include_seen=include_seen, why=True)
        applied = self._rules(exclude, only, rules)
        return recommend(self.scorer, self._items, _ids(session), config, applied)

    def similar(
        self, item: str | int, k: int = 10, *, by: Literal["output", "sessions"] = "output"
    ) -> tuple[SimilarItem, ...]:
        """Return the items most similar to one.

        Args:
            item: its id.
            k: how many.
            by: "output" compares the items' rows in the network's output table by their cosine, of
                a blend in that of its first network with a weight;
                "sessions" counts the training sessions that contain both; it needs the run's
                dataset in the same work directory, and loads PyArrow.

        Raises:
            DataError: the run does not know the item.
            ConfigError: k is below 1; with "output", the run has no network.
            ArtefactError: the dataset is missing or has changed.
        """
        SimilarConfig(k=k)
        index = self._items.index_of.get(str(item))
        if index is None:
            raise DataError(
                f"the run does not know the item {item}",
                hint="use the item ids of the log that the run was trained on",
            )
        return self._similarity(by).similar(index, k)

    def _similarity(self, by: str) -> OutputSimilarity | SessionSimilarity:
        """Return what finds similar items, made when it is first used."""
        with self._lock:
            if by not in self._similarities:
                if by == "output":
                    made = OutputSimilarity(self.run, self._items)
                elif by == "sessions":
                    workspace = Workspace(self.run.path.parent.parent)
                    made = load_session_similarity(self.run, workspace, self._items)
                else:
                    raise ConfigError(f"by must be output or sessions. Received: {by}")
                self._similarities[by] = made
            return self._similarities[by]

    def rules(
        self,
        *,
        exclude: Iterable[str | int] = (),
        only: Iterable[str | int] | None = None,
        items_table: str | Path | None = None,
        where: Iterable[str] = (),
        max_per: Mapping[str, int] | None = None,
    ) -> Rules:
        """Make rules once for many calls; a table of attributes loads PyArrow.

        Args:
            exclude: ids of items that may not be recommended.
            only: ids of the only items that may be recommended; None for all.
            items_table: a CSV or Parquet file of item ids and attributes.
            where: conditions on attributes, such as "in_stock=1"; all must hold.
            max_per: how many items with one value of an attribute are recommended at most, such as
                {"category": 3}.

        Returns:
            Rules, to be passed to `recommend` and `recommend_many`; `unknown` has the listed ids
            that the run does not know.

        Raises:
            DataError: the table cannot be read, or has none of the run's items.
            ConfigError: it lacks a column, or a condition or limit cannot be used.
        """
        rules = self._rules(exclude, only, None)
        conditions = [Condition.parse(text) for text in where]
        limits = [GroupLimit.parse(f"{name}={most}") for name, most in (max_per or {}).items()]
        if items_table is None and not conditions and not limits:
            return rules
        if items_table is None:
            raise ConfigError("where and max_per need items_table, the table of the attributes")
        from sbrcli.workflow.make_rules import add_table_rules

        return add_table_rules(rules, self._items, Path(items_table), conditions, limits)

    def _rules(
        self,
        exclude: Iterable[str | int],
        only: Iterable[str | int] | None,
        rules: Rules | None,
    ) -> Rules:
        base = rules or Rules(len(self._items.ids))
        named = None if only is None else _ids(only)
        return base.with_ids(self._items, only=named, exclude=_ids(exclude))


def load(path: str | Path, blend: bool = False, *, titles: str | Path | None = None) -> Recommender:
    """Load a trained run, to recommend with it.

    Args:
        path: the run's folder, such as "sbr-work/runs/NAME".
        blend: recommend with the blend that `sbr evaluate --hybrid` has chosen for the run.
        titles: a file of item ids and titles, which replace those of the run.

    Raises:
        ArtefactError: the run is missing, damaged or incomplete, or no blend was chosen for it.
        DataError: the titles cannot be read.
    """
    run = Run.read(Path(path))
    if not run.is_complete:
        raise incomplete(run, state_of(run, is_written=False))
    return open_recommender(run, blend=blend, titles=None if titles is None else Path(titles))


def open_recommender(run: Run, *, blend: bool = False, titles: Path | None = None) -> Recommender:
    """Return a recommender of an opened run; arguments and errors as of `load`."""
    items = open_items(run, titles)
    scorer = load_scorer(run.path)
    if scorer.num_items != len(items.ids):
        raise ArtefactError(
            f"{run.path} is damaged: it scores {scorer.num_items} items and names {len(items.ids)}",
            hint="train the run again with --overwrite",
        )
    if blend:
        from sbrcli.models.blend.files import load_hybrid  # which loads SciPy

        scorer = load_hybrid(run.path, scorer)
    return Recommender(run, scorer, items)


def open_items(run: Run, titles: Path | None = None) -> RunItems:
    """Return a run's items, with the titles of a file if there is one.

    Raises:
        ArtefactError: the run's items are missing or damaged.
        DataError: the titles cannot be read.
    """
    items = load_items(run.path / ITEMS_FILE)
    if titles is None:
        return items
    from sbrcli.log.titles import read_titles

    return with_titles(items, read_titles(titles))


def with_titles(items: RunItems, titles: Mapping[str, str]) -> RunItems:
    """Return items with other titles, by id; those that are not named keep their own."""
    own = items.titles or [None] * len(items.ids)
    return RunItems(
        items.ids,
        items.train_count,
        [titles.get(item_id, title) for item_id, title in zip(items.ids, own, strict=True)],
    )


def _ids(items: Iterable[str | int]) -> Sequence[str]:
    """Return ids as text; a number is the id that is written so."""
    if isinstance(items, (str, bytes)):
        raise TypeError(f"item ids are given as a list, such as ['3186']. Received: {items!r}")
    return [item if isinstance(item, str) else str(item) for item in items]
