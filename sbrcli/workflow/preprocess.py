"""Prepare a dataset from a log: `sbr preprocess`."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from sbrcli.artefacts.dataset import Counts, Dataset, Source
from sbrcli.artefacts.workspace import Workspace
from sbrcli.config.engine import EngineConfig
from sbrcli.config.prepare import PrepareConfig
from sbrcli.config.reading import ReadConfig
from sbrcli.config.session_rule import SessionRule
from sbrcli.dataset.build import plan_given_tables, plan_table
from sbrcli.dataset.overlaps import find_overlaps, require_same_owners
from sbrcli.dataset.plan import Plan
from sbrcli.dataset.sessionize import default_rule
from sbrcli.dataset.spec import DatasetSpec, describe_files, require_same
from sbrcli.dataset.summary import PreparedDataset
from sbrcli.dataset.timeline import find_early_targets
from sbrcli.dataset.writing import write_dataset
from sbrcli.engines.engine import Engine
from sbrcli.engines.local import HERE, require_guarded
from sbrcli.engines.registry import require_engine, started
from sbrcli.errors import ArtefactError, ConfigError
from sbrcli.log.detect import AS_READ, recognise_log
from sbrcli.log.files.spool import on_disk
from sbrcli.log.log import Log
from sbrcli.log.quality.description import describe_reading
from sbrcli.log.quality.misreadings import find_misreadings
from sbrcli.log.reading import read_log
from sbrcli.log.titles import read_titles
from sbrcli.reporter import SILENT, Reporter
from sbrcli.workflow.given_split import GivenSplit, check_given_split
from sbrcli.workflow.plan_in_parts import plan_in_parts
from sbrcli.workflow.prepare_in_parts import (
    Watched,
    find_room,
    is_in_parts,
    require_disk,
    stage_shares,
)
from sbrcli.workflow.read_into_pieces import OnePartError
from sbrcli.workflow.stages import in_stages

IN_HALF_OF_MEMORY = EngineConfig()

_HARDLY_ANY_ORDER = 0.9
"""The share of consecutive events with equal times from which times hardly order the events."""


def prepare_dataset(
    log: Path | Sequence[Path],
    config: PrepareConfig,
    workspace: Workspace,
    *,
    reading: ReadConfig = AS_READ,
    given: GivenSplit | None = None,
    name: str | None = None,
    overwrite: bool = False,
    titles: Path | None = None,
    engine: EngineConfig = IN_HALF_OF_MEMORY,
    reporter: Reporter = SILENT,
) -> PreparedDataset:
    """Prepare a dataset from a log, or return it if it already exists.

    Args:
        log: the files of the log, in order; - is standard input.
        config: the options of preparation.
        workspace: the work directory for the dataset.
        reading: how the log is read.
        given: the test and valid logs, if the split already exists.
        name: the dataset's name; by default of the log's name and options that are not the default.
        overwrite: replace an existing dataset of this name.
        titles: a file of the items' titles, stored with the dataset.
        engine: who does the work, and in how much memory.
        reporter: receives how each log was read, and warnings.

    Returns:
        A summary of the dataset, with times in UTC.

    Raises:
        ConfigError: the name is no folder name, options conflict, or the engine cannot work here.
        DataError: a file cannot be read, or a split is empty.
        ArtefactError: another dataset has the name, or the folder cannot be written.
        EngineError: processes have died, or this is one that imports a program without a guard.
    """
    require_guarded(engine.processes if engine.engine == "local" else 2)
    check_given_split(config, reading, given, name)
    require_engine(engine)
    with ExitStack() as stack:
        called = _call_logs(log, given)
        enter = stack.enter_context
        logs = {part: [enter(on_disk(path)) for path in paths] for part, paths in called.items()}
        source = _describe_source(logs, called, titles)
        spec = DatasetSpec(_resolve(config, logs["log"], reading), reading, source)
        earlier = None if name or overwrite else _find_earlier(workspace, spec)
        name = name or spec.name()
        with workspace.locked("dataset", name):
            existing = None if overwrite else workspace.find("dataset", name) or earlier
            if existing is not None:
                require_same(existing, spec)
                return PreparedDataset.of(existing, already_there=True)
            named = read_titles(titles) if titles else None
            write = _Writer(workspace, name, spec, named, reporter)
            plan = _prepare(logs, write, engine)
    prepared = PreparedDataset.of(workspace.open("dataset", name))
    is_by_date = given is None and config.split == "date"
    for text in find_early_targets(prepared.timeline, plan.suggested_gap) if is_by_date else ():
        reporter.warn(text)
    return prepared


@dataclass(frozen=True, slots=True)
class _Writer:
    """Where a dataset is written, and what of it does not depend on how it is prepared."""

    workspace: Workspace
    name: str
    spec: DatasetSpec
    titles: dict[str, str] | None
    reporter: Reporter

    def write(self, engine: Engine, plan: Plan) -> Plan:
        """Write a planned dataset, and return its plan."""
        if plan.note is not None:
            self.reporter.note(plan.note)
        if plan.tie_share >= _HARDLY_ANY_ORDER:
            self.reporter.warn(
                f"{100 * plan.tie_share:.0f} % of the consecutive events of a session have the "
                "same time: their order is that of the file."
            )
        items = plan.vocabulary.to_items(self.titles)
        source = replace(self.spec.source, rows=plan.num_events)
        made_of = {"source": source.to_document(), "config": self.spec.options()}
        with self.workspace.staged("dataset", self.name) as folder:
            write_dataset(engine, folder, plan, items, made_of)
        return plan


def _prepare(logs: Mapping[str, Sequence[Path]], write: _Writer, config: EngineConfig) -> Plan:
    """Prepare and write logs: in parts of users if they are large and can be divided so."""
    write.workspace.discard_scratch("dataset", write.name)
    log, *others = logs.values()
    if is_in_parts(log, config, write.spec.reading, others):
        return _prepare_in_parts(logs, write, config)
    return write.write(HERE, _plan(logs, write.spec, write.reporter))


def _prepare_in_parts(
    logs: Mapping[str, Sequence[Path]], write: _Writer, config: EngineConfig
) -> Plan:
    """Prepare and write logs that do not fit into memory; in one part if they have to be."""
    log, *others = logs.values()
    reporter, spec, workspace = write.reporter, write.spec, write.workspace
    with (
        workspace.scratch("dataset", write.name) as scratch,
        started(config, scratch.absolute()) as (engine, has),
    ):
        room = find_room(log, has, spec.reading, others)
        reporter.note(require_disk(room, workspace.root))
        shares = stage_shares(log, has.processes)
        try:
            with in_stages(reporter, "prepare", room.num_rows, shares) as stages:
                own = (spec, scratch.absolute(), room, config.parts)
                plan, read = plan_in_parts(engine, logs, *own, stages, reporter)
                for one in read:
                    reporter.note(describe_reading(one))
                with stages.stage("write", len(plan.parts)) as advance:
                    return write.write(Watched(engine, advance), _add_left_out(plan, read, spec))
        except OnePartError as error:
            reporter.warn(f"the log is prepared in memory, at once: {error}")
    return write.write(HERE, _plan(logs, spec, reporter))


def _find_earlier(workspace: Workspace, spec: DatasetSpec) -> Dataset | None:
    """Find the same dataset under the default name of earlier versions of sbr.

    Returns:
        None if there is none, or if it is damaged or was made from something else.
    """
    try:
        found = workspace.find("dataset", spec.earlier_name())
        if found is not None:
            require_same(found, spec)
    except (ArtefactError, ConfigError):  # such a name may be too long
        return None
    return found


def _call_logs(log: Path | Sequence[Path], given: GivenSplit | None) -> dict[str, Sequence[Path]]:
    """Return the files of each log, by its role: log, test_log, valid_log."""
    called: dict[str, Sequence[Path]] = {"log": [log] if isinstance(log, Path) else log}
    if given is not None:
        called["test_log"] = [given.test]
        if given.valid is not None:
            called["valid_log"] = [given.valid]
    return called


def _describe_source(
    logs: Mapping[str, Sequence[Path]],
    called: Mapping[str, Sequence[Path]],
    titles: Path | None,
) -> Source:
    """Return the source files of a dataset, for its manifest.

    Args:
        logs: the files of each log, by its role.
        called: the user's names of these files.
        titles: a file of titles, or None.
    """
    files = {part: describe_files(logs[part], called[part]) for part in logs}
    log = files["log"]
    return Source(
        name=log.name,
        sha256=log.sha256,
        parts=log.parts,
        test_log=files.get("test_log"),
        valid_log=files.get("valid_log"),
        titles=describe_files([titles], [titles]) if titles else None,
    )


def _resolve(config: PrepareConfig, log: Sequence[Path], reading: ReadConfig) -> PrepareConfig:
    """Return the options with the session rule in its canonical form."""
    if config.session is None:
        rule = default_rule(recognise_log(log, reading).known_columns)
    else:
        rule = SessionRule.parse(config.session)
    return replace(config, session=str(rule))


def _plan(
    logs: Mapping[str, Sequence[Path]],
    spec: DatasetSpec,
    reporter: Reporter,
) -> Plan:
    """Read the logs and plan the dataset; rows that reading left out count as dropped."""
    read = {}
    for part, paths in logs.items():
        read[part] = read_log(paths, spec.reading)
        reporter.note(describe_reading(read[part]))
        _warn_of_misreadings(read[part], part if len(logs) > 1 else None, reporter)
    if len(read) == 1:
        plan = plan_table(read["log"].events, spec.config)
    else:
        tables = {part: log.events for part, log in read.items()}
        require_same_owners(tables)
        named = spec.config.session == "column"
        for text in find_overlaps(tables, named_sessions=named):
            reporter.warn(text)
        plan = plan_given_tables(
            tables["log"], tables.get("valid_log"), tables["test_log"], spec.config
        )
    return _add_left_out(plan, list(read.values()), spec)


def _add_left_out(plan: Plan, logs: Sequence[Log], spec: DatasetSpec) -> Plan:
    """Return a plan that counts as dropped what was left out in reading its logs."""
    left_out = {}
    if spec.reading.skip_bad_rows:
        bad = sum(log.bad_rows.count for log in logs if log.bad_rows)
        left_out["bad_rows"] = Counts(events=bad)
    if spec.reading.events:
        left_out["other_events"] = Counts(events=sum(log.other_events for log in logs))
    if spec.reading.drop_id is not None:
        left_out["dropped_ids"] = Counts(events=sum(log.dropped_ids for log in logs))
    rows = plan.num_events + sum(counts.events for counts in left_out.values())
    return replace(plan, dropped=left_out | plan.dropped, num_events=rows)


def _warn_of_misreadings(log: Log, part: str | None, reporter: Reporter) -> None:
    """Warn about possible misreadings; if there are several logs, name the `part`."""
    of_which = f"the {part.replace('_', ' ')}: " if part else ""
    misreadings = find_misreadings(log.events, time_unit=log.format.time_unit)
    for text in (*log.format.doubts, *misreadings):
        reporter.warn(of_which + text)
