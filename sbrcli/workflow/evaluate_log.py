"""Evaluate a run on a new log, such as yesterday's model on today's events."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sbrcli.artefacts.items import ITEMS_FILE, load_items
from sbrcli.artefacts.run import Run
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.evaluation import EvaluateConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.dataset.cutting import cut_into_sessions
from sbrcli.dataset.sessionize import session_offsets
from sbrcli.errors import ArtefactError, ConfigError, DataError
from sbrcli.evaluation.evaluate import Evaluation
from sbrcli.evaluation.ranks import drop_unknown
from sbrcli.log.events import ITEM_ID, TIMESTAMP
from sbrcli.log.files.spool import on_disk
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.reading import read_log
from sbrcli.reporter import SILENT, Reporter
from sbrcli.sessions import Sessions
from sbrcli.workflow.evaluate import dataset_of, evaluate_sessions
from sbrcli.workflow.training_job import learned_from

_OF_TIMES = ("time_unit", "time_format", "no_time")

SPLIT = "log"
"""The name of the split in results."""


@dataclass(frozen=True, slots=True)
class NewLog:
    """A log to evaluate on, and how to read it.

    Args:
        path: the log's file or folder; - is standard input.
        reading: the user's options for reading it; the others are those of the run's dataset.
    """

    path: Path
    reading: ReadConfig

    @property
    def called(self) -> str:
        """Its name in the protocol."""
        return "log standard input" if self.path == Path("-") else f"log {self.path.name}"


def evaluate_log(
    run: Run,
    workspace: Workspace,
    config: EvaluateConfig,
    log: NewLog,
    options: Mapping[str, str] | None = None,
    hybrid_from: str | None = None,
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Evaluate a run on every target of a log's sessions; nothing is stored.

    The log is read and cut into sessions like that of the run's dataset. Targets that the run does
    not know are left out, and counted as misses in a second set of metrics, as on test.

    Args:
        run: the run.
        workspace: the work directory of its dataset, to which baselines and hybrids are fitted.
        config: what to compare the run with, and the cut-offs k.
        log: the log.
        options: options of baselines as the user writes them; they override the tuned ones.
        hybrid_from: the run whose hybrid is taken over.
        reporter: receives how the log was read, the number of targets ranked by all models
            together, and a warning if the figures are doubtful.

    Raises:
        ArtefactError: it is unknown how the dataset was made, or it has changed and the run is to
            be compared with other models.
        DataError: the log cannot be read, or the run knows none of its targets.
    """
    dataset = dataset_of(run, workspace) if config.baselines or config.hybrid else None
    made_with, last_time = find_origin(run, workspace)
    reading = complete_reading(log.reading, made_with)
    with on_disk(log.path) as path:
        read = read_log(path, reading)
    reporter.note(describe_reading(read))
    sessions = _to_sessions(run, read.events, made_with)
    if not drop_unknown(sessions, len(load_items(run.path / ITEMS_FILE).ids))[0].num_targets:
        raise DataError(
            f"run {run.name} knows no next item of the {log.called}",
            hint="see whether the log names items as the one that the run was trained on",
        )
    if not reading.no_time:
        _warn_of_old_events(sessions, last_time, reporter)
    found, _ = evaluate_sessions(
        run, workspace, config, (sessions, log.called), dataset, options, hybrid_from, reporter
    )
    protocol = replace(found.protocol, max_user_events=made_with.get("max_user_events"))
    return replace(found, split=SPLIT, protocol=protocol)


def find_origin(run: Run, workspace: Workspace) -> tuple[dict[str, Any], str | None]:
    """Return the options of a run's dataset, and the time of its last training event.

    A run by an earlier sbr stores neither; they are read from its dataset, if it still exists.
    """
    if run.learned_from is not None:
        return run.learned_from.config, run.learned_from.last_time
    try:
        found = learned_from(dataset_of(run, workspace), with_valid=run.is_refitted)
    except ArtefactError as error:
        raise ArtefactError(
            f"how run {run.name} made sessions of its log is not known: {error}",
            hint="prepare the dataset as it was; runs trained from now on keep it",
        ) from error
    return found.config, found.last_time


def complete_reading(reading: ReadConfig, made_with: Mapping[str, Any]) -> ReadConfig:
    """Fill in the options with which the dataset's log was read, except those that the user gave.

    The options of `_OF_TIMES` exclude each other: if the user gives one, the dataset's are dropped.
    """
    usual = ReadConfig()
    names = [option.name for option in fields(ReadConfig)]
    given = {name for name in names if getattr(reading, name) != getattr(usual, name)}
    given |= set(_OF_TIMES) if given & set(_OF_TIMES) else set()
    kept = {name: made_with[name] for name in names if name in made_with and name not in given}
    return replace(reading, **kept)


def _to_sessions(run: Run, events: pd.DataFrame, made_with: Mapping[str, Any]) -> Sessions:
    """Cut a log's events into sessions of the run's item indices; -1 is an unknown item."""
    cut = cut_into_sessions(events, prepare_config_of(run.name, made_with))
    index_of = load_items(run.path / ITEMS_FILE).index_of
    codes, ids = pd.factorize(cut[ITEM_ID])
    indices = np.array([index_of.get(str(item_id), -1) for item_id in ids], np.int32)
    return Sessions(indices[codes], session_offsets(cut), cut[TIMESTAMP].to_numpy())


def prepare_config_of(run: str, made_with: Mapping[str, Any]) -> PrepareConfig:
    """Return the options that the dataset of a run was made with.

    Raises:
        ArtefactError: this version of sbr does not know them.
    """
    known = {field.name for field in fields(PrepareConfig)}
    try:
        return PrepareConfig(**{name: v for name, v in made_with.items() if name in known})
    except (ConfigError, TypeError) as error:
        raise ArtefactError(
            f"run {run} was made of a dataset with options that this sbr does not know",
            hint="train the run again",
        ) from error


def _warn_of_old_events(sessions: Sessions, last_time: str | None, reporter: Reporter) -> None:
    """Warn about events that are no later than the run's last training event."""
    if last_time is None:
        return
    is_old = sessions.timestamps.astype(np.float64) <= datetime.fromisoformat(last_time).timestamp()
    if is_old.any():
        lengths = np.diff(sessions.offsets)
        session = np.repeat(np.arange(len(lengths)), lengths)
        reporter.warn(
            f"{np.count_nonzero(is_old):,} of {len(is_old):,} events, in "
            f"{len(np.unique(session[is_old])):,} of {len(lengths):,} sessions, are no later than "
            f"{last_time}, the run's last training event: it may have been trained on them"
        )
