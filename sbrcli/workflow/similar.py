"""Items that are similar to one: by the network's output table, and by the sessions they share."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sbrcli.artefacts.items import RunItems
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.models.blend.run_files import member_folder, read_members
from sbrcli.models.loading import shape_of_run
from sbrcli.models.network import OUTPUT_TABLE
from sbrcli.models.registry import BLEND, is_baseline
from sbrcli.models.top_items import top_items
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights
from sbrcli.sessions import Sessions

IntArray = npt.NDArray[np.integer]
FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class SimilarItem:
    """An item that is similar to another; rank 1 is the most similar."""

    rank: int
    item: str
    score: float
    """The cosine, up to 1."""

    sessions: int | None = None
    """How many training sessions contain both; None if they were not counted."""

    title: str | None = None


@dataclass(frozen=True, slots=True)
class Similar:
    """The items most similar to one."""

    item: str
    items: tuple[SimilarItem, ...] | None
    """By the cosine of their rows in the network's output table; None without a network."""

    co_occurring: tuple[SimilarItem, ...] | None
    """By the training sessions that contain both; None if the dataset is missing."""

    title: str | None = None
    network: str | None = None
    """The member of a blend whose output table was used."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document; titles, sessions and network without a value are left out."""
        document = asdict(self)
        for entry in (document, *(document["items"] or ()), *(document["co_occurring"] or ())):
            for key in ("title", "sessions", "network"):
                if key in entry and entry[key] is None:
                    del entry[key]
        return document


def network_of(run: Run) -> Run | None:
    """Return the run of the network whose output table compares the items of a run.

    That is the run itself, or of a blend the first network that has a weight, which lies in the
    blend's folder. None if there are only baselines.

    Raises:
        ArtefactError: the blend is damaged.
    """
    if run.model != BLEND:
        return None if is_baseline(run.model) else run
    for member in read_members(run):
        if member.weight and not is_baseline(member.model):
            return Run.read(member_folder(run, member))
    return None


class OutputSimilarity:
    """Finds similar items by the cosine of their rows in a network's output table.

    Args:
        run: the run, whose weights are read; of a blend those of its first network.
        items: its items.

    Raises:
        ArtefactError: the weights are missing or damaged, or the run has no network.
    """

    def __init__(self, run: Run, items: RunItems) -> None:
        network = network_of(run) or run  # whose shape cannot be read then
        table = load_weights(network.path / WEIGHTS_FILE, shape_of_run(network))[OUTPUT_TABLE]
        norms = np.linalg.norm(table, axis=1, keepdims=True)
        self._rows = table / np.where(norms > 0, norms, 1)
        self._items = items

    def similar(self, index: int, k: int) -> tuple[SimilarItem, ...]:
        """Return the k items most similar to one, without itself."""
        cosines = self._rows @ self._rows[index]
        cosines[index] = -np.inf
        best = top_items(cosines[None], k)[1].tolist()
        return tuple(
            SimilarItem(rank, self._items.ids[at], round(float(cosines[at]), 6), None, title)
            for rank, (at, title) in enumerate(_with_titles(self._items, best), start=1)
        )


class SessionSimilarity:
    """Finds similar items by the training sessions that they share.

    The similarity of items i and j is their damped cosine (Hidasi et al. 2016, arXiv 1511.06939),
    with n(…) the number of sessions that hold an item, or both:

        n(i, j) / sqrt((n(i) + damping) * (n(j) + damping))

    Args:
        sessions: what the run was trained on, in the run's item indices; below 0 is unknown.
        items: the run's items.
        damping: at least 0; keeps rare items that met by chance from the top.
    """

    def __init__(self, sessions: Sessions, items: RunItems, damping: float) -> None:
        self._items = items
        self._damping = damping
        session = np.repeat(np.arange(sessions.num_sessions), np.diff(sessions.offsets))
        known = sessions.item_indices >= 0
        pairs = session[known] * len(items.ids) + sessions.item_indices[known]
        # Each session holds each item once: (pairs,), by session, then item.
        self._session, self._item = np.divmod(np.unique(pairs), max(1, len(items.ids)))
        self._counts = np.bincount(self._item, minlength=len(items.ids))
        self._num_sessions = sessions.num_sessions

    def similar(self, index: int, k: int) -> tuple[SimilarItem, ...]:
        """Return the k items most similar to one, without itself and those that share nothing."""
        holds = np.zeros(self._num_sessions, np.bool_)
        holds[self._session[self._item == index]] = True
        both = np.bincount(self._item[holds[self._session]], minlength=len(self._counts))
        norms = np.sqrt((self._counts + self._damping) * (self._counts[index] + self._damping))
        cosines = np.where(both > 0, both / np.where(norms > 0, norms, 1), -np.inf)
        cosines[index] = -np.inf
        best = top_items(cosines[None], k)[1].tolist()
        return tuple(
            SimilarItem(
                rank, self._items.ids[at], round(float(cosines[at]), 6), int(both[at]), title
            )
            for rank, (at, title) in enumerate(_with_titles(self._items, best), start=1)
        )


def load_session_similarity(run: Run, workspace: Workspace, items: RunItems) -> SessionSimilarity:
    """Count the sessions that a run was trained on, which its dataset holds.

    The damping is the default of the baseline item-kNN.

    Raises:
        ArtefactError: the dataset is missing or damaged, or is no longer that of the run.
    """
    from sbrcli.dataset.storage import load_items
    from sbrcli.dataset.unions import load_training_sessions
    from sbrcli.models.baselines.item_knn import ItemKnnConfig  # which loads SciPy
    from sbrcli.workflow.evaluate import dataset_of

    dataset = dataset_of(run, workspace)
    found = load_training_sessions(dataset.path, run)
    own = load_items(dataset.path).ids
    index_of = np.array([items.index_of.get(item_id, -1) for item_id in own], np.int64)
    sessions = Sessions(index_of[found.item_indices], found.offsets, found.timestamps)
    return SessionSimilarity(sessions, items, ItemKnnConfig().damping)


def _with_titles(items: RunItems, indices: list[int]) -> list[tuple[int, str | None]]:
    return [(at, items.titles[at] if items.titles else None) for at in indices]
