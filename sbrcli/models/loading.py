"""Load a trained run as a model, of any family."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sbrcli.artefacts.items import ITEMS_FILE, RunItems, load_items
from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.artefacts.run import Run
from sbrcli.errors import ArtefactError
from sbrcli.models.blend.members import BlendScorer, Member
from sbrcli.models.network import NetworkShape, count_parameters
from sbrcli.models.registry import BLEND, family_of, is_baseline
from sbrcli.models.scorer import Scorer
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights

if TYPE_CHECKING:  # which loads SciPy
    from sbrcli.models.baselines.fitted import FittedBaseline


def shape_of_run(run: Run) -> NetworkShape:
    """Return the shape of a run's network.

    Raises:
        ArtefactError: the manifest does not describe a network.
    """
    family = family_of(run)
    try:
        return family.read_shape(run.network)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtefactError(
            f"the run's manifest does not describe a network: {error!r}",
            hint="train the run again with --overwrite",
        ) from error


def num_items_of(run: Run) -> int:
    """Return how many items a run's model scores.

    Raises:
        ArtefactError: the manifest does not state it.
    """
    if not is_baseline(run.model) and run.model != BLEND:
        return shape_of_run(run).num_items
    num_items = run.network.get("num_items")
    if not isinstance(num_items, int):
        raise run.lacks("network.num_items")
    return num_items


def memory_of(run: Run, scorer: Scorer) -> int:
    """Return the bytes of a run's model: a network's weights, or what a baseline was fitted to.

    Those of a blend are its members' together.
    """
    if is_baseline(run.model) or run.model == BLEND:
        return cast("FittedBaseline | BlendScorer", scorer).memory_bytes
    return 4 * count_parameters(shape_of_run(run))  # single precision


def load_scorer(run_folder: Path, batch_size: int = 128) -> Scorer:
    """Load a run's model as a scorer, without TensorFlow.

    Raises:
        ArtefactError: a file is missing or damaged, or the files do not match.
    """
    run = Run.read(run_folder)
    if is_baseline(run.model):
        from sbrcli.models.baselines.run_files import load_baseline  # which loads SciPy

        return load_baseline(run)
    if run.model == BLEND:
        from sbrcli.models.blend.run_files import load_blend

        return load_blend(run, load_member)
    family = family_of(run)
    try:
        shape = shape_of_run(run)
    except ArtefactError as error:
        raise ArtefactError(f"{run_folder / MANIFEST} is damaged: {error}", error.hint) from error
    weights = load_weights(run_folder / WEIGHTS_FILE, shape, mapped=True)
    return family.make_scorer(shape, weights, batch_size)


def load_member(run_folder: Path) -> Member:
    """Load a run's model as a member of a blend, with scale 1 for a network.

    Raises:
        ArtefactError: a file is missing or damaged, or the files do not match.
    """
    run, scorer = Run.read(run_folder), load_scorer(run_folder)
    return Member(scorer, None if is_baseline(run.model) else 1.0, memory_of(run, scorer))


def load_model(run_folder: Path | str) -> tuple[Any, RunItems]:
    """Load a run as a Keras model, with its items: an item's index is its position there.

    Raises:
        ArtefactError: the run is missing or damaged.
    """
    folder = Path(run_folder)
    run = Run.read(folder)
    shape = shape_of_run(run)
    weights = load_weights(folder / WEIGHTS_FILE, shape)
    return family_of(run).make_keras_model(shape, weights), load_items(folder / ITEMS_FILE)
