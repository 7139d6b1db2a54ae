"""Load a trained run as a model, of any family."""

from pathlib import Path
from typing import Any

from sbrcli.artefacts.items import ITEMS_FILE, RunItems, load_items
from sbrcli.artefacts.manifests import MANIFEST
from sbrcli.artefacts.run import Run
from sbrcli.errors import ArtefactError
from sbrcli.models.network import NetworkShape
from sbrcli.models.registry import family_of
from sbrcli.models.scorer import Scorer
from sbrcli.models.weights_file import WEIGHTS_FILE, load_weights


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


def load_scorer(run_folder: Path, batch_size: int = 128) -> Scorer:
    """Load a run's network as a scorer, without TensorFlow.

    Raises:
        ArtefactError: a file is missing or damaged, or the files do not match.
    """
    run = Run.read(run_folder)
    family = family_of(run)
    try:
        shape = shape_of_run(run)
    except ArtefactError as error:
        raise ArtefactError(f"{run_folder / MANIFEST} is damaged: {error}", error.hint) from error
    weights = load_weights(run_folder / WEIGHTS_FILE, shape)
    return family.make_scorer(shape, weights, batch_size)


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
