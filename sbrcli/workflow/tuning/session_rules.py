"""The same log cut into sessions by several rules: a prepared dataset for each."""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.spec import default_options, describe_files
from sbrcli.errors import ArtefactError, ConfigError, UsageError
from sbrcli.reporter import Reporter
from sbrcli.workflow.preprocess import prepare_dataset


def datasets_by_rule(
    workspace: Workspace, base: Dataset, rules: Sequence[str], log: Path | None, reporter: Reporter
) -> dict[str, Dataset]:
    """Return a dataset for each session rule, otherwise made as the base one.

    A dataset that the work directory has is used; one that it lacks is prepared from the log.

    Args:
        workspace: where the datasets are.
        base: the dataset whose other options hold for all.
        rules: as in "user" or "gap:3600".
        log: the log that the base dataset was made of; None if it was not given.
        reporter: given how the log was read.

    Raises:
        UsageError: a dataset must be prepared, and no log was given.
        ArtefactError: the base dataset was made of another log, or of several.
        OptionError, ConfigError: a rule cannot be read, or does not go with the other options.
        DataError: the log cannot be read, or a split comes out empty.
    """
    parsed = [str(SessionRule.parse(rule)) for rule in rules]
    found = {rule: _find(workspace, base, rule) for rule in parsed}
    missing = [rule for rule, dataset in found.items() if dataset is None]
    if missing:
        if log is None:
            raise UsageError(
                f"no dataset of the same log and options has the session rule {missing[0]}",
                hint="name the log, from which it is prepared: --log FILE",
            )
        _require_same_log(base, log)
    for rule in missing:
        assert log is not None
        config, reading = _options_of(base)
        prepared = prepare_dataset(
            log, replace(config, session=rule), workspace, reading=reading, reporter=reporter
        )
        found[rule] = workspace.open("dataset", prepared.name)
    return {rule: dataset for rule, dataset in found.items() if dataset is not None}


def _find(workspace: Workspace, base: Dataset, rule: str) -> Dataset | None:
    """Return a dataset of the base one's log and options with another session rule."""
    wanted = _comparable(base) | {"session": rule}
    if _comparable(base) == wanted:
        return base
    for other in workspace.open_all("dataset"):
        is_same_log = other.source.sha256 == base.source.sha256
        if is_same_log and not _has_other_logs(other) and _comparable(other) == wanted:
            return other
    return None


def _comparable(dataset: Dataset) -> dict[str, object]:
    return default_options() | dataset.config


def _has_other_logs(dataset: Dataset) -> bool:
    return dataset.source.test_log is not None or dataset.source.valid_log is not None


def _require_same_log(base: Dataset, log: Path) -> None:
    if _has_other_logs(base):
        raise ArtefactError(
            f"dataset {base.name} was made of several logs, and has one session rule alone",
            hint="name another with --dataset",
        )
    if describe_files([log], [log]).sha256 != base.source.sha256:
        raise ArtefactError(
            f"{log} is not the log that dataset {base.name} was made of, {base.source.name}",
            hint="name the dataset of that log with --dataset",
        )


def _options_of(base: Dataset) -> tuple[PrepareConfig, ReadConfig]:
    """Return the options that a dataset was made with; those that came later have their defaults.

    Raises:
        ArtefactError: they are not such as this version of sbr takes.
    """
    stored = _comparable(base)
    try:
        config = PrepareConfig(**_part(PrepareConfig, stored))
        reading = ReadConfig(**_part(ReadConfig, stored))
    except (ConfigError, TypeError) as error:
        raise base.damaged(f"its options are not those of sbr preprocess: {error}") from error
    return config, reading


def _part(config: type, stored: dict[str, object]) -> dict:
    usual = asdict(config())
    found = {field.name: stored.get(field.name, usual[field.name]) for field in fields(config)}
    return {
        name: tuple(value) if isinstance(usual[name], tuple) and isinstance(value, list) else value
        for name, value in found.items()
    }
