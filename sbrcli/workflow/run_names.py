"""The default names of runs, made of their dataset and options."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sbrcli.config.training import FitConfig, differences
from sbrcli.models.network import Family

MAX_CHARACTERS = 60
"""The maximum number of characters of the options; a hash replaces longer ones."""

_MAX_BYTES = 120
"""The maximum number of bytes of a name; if the dataset's name leaves less room, a hash is used."""

_UNTIL = re.compile(r"-until-\d{8}T\d{6}$")
"""How the default name of an update ends."""

_SHORT = {
    "learning_rate": "lr",
    "batch_size": "batch",
    "n_sample": "sample",
    "embedding_dropout": "embdrop",
    "label_smoothing": "smooth",
    "sample_alpha": "alpha",
    "clip_norm": "clip",
}


def default_run_name(dataset: str, family: Family, config: FitConfig, usual: FitConfig) -> str:
    """Return a run's name: its dataset, network size, and other options that are not the default.

    With `epochs=1` it is user-1x100-epochs1.

    Args:
        dataset: the name of the dataset.
        family: the family of the network.
        config: the training configuration.
        usual: the defaults for that dataset.
    """
    begin, other = _split(dataset, family, config, usual)
    name = f"{begin}-{write_words(other)}" if other else begin
    return name if len(name.encode()) <= _MAX_BYTES else f"{begin}-{hash_options(other)}"


def earlier_run_name(dataset: str, family: Family, config: FitConfig, usual: FitConfig) -> str:
    """Return the name that earlier versions of sbr used: with a hash of the other options."""
    begin, other = _split(dataset, family, config, usual)
    return f"{begin}-{hash_options(other)}" if other else begin


def _split(
    dataset: str, family: Family, config: FitConfig, usual: FitConfig
) -> tuple[str, dict[str, Any]]:
    """Return the beginning of a run's name, and the other options that it must contain."""
    other = differences(config, usual)
    other = {name: value for name, value in other.items() if name not in family.size_options}
    return f"{dataset}-{family.size_words(config)}", other


def name_update(parent: str, last_time: float) -> str:
    """Return the name of an update: what the run was first trained as, and until when it learned.

    It is user-1x100-until-20261126T235900, also if the parent is user-1x100-until-20261125T235900.

    Args:
        parent: the name of the run that is updated.
        last_time: the time of the last event, in seconds since 1970 UTC.
    """
    until = datetime.fromtimestamp(last_time, UTC).strftime("-until-%Y%m%dT%H%M%S")
    root = _UNTIL.sub("", parent)
    if len((root + until).encode()) > _MAX_BYTES:
        root = f"{root.encode()[:60].decode(errors='ignore')}-{hash_options({'run': root})}"
    return root + until


def write_words(options: Mapping[str, Any]) -> str:
    """Write options as a part of a run's name, as in "lr0.05-batch64-refit".

    Args:
        options: the values by name in Python; sizes as a sequence.
    """
    words = "-".join(_word(name, value) for name, value in options.items())
    return words if len(words) <= MAX_CHARACTERS else hash_options(options)


def hash_options(options: Mapping[str, Any]) -> str:
    """Return a hash of options: six characters."""
    text = json.dumps(options, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def _word(name: str, value: Any) -> str:
    called = _SHORT.get(name, name)
    if isinstance(value, bool):
        return called if value else f"no-{called}"
    if isinstance(value, str):  # the name of a loss needs no prefix
        known = value not in ("none", "auto", "gpu", "cpu")
        known = known and name not in ("monitor", "since", "repeats")
        return value if known else f"{called}-{value.replace('@', '')}"
    if isinstance(value, (list, tuple)):
        return called + "-".join(map(str, value))
    return f"{called}{'auto' if value is None else _number(value)}"


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")
