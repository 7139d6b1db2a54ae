"""Find the items most similar to one: what `sbr similar` does."""

from dataclasses import dataclass
from pathlib import Path

from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.errors import ArtefactError
from sbrcli.models.registry import BLEND
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.chosen_run import open_run
from sbrcli.workflow.find_items import find_item
from sbrcli.workflow.recommender import open_items
from sbrcli.workflow.similar import (
    OutputSimilarity,
    Similar,
    load_session_similarity,
    network_of,
)


@dataclass(frozen=True, slots=True)
class SimilarAnswer:
    """The items most similar to one, and the run that knows them."""

    run: Run
    found: Similar
    is_titled: bool
    """Whether the items have titles."""


def find_similar(
    workspace: Workspace,
    name: str | None,
    item: str,
    k: int,
    titles: Path | None = None,
    reporter: Reporter = SILENT,
) -> SimilarAnswer:
    """Find the items most similar to one, by the network and by the training sessions.

    A baseline has no output table, and sessions alone are counted; of a blend, the table of its
    first network is used. For a network, they are left
    out with a warning if its dataset is not there.

    Args:
        workspace: where the run is.
        name: its name; None for the latest.
        item: an item's id, or a title that only one item has.
        k: how many items to find by each similarity.
        titles: a file of the items' titles.
        reporter: receives the title that stood for an id, and the warning.

    Raises:
        ArtefactError: the run or, without a network, its dataset is missing or damaged.
        DataError: the run does not know the item.
    """
    run = open_run(workspace, name, reporter)
    items = open_items(run, titles)
    index = find_item(reporter, item, items)
    by_output, network = None, network_of(run)
    if network is not None:
        by_output = OutputSimilarity(run, items).similar(index, k)
    try:
        by_sessions = load_session_similarity(run, workspace, items).similar(index, k)
    except ArtefactError as error:
        if by_output is None:
            raise
        reporter.warn(f"items of the same sessions are left out: {error}")
        by_sessions = None
    title = items.titles[index] if items.titles else None
    member = network.name if network is not None and run.model == BLEND else None
    found = Similar(items.ids[index], by_output, by_sessions, title, member)
    return SimilarAnswer(run, found, items.titles is not None)
