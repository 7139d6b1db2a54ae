"""Datasets that a network can be trained on: their manifests state all that a training needs."""

from sbrcli.artefacts.artefact import Artefact
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.training import TrainConfig
from sbrcli.errors import ArtefactError, ConfigError

COUNTED = ("events", "sessions", "items")
"""What a manifest counts of each split."""


def open_trainable(workspace: Workspace, name: str | None, config: TrainConfig) -> Artefact:
    """Open a dataset whose manifest says all that such a training asks of it."""
    dataset = workspace.open("dataset", name)
    try:
        splits = dataset.manifest["splits"]
        counts = [splits["train"][what] for what in COUNTED]
        is_intact = all(isinstance(count, int) and count > 0 for count in counts)
        is_intact = is_intact and "valid" in splits and "fingerprint" in dataset.manifest
    except (KeyError, TypeError):
        is_intact = False
    if not is_intact:
        raise damaged_dataset(dataset)
    if config.refit:
        _require_train_full(dataset)
    return dataset


def _require_train_full(dataset: Artefact) -> None:
    """Check that a dataset has what a refit asks of it."""
    if dataset.manifest["splits"]["valid"] is None:
        raise ConfigError(
            "refit needs a valid split, by which the best number of epochs is found; dataset "
            f"{dataset.name} has none",
            hint="leave --refit out: all events before test are trained on as it is",
        )
    counts = dataset.manifest.get("train_full")
    if counts is None:
        raise ArtefactError(
            f"dataset {dataset.name} was prepared by an sbr that kept nothing for --refit",
            hint="prepare it again, sbr preprocess LOG --overwrite, or leave --refit out",
        )
    is_intact = isinstance(counts, dict) and all(isinstance(counts.get(n), int) for n in COUNTED)
    if not is_intact or counts["items"] < dataset.manifest["splits"]["train"]["items"]:
        raise damaged_dataset(dataset)


def damaged_dataset(dataset: Artefact) -> ArtefactError:
    """Make the error that says that a dataset is damaged."""
    from sbrcli.dataset.summary import damaged_manifest  # loads pandas, for which none should wait

    return damaged_manifest(dataset)
