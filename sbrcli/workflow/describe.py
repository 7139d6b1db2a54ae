"""Describe a log or a dataset: what `sbr stats` does."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import tzinfo
from pathlib import Path

import numpy as np
import pandas as pd

from sbrcli.artefacts.dataset import Dataset
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.sessionize import assign_sessions, default_rule, require_no_gap
from sbrcli.dataset.unions import load_all_sessions
from sbrcli.engines.registry import require_engine, started
from sbrcli.log import statistics
from sbrcli.log.columns.times import ORDER
from sbrcli.log.events import ITEM_ID, SESSION_ID, TIMESTAMP
from sbrcli.log.figures import LogStatistics
from sbrcli.log.files.spool import on_disk
from sbrcli.log.formats.unsupported_layouts import line_reader
from sbrcli.log.quality.description import describe_doubts, describe_log_as_read
from sbrcli.log.reading import read_log
from sbrcli.reporter import SILENT, Reporter
from sbrcli.sessions import Sessions
from sbrcli.workflow.describe_in_parts import DescribedLog, describe_in_parts, stage_shares
from sbrcli.workflow.named_log import refuse_artefacts
from sbrcli.workflow.prepare_in_parts import find_room, is_in_parts, require_disk
from sbrcli.workflow.read_into_pieces import OnePartError
from sbrcli.workflow.stages import in_stages

IN_HALF_OF_MEMORY = EngineConfig()


@dataclass(frozen=True, slots=True)
class Description:
    """The statistics of a log or of a dataset."""

    statistics: LogStatistics
    dataset: str | None = None
    """The name of the dataset; None for a log."""


def describe(
    workspace: Workspace,
    log: Sequence[Path] | None,
    dataset: str | None,
    reading: ReadConfig,
    rule: SessionRule | None,
    zone: tzinfo,
    engine: EngineConfig = IN_HALF_OF_MEMORY,
    reporter: Reporter = SILENT,
) -> Description:
    """Describe a log; without one, a dataset of a work directory.

    Args:
        workspace: where the dataset is.
        log: the files of the log, in order; None or empty for a dataset.
        dataset: the name of the dataset; None for the latest.
        reading: how the log is read.
        rule: the session rule of the log; see `describe_log`.
        zone: the time zone of the times in the result.
        engine: how much of the machine a log may use.
        reporter: receives what `describe_log` reports, or the name of the dataset.

    Raises:
        ArtefactError, ConfigError, DataError: see `describe_log` and `describe_dataset`.
    """
    if log:
        refuse_artefacts(workspace, log)
        return Description(describe_log(workspace, log, reading, rule, zone, engine, reporter))
    opened = workspace.open("dataset", dataset)
    statistics = describe_dataset(opened, zone)
    reporter.note(f"dataset {opened.name}")
    return Description(statistics, opened.name)


def describe_log(
    workspace: Workspace,
    log: Sequence[Path],
    reading: ReadConfig,
    rule: SessionRule | None,
    zone: tzinfo,
    engine: EngineConfig = IN_HALF_OF_MEMORY,
    reporter: Reporter = SILENT,
) -> LogStatistics:
    """Count the events, sessions and items of a log: in parts if it does not fit into memory.

    Args:
        workspace: where a log in parts is written meanwhile.
        log: the files of the log, in order; - is standard input.
        reading: how the log is read.
        rule: the session rule; None uses the log's sessions, or else one session per user.
        zone: the time zone of the times in the result.
        engine: who does the work, and in how much memory; the figures are the same whatever it is.
        reporter: receives how the log was read, and the number of possible problems.

    Raises:
        ConfigError: the rule needs times, and the log is read without them; or the engine cannot
            work here.
        DataError: the log cannot be read.
        ArtefactError: a log in parts needs more disk than the work directory has.
        EngineError: a process, or all workers of a cluster, have died.
    """
    require_engine(engine)
    if reading.no_time and rule is not None:
        require_no_gap(str(rule))
    with ExitStack() as stack:
        paths = [stack.enter_context(on_disk(path)) for path in log]
        reader = line_reader(paths[0]) if paths[0].is_file() else None
        described = None
        if is_in_parts(paths, engine, reading):
            described = _describe_in_parts(workspace, paths, reading, rule, engine, reporter)
        read = described.log if described else read_log(paths, reading, counts_kinds=True)
    for line in describe_log_as_read(read, zone):
        reporter.note(line)
    if described is None:
        rule = rule or default_rule(read.events)
        told = statistics.Reading.of(read, rule, zone, reader)
        found = statistics.describe_log(assign_sessions(read.events, rule), told)
    else:
        found = described.complete(statistics.Reading.of(read, described.rule, zone, reader))
    reporter.note(describe_doubts(found.warnings))
    return found


def _describe_in_parts(
    workspace: Workspace,
    logs: Sequence[Path],
    reading: ReadConfig,
    rule: SessionRule | None,
    config: EngineConfig,
    reporter: Reporter,
) -> DescribedLog | None:
    """Add up the parts of a log; return None if it has to be described in memory."""
    with (
        workspace.own_scratch("stats") as scratch,
        started(config, scratch.absolute()) as (engine, has),
    ):
        room = find_room(logs, has, reading)
        reporter.note(require_disk(room, workspace.root))
        shares = stage_shares(logs, has.processes)
        own = (rule, scratch.absolute(), room, config.parts)
        try:
            with in_stages(reporter, "describe", room.num_rows, shares) as stages:
                return describe_in_parts(engine, logs, reading, *own, stages)
        except OnePartError as error:
            reporter.warn(f"the log is described in memory, at once: {error}")
            return None


def describe_dataset(dataset: Dataset, zone: tzinfo) -> LogStatistics:
    """Count the events, sessions and items of all splits of a dataset together.

    The problems of its log are not reported again.

    Args:
        dataset: the dataset.
        zone: the time zone of the times in the result.

    Raises:
        ArtefactError: a split is missing or damaged.
    """
    unit = "s" if dataset.has_times else ORDER
    found = statistics.describe_log(
        _to_events(load_all_sessions(dataset.path)),
        statistics.Reading(rule=SessionRule("column"), zone=zone, time_unit=unit),
    )
    return replace(found, warnings=())


def _to_events(sessions: Sessions) -> pd.DataFrame:
    """Return an event table of sessions numbered from 0."""
    return pd.DataFrame(
        {
            SESSION_ID: np.repeat(np.arange(sessions.num_sessions), np.diff(sessions.offsets)),
            ITEM_ID: sessions.item_indices,
            TIMESTAMP: sessions.timestamps,
        }
    )
