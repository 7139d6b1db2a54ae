"""Open a dataset for training."""

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.training import FitConfig
from sbrcli.errors import ArtefactError, ConfigError


def open_trainable(workspace: Workspace, name: str | None, config: FitConfig) -> Dataset:
    """Open a dataset and check that it has what a training needs.

    Raises:
        ArtefactError: it is missing or damaged, or was prepared by an sbr without --refit.
        ConfigError: a refit is requested and the dataset has no valid split.
    """
    dataset = workspace.open("dataset", name)
    if "valid" not in dataset.splits:
        raise dataset.lacks("splits.valid")
    if config.refit:
        _require_train_full(dataset)
    return dataset


def _require_train_full(dataset: Dataset) -> None:
    """Check that a dataset has what a refit needs."""
    if dataset.splits["valid"] is None:
        raise ConfigError(
            "refit needs a valid split, on which the best number of epochs is found; dataset "
            f"{dataset.name} has none",
            hint="leave --refit out: all events before test are trained on as it is",
        )
    if dataset.train_full is None:
        raise ArtefactError(
            f"dataset {dataset.name} was prepared by an sbr that kept nothing for --refit",
            hint="prepare it again, sbr preprocess LOG --overwrite, or leave --refit out",
        )
    if dataset.train_full.items < dataset.train.items:
        raise dataset.damaged("train_full has fewer items than train")
