"""The files of a run whose model is a baseline."""

from pathlib import Path

from sbrcli.artefacts.checksums import find_checksum_mismatch
from sbrcli.artefacts.manifests import write_atomically
from sbrcli.artefacts.run import Run
from sbrcli.config.options import Options
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.models.baselines.fitted import FittedBaseline
from sbrcli.models.baselines.registry import find_baseline
from sbrcli.models.baselines.stored import decode_baseline, encode_baseline
from sbrcli.models.weights_file import WEIGHTS_FILE
from sbrcli.version import __version__


def save_baseline(run_folder: Path, model: str, fitted: FittedBaseline) -> None:
    """Write a fitted baseline into a run's folder, where a network has its weights."""
    write_atomically(run_folder / WEIGHTS_FILE, encode_baseline(model, fitted))


def options_of(run: Run) -> Options:
    """Return the options that a run's baseline was fitted with.

    Options that are newer than the run have their defaults.

    Raises:
        ArtefactError: the manifest is damaged, or has options of a later version of sbr.
    """
    try:
        return find_baseline(run.model).options(**run.config)
    except (ConfigError, TypeError) as error:
        raise ArtefactError(
            f"the manifest of run {run.name} holds no options of sbr {__version__}: {error}",
            hint="train the run again with --overwrite",
        ) from error


def load_baseline(run: Run) -> FittedBaseline:
    """Load the baseline of a run.

    Raises:
        ArtefactError: a file is missing or damaged, or the files do not match.
    """
    path, options = run.path / WEIGHTS_FILE, options_of(run)
    num_items = run.network.get("num_items")
    if not isinstance(num_items, int):
        raise run.lacks("network.num_items")
    try:
        content = path.read_bytes()
        misfit = find_checksum_mismatch(path)  # it says more than which array is odd
        if misfit is not None:
            raise ValueError(misfit)
        fitted = decode_baseline(content, run.model, num_items, options)
    except FileNotFoundError as error:
        raise _damaged(path, "it is missing") from error
    except (OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    return fitted


def _damaged(path: Path, what: str) -> ArtefactError:
    return ArtefactError(f"{path} is damaged: {what}", hint="train the run again with --overwrite")
