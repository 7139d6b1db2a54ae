"""The command line that trains a trial as a run."""

import shlex
from dataclasses import asdict, replace
from typing import Any

from sbrcli.artefacts.dataset import Dataset
from sbrcli.config.training import FitConfig
from sbrcli.models.configuration import configure_training
from sbrcli.models.registry import DEFAULT_FAMILY
from sbrcli.workflow.training_job import has_short_sessions


def train_words(dataset: Dataset, model: str, config: FitConfig, *, refit: bool) -> list[str]:
    """Return the words of the `sbr train` of a configuration, without those of the work directory.

    Args:
        dataset: what to train on.
        model: the family of networks.
        config: how to train; what differs from the defaults of that dataset is named.
        refit: train on valid too, after the best epoch is known.
    """
    is_short = has_short_sessions(dataset)
    usual = configure_training(
        {"optimizer": config.optimizer}, None, short_sessions=is_short, model=model
    )
    words = ["sbr", "train", "--dataset", dataset.name]
    if model != DEFAULT_FAMILY:
        words += ["--model", model]
    if config.optimizer != FitConfig().optimizer:
        words += ["--optimizer", config.optimizer]
    defaults = asdict(usual)
    for name, value in asdict(replace(config, refit=refit)).items():
        if value != defaults[name]:
            words += _option(name, value)
    return words


def write_command(words: list[str]) -> str:
    """Write words as one types them."""
    return shlex.join(words)


def _option(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, (list, tuple)):
        return [flag, ",".join(map(str, value))]
    if value is None:
        return [flag, "auto"]
    return [flag, repr(value).removesuffix(".0") if isinstance(value, float) else str(value)]
